import { expect } from 'chai'
import Koa from 'koa'
import {
  basic,
  cookie,
  expiringTokenApi,
  memoryTokens,
  memoryUsers,
  params,
  signedTokenApi,
  timedTokenApi,
  type TokenApi,
  tokenApi,
  type User,
} from 'koa-tokenapi'
import { jwtApi } from 'koa-tokenapi/jwt'
import { basicHeader, withServer } from '../support/http.js'
import { polluting, whilePolluted } from '../support/polluted.js'
import { asForm, asJson, send } from '../support/send.js'
import { appOf, cheap, PASSWORD } from '../support/siblings.js'

const secret = 'a secret of more than thirty-two bytes'

async function people(): Promise<User[]> {
  const password = await cheap.hash(PASSWORD)
  return [
    { id: 1, username: 'alice', password, isActive: true, tokenEpoch: 0 },
    { id: 3, username: 'carol', password, isActive: false, tokenEpoch: 0 },
  ]
}

interface Subject {
  readonly api: TokenApi<User>
  readonly login: string
  /** What a good token of alice looks like in the place that this API reads. */
  readonly offer: (token: string) => Readonly<Record<string, string>>
}

const subjects: Readonly<Record<string, (users: User[]) => Subject>> = {
  tokenApi: (users) => ({
    api: tokenApi({ users: memoryUsers(users), secret, passwords: cheap }),
    login: '/token/new',
    offer: (token) => basicHeader(1, token),
  }),
  timedTokenApi: (users) => ({
    api: timedTokenApi({ users: memoryUsers(users), store: memoryTokens(), passwords: cheap }),
    login: '/auth/login',
    offer: (token) => ({ authorization: `Token ${token}` }),
  }),
  expiringTokenApi: (users) => ({
    api: expiringTokenApi({ users: memoryUsers(users), store: memoryTokens(), passwords: cheap }),
    login: '/api-token-auth',
    offer: (token) => ({ authorization: `Token ${token}` }),
  }),
  signedTokenApi: (users) => ({
    api: signedTokenApi({ users: memoryUsers(users), secret, passwords: cheap }),
    login: '/token',
    offer: (token) => ({ authorization: `Bearer ${token}` }),
  }),
  jwtApi: (users) => ({
    api: jwtApi({ users: memoryUsers(users), secret, passwords: cheap, cookie: { name: 'jwt' } }),
    login: '/api-token-auth',
    offer: (token) => ({ cookie: `jwt=${token}` }),
  }),
}

describe('a polluted Object.prototype', () => {
  for (const [name, make] of Object.entries(subjects)) {
    describe(`with ${name}`, () => {
      let users: User[]
      before(async () => {
        users = await people()
      })

      const statusOf = async (
        properties: (offer: Readonly<Record<string, string>>, token: string) => Readonly<Record<string, unknown>>,
        request: Parameters<typeof send>[2] = {},
        path = '/me',
      ): Promise<number> => {
        const { api, offer } = make(users)
        const { token } = await api.issue(users[0] as User) // alice, see above
        const app = new Koa()
        app.use(polluting(properties(offer(token), token)))
        for (const middleware of appOf(api).middleware) app.use(middleware)
        return withServer(app, async ({ url }) => (await send(url, path, request)).status)
      }

      it('has something to steal: the same headers let a request in that sends them', async () => {
        const { api, offer } = make(users)
        const { token } = await api.issue(users[0] as User)
        await withServer(appOf(api), async ({ url }) => {
          expect((await send(url, '/me', { headers: offer(token) })).status).to.equal(200)
        })
      })

      it('lets no request in that sends no token', async () => {
        expect(await statusOf((offer) => offer)).to.equal(401)
        expect(await statusOf((offer) => offer, asForm('a=b'))).to.equal(401)
        expect(await statusOf((_offer, token) => ({ user: '1', token }), asJson({}))).to.equal(401)
        expect(await statusOf((_offer, token) => ({ body: { user: '1', token } }), { method: 'POST' })).to.equal(401)
        expect(await statusOf(() => ({ 'x-api-key': 'x', bearer: 'x', query: 'x', rawHeaders: [] }))).to.equal(401)
      })

      it('logs no request in that sends no user name and password', async () => {
        const typed = { username: 'alice', password: PASSWORD }
        const { login } = make(users)
        for (const properties of [typed, { body: typed }]) {
          for (const request of [asJson({}), asForm('a=b'), { method: 'POST' }]) {
            expect(await statusOf(() => properties, request, login)).to.be.within(400, 401)
          }
        }
      })

      it('makes no disabled account active', async () => {
        const { login } = make(users)
        const request = asJson({ username: 'carol', password: PASSWORD })
        expect(await statusOf(() => ({ isActive: true, is_active: true }), request, login)).to.be.within(400, 403)
      })
    })
  }

  it('makes no request come from the same site', async () => {
    const users = await people()
    const api = jwtApi({ users: memoryUsers(users), secret, passwords: cheap, cookie: { name: 'jwt' } })
    const { token } = await api.issue(users[0] as User)
    const headers = { cookie: `jwt=${token}`, origin: 'https://evil.example' }
    const forged = [
      { 'sec-fetch-site': 'same-origin' },
      { ':authority': 'evil.example' },
      { origins: ['https://evil.example'] },
    ]
    for (const properties of forged) {
      const app = new Koa().use(polluting(properties))
      for (const middleware of appOf(api).middleware) app.use(middleware)
      await withServer(app, async ({ url }) => {
        const { status } = await send(url, '/me', { ...asForm('a=b'), headers: { ...asForm('').headers, ...headers } })
        expect(status, JSON.stringify(properties)).to.equal(403)
      })
    }
  })

  it('does not stop a request that changes nothing', async () => {
    const source = { method: 'GET', headers: { cookie: 'jwt=x' } }
    expect(await whilePolluted({ upgrade: 'websocket' }, () => cookie('jwt').read(source))).to.have.property('ok', true)
  })

  it('is not read by a reader of credentials', async () => {
    const { authorization } = basicHeader(1, 'token')
    await whilePolluted({ authorization, cookie: 'jwt=x', body: { user: '1', token: 'x' } }, () => {
      for (const reader of [basic(), cookie('jwt'), params()]) {
        expect(reader.read({ method: 'POST', headers: {} })).to.deep.equal({ ok: false, reason: 'missing' })
      }
    })
  })
})
