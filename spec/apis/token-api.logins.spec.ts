import { Router } from '@koa/router'
import { expect } from 'chai'
import type { Knex } from 'knex'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import {
  anyOf,
  djangoPairs,
  firstOf,
  jsonResponse,
  memoryUsers,
  params,
  sealedPairs,
  tokenApi,
  type TokenApi,
  type TokenApiOptions,
  type TokenEvent,
  type TokenFacts,
  type User,
  type UserStore,
} from 'koa-tokenapi'
import { createUserTable, knexUsers } from 'koa-tokenapi/knex'
import { narrow } from 'koa-tokenapi/narrow'
import { onEachDatabase } from '../support/databases.js'
import { basicHeader, withServer } from '../support/http.js'
import { type Received, asForm, asJson, send, type Sent } from '../support/send.js'
import { NOON, quickPasswords, SECRET } from '../support/token-app.js'

const DAY = 24 * 60 * 60
const PASSWORD = 'ann’s password'
const ann: User = { id: 1, username: 'ann', password: await quickPasswords.hash(PASSWORD), tokenEpoch: 0 }

function bearer(token: string, user = 1): Sent {
  return { headers: { authorization: `Bearer ${user}.${token}` } }
}

function pairQuery(token: string): string {
  return `?user=1&token=${token}`
}

function post(sent: Sent): Sent {
  return { ...sent, method: 'POST' }
}

/** The routes of an API, and some behind its guards. */
function appOf<U extends User, T extends TokenFacts>(api: TokenApi<U, T>): Koa {
  const app = new Koa()
  const router = new Router()
  router.all('/any', api.tokenRequired((ctx) => jsonResponse(ctx, { id: ctx.state.user.id }))) // prettier-ignore
  router.all('/read', api.tokenRequired({ scope: 'read' }, (ctx) => jsonResponse(ctx, {}))) // prettier-ignore
  router.all('/both', api.tokenRequired({ scope: ['read', 'write'] }), (ctx) => jsonResponse(ctx, {}))
  router.all('/recent', api.tokenRequired({ maxAge: 300 }, (ctx) => jsonResponse(ctx, {}))) // prettier-ignore
  router.all('/free', api.tokenOptional({ scope: 'read' }, (ctx) => jsonResponse(ctx, { id: ctx.state.user?.id ?? null }))) // prettier-ignore
  router.all('/files/:name', api.tokenRequired((ctx) => jsonResponse(ctx, { name: ctx.params.name }))) // prettier-ignore
  app.use(bodyParser()).use(api.routes()).use(router.routes())
  return app
}

interface Client {
  now: number
  readonly api: TokenApi<User>
  readonly events: TokenEvent[]
  readonly ask: (path: string, sent?: Sent) => Promise<Received>
  readonly login: (fields?: object) => Promise<string>
}

async function withClient(
  options: Partial<TokenApiOptions<User>>,
  use: (client: Client) => Promise<void>,
  users: UserStore = memoryUsers([ann]),
): Promise<void> {
  const events: TokenEvent[] = []
  const time = { now: NOON }
  const api = tokenApi({
    users,
    secret: SECRET,
    passwords: quickPasswords,
    throttle: false,
    clock: () => time.now,
    onEvent: (event) => events.push(event),
    ...options,
  })
  await withServer(appOf(api), ({ url }) => {
    const ask = (path: string, sent?: Sent): Promise<Received> => send(url, path, sent)
    const login = async (fields: object = {}): Promise<string> => {
      const { json, status } = await ask('/token/new', asJson({ username: 'ann', password: PASSWORD, ...fields }))
      expect(status, JSON.stringify(json)).to.equal(200)
      return (json as { token: string }).token // a login that succeeded
    }
    return use(Object.assign(time, { api, events, ask, login }))
  })
}

const NOT_ALLOWED = { success: false, errors: 'The token does not allow this request.' }
const AGAIN = { success: false, errors: 'Please log in again.' }
const WRONG = { success: false, errors: 'Incorrect user and token pair.' }

describe('tokenApi: Bearer', () => {
  it('takes user and token as one text, and refuses with its own challenge and 401', () =>
    withClient({}, async ({ ask, login, ...client }) => {
      const token = await login()
      expect((await ask('/any', bearer(token))).status).to.equal(200)
      await client.api.revokeAll(1)
      const { status, json, headers } = await ask('/any', bearer(token))
      expect([status, json]).to.deep.equal([401, WRONG])
      expect(headers['www-authenticate']).to.equal(
        'Bearer realm="api", error="invalid_token", error_description="The token has been revoked"',
      )
    }))

  it('leaves 403 for the other ways, whose challenge is that of Basic', () =>
    withClient({}, async ({ ask, login }) => {
      const forged = (await login()).replace(/.$/, (last) => (last === '0' ? '1' : '0'))
      const { status, headers } = await ask('/any', { headers: basicHeader(1, forged) })
      expect(status).to.equal(403)
      expect(headers['www-authenticate']).to.match(/^Basic realm="api", charset="UTF-8", error="invalid_token"/)
      const unreadable = await ask('/any', { headers: { authorization: 'Bearer x' } })
      expect(unreadable.status).to.equal(401)
      expect(unreadable.headers['www-authenticate']).to.match(/^Bearer realm="api", error="invalid_request"/)
    }))
})

describe('tokenApi: limits at a guard', () => {
  it('hold the scopes of the token against those of the route', () =>
    withClient({}, async ({ ask, login }) => {
      const token = await login()
      const reading = await narrow(token, { scopes: ['read'] })
      expect((await ask('/read', bearer(reading))).status).to.equal(200)
      for (const [path, scope] of [
        ['/both', 'read write'],
        ['/any', undefined],
      ] as const) {
        const { status, json, headers } = await ask(path, bearer(reading))
        expect([status, json], path).to.deep.equal([403, NOT_ALLOWED])
        const asked = scope === undefined ? '' : `, scope="${scope}"`
        expect(headers['www-authenticate'], path).to.equal(
          `Bearer realm="api", error="insufficient_scope", error_description="The token does not allow this request"${asked}`,
        )
      }
      expect((await ask('/both', bearer(token))).status).to.equal(200)
    }))

  it('hold method and path as they arrived', () =>
    withClient({}, async ({ ask, login }) => {
      const one = await narrow(await login(), { path: '/files/1', methods: ['GET'] })
      expect((await ask('/files/1?download=1', bearer(one))).status).to.equal(200)
      expect((await ask('/files/1', { ...bearer(one), method: 'HEAD' })).status).to.equal(200)
      for (const path of ['/files/2', '/files/12', '/files/1/', '//files/1', '/files/%31', '/FILES/1', '/any']) {
        expect((await ask(path, bearer(one))).status, path).to.be.oneOf([403, 404])
      }
      expect((await ask('/files/1', post(bearer(one)))).status).to.equal(403)
      const overriding = { 'x-http-method-override': 'GET', ...bearer(one).headers }
      expect((await ask('/files/1', { headers: overriding, method: 'DELETE' })).status).to.equal(403)
    }))

  it('end the token early', () =>
    withClient({}, async (client) => {
      const short = await narrow(await client.login(), { expiresAt: NOON + 10 })
      client.now = NOON + 9
      expect((await client.ask('/any', bearer(short))).status).to.equal(200)
      client.now = NOON + 10
      expect((await client.ask('/any', bearer(short))).status).to.equal(401)
    }))

  it('are refused at tokenOptional, too, which lets only requests without credentials through', () =>
    withClient({}, async ({ ask, login }) => {
      const writing = await narrow(await login(), { scopes: ['write'] })
      expect((await ask('/free', bearer(writing))).status).to.equal(403)
      expect((await ask('/free')).json).to.deep.equal({ success: true, id: null })
    }))

  it('are in the facts, for a handler to look at', () =>
    withClient({}, async ({ api, login }) => {
      const reading = await narrow(await login(), { scopes: ['read'] })
      const verdict = await api.verify({ user: 1, token: reading, needs: { scope: 'read' } })
      expect(verdict.ok && verdict.value.token.limits).to.deep.equal([{ scopes: ['read'] }])
    }))

  it('are checked at the check route for what its query names, and refused for what it does not', () =>
    withClient({}, async ({ ask, login }) => {
      const token = await login()
      const link = await narrow(token, { methods: ['GET'], path: '/files/1' })
      const reading = await narrow(token, { scopes: ['read'] })
      const statusOf = async (one: string, query: string): Promise<unknown> => {
        const { status, json } = await ask(`/token/${one}/1${query}`)
        return status === 200 ? 200 : [status, (json as { errors: string }).errors]
      }
      const refused = [401, NOT_ALLOWED.errors]
      expect(await statusOf(token, '')).to.equal(200)
      expect(await statusOf(link, '')).to.deep.equal(refused)
      expect(await statusOf(link, '?method=GET')).to.deep.equal(refused)
      expect(await statusOf(link, '?method=GET&path=/files/1')).to.equal(200)
      expect(await statusOf(link, '?method=POST&path=/files/1')).to.deep.equal(refused)
      expect(await statusOf(reading, '')).to.deep.equal(refused)
      expect(await statusOf(reading, '?scope=read')).to.equal(200)
      expect(await statusOf(reading, '?scope=read%20write')).to.deep.equal(refused)
      for (const query of ['?scope=a&scope=b', '?scope=%22', '?method=GET&method=POST&path=/x', '?scope=']) {
        expect((await ask(`/token/${token}/1${query}`)).status, query).to.equal(401)
      }
    }))
})

describe('tokenApi: links', () => {
  const credentials = firstOf(params({ query: 'links' }))

  it('are all that the query may carry', () =>
    withClient({ credentials }, async ({ ask, login }) => {
      const token = await login()
      const ending = { expiresAt: NOON + 60 }
      const link = await narrow(token, { ...ending, methods: ['GET'], path: '/files/1' })
      expect((await ask(`/files/1${pairQuery(link)}`)).status).to.equal(200)
      for (const [what, limits] of [
        ['no path', { ...ending, methods: ['GET'] }],
        ['no end', { methods: ['GET'], path: '/files/1' }],
        ['no method', { ...ending, path: '/files/1' }],
        ['GET and HEAD', { ...ending, methods: ['GET', 'HEAD'], path: '/files/1' }],
        ['POST', { ...ending, methods: ['POST'], path: '/files/1' }],
      ] as const) {
        const { status, headers } = await ask(`/files/1${pairQuery(await narrow(token, limits))}`)
        expect(status, what).to.equal(401)
        expect(headers['www-authenticate'], what).to.include('error="invalid_request"')
      }
      expect((await ask(`/free${pairQuery(token)}`)).status).to.equal(401)
      expect((await ask('/any', asForm(`user=1&token=${token}`))).status).to.equal(200)
    }))
})

describe('tokenApi: a login that asks for less', () => {
  it('gets a narrower token', () =>
    withClient({}, async ({ api, login }) => {
      const token = await login({ scope: 'write read', expires_in: 60 })
      const verdict = await api.verify({ user: 1, token, needs: { scope: 'read' } })
      expect(verdict.ok && verdict.value.token).to.deep.include({
        expiresAt: NOON + 60,
        limits: [{ expiresAt: NOON + 60 }, { scopes: ['read', 'write'] }],
      })
    }))

  it('gets no longer a life than usual, whatever it asks for', () =>
    withClient({}, async ({ api, login }) => {
      for (const seconds of [7 * DAY, 1e9, '999999999999999']) {
        const verdict = await api.verify({ user: 1, token: await login({ expires_in: seconds }) })
        expect(verdict.ok && verdict.value.token).to.deep.include({ expiresAt: NOON + 7 * DAY, limits: [] })
      }
    }))

  it('is refused before anything is hashed or counted if it cannot be understood or carried', async () => {
    let hashes = 0
    const counting = { ...quickPasswords, verify: async () => ((hashes += 1), true) }
    const cases = [
      { scope: '' },
      { scope: ['read'] },
      { scope: 'read  write' },
      { scope: '"' },
      { scope: 7 },
      { scope: 'x'.repeat(600) },
      { expires_in: 0 },
      { expires_in: -1 },
      { expires_in: 1.5 },
      { expires_in: '1e3' },
      { expires_in: '01' },
      { expires_in: [60] },
      { expires_in: null },
    ]
    await withClient({ passwords: counting }, async ({ ask }) => {
      for (const fields of cases) {
        const { status, json } = await ask('/token/new', asJson({ username: 'ann', password: PASSWORD, ...fields }))
        expect([status, (json as { success: unknown }).success], JSON.stringify(fields)).to.deep.equal([400, false])
      }
      const repeated = await ask('/token/new', asForm('username=ann&password=x&scope=a&scope=b'))
      expect(repeated.status).to.equal(400)
    })
    const django = djangoPairs({ secret: SECRET })
    await withClient({ secret: undefined, tokens: django, passwords: counting } as never, async ({ ask }) => {
      const { status } = await ask('/token/new', asJson({ username: 'ann', password: PASSWORD, scope: 'read' }))
      expect(status).to.equal(400)
    })
    expect(hashes).to.equal(0)
  })
})

describe('tokenApi: a recent login', () => {
  it('is asked for where the route says so', () =>
    withClient({}, async (client) => {
      const token = await client.login()
      client.now = NOON + 300
      expect((await client.ask('/recent', bearer(token))).status).to.equal(200)
      client.now = NOON + 301
      const { status, json, headers } = await client.ask('/recent', bearer(token))
      expect([status, json]).to.deep.equal([401, AGAIN])
      expect(headers['www-authenticate']).to.equal(
        'Bearer realm="api", error="insufficient_user_authentication", error_description="A more recent login is required", max_age=300',
      )
      expect((await client.ask('/any', bearer(token))).status).to.equal(200)
    }))

  it('is not what issue() gives, unless the application says so', () =>
    withClient({}, async ({ api, ask }) => {
      expect((await ask('/recent', bearer((await api.issue(ann)).token))).status).to.equal(401)
      const { token } = await api.issue(ann, { loggedInAt: NOON })
      expect((await ask('/recent', bearer(token))).status).to.equal(200)
    }))
})

describe('tokenApi: renewal', () => {
  it('is there only with renewDays', () =>
    withClient({}, async ({ ask, login, api }) => {
      const token = await login()
      expect((await ask('/token/renew', post(bearer(token)))).status).to.equal(404)
      expect(await api.renew({ user: 1, token }).catch((error: unknown) => error)).to.be.instanceOf(TypeError)
    }))

  it('gives a fresh token of the same login, with the same limits, until renewDays after the login', () =>
    withClient({ renewDays: 30 }, async (client) => {
      let token = await narrow(await client.login(), { scopes: ['read'] })
      for (let day = 5; day < 30; day += 5) {
        client.now = NOON + day * DAY
        const { status, json } = await client.ask('/token/renew', post(bearer(token)))
        expect([status, Object.keys(json as object)]).to.deep.equal([200, ['success', 'token', 'user']])
        token = (json as { token: string }).token
        const verdict = await client.api.verify({ user: 1, token, needs: { scope: 'read' } })
        expect(verdict.ok && verdict.value.token).to.deep.include({
          issuedAt: client.now,
          loggedInAt: NOON,
          limits: [{ scopes: ['read'] }],
        })
      }
      client.now = NOON + 30 * DAY - 1
      expect((await client.ask('/token/renew', post(bearer(token)))).status).to.equal(200)
      client.now = NOON + 30 * DAY
      const { status, headers } = await client.ask('/token/renew', post(bearer(token)))
      expect(status).to.equal(401)
      expect(headers['www-authenticate']).to.include('The token has expired')
      expect((await client.ask('/recent', bearer(token))).status).to.equal(403)
    }))

  it('is refused for a lent token, an unknown login and a Django pair', () => {
    const tokens = anyOf(
      sealedPairs({ secret: SECRET, clock: () => NOON }),
      djangoPairs({ secret: SECRET, clock: () => NOON }),
    )
    const options = { secret: undefined, tokens, renewDays: 30 } as never // `tokens` stands for `secret`
    return withClient(options, async ({ ask, login, api }) => {
      const token = await login()
      for (const limits of [{ path: '/files/' }, { methods: ['POST'] }]) {
        const lent = await narrow(token, limits)
        expect((await ask('/token/renew', post(bearer(lent)))).status).to.equal(403)
      }
      const { token: issued } = await api.issue(ann)
      expect(await api.renew({ user: 1, token: issued })).to.deep.include({ ok: false, reason: 'invalid' })
      const { token: day } = await djangoPairs({ secret: SECRET, clock: () => NOON }).issue(ann)
      expect(await api.renew({ user: 1, token: day })).to.deep.include({ ok: false, reason: 'invalid' })
    })
  })

  it('takes credentials from a header or the body of a POST, never from the query', () =>
    withClient({ renewDays: 30 }, async ({ ask, login }) => {
      const token = await login()
      expect((await ask('/token/renew', asForm(`user=1&token=${token}`))).status).to.equal(200)
      expect((await ask(`/token/renew?user=1&token=${token}`, asForm(''))).status).to.equal(401)
      const { status, headers } = await ask('/token/renew', bearer(token))
      expect([status, headers.allow]).to.deep.equal([405, 'POST'])
    }))
})

function rows(db: Knex): Promise<{ ended_logins: string | null; token_epoch: number }> {
  return db('users').first()
}

describe('tokenApi: the end of one login', () => {
  onEachDatabase((db) => {
    const users = (): UserStore => knexUsers(db())
    before(() => createUserTable(db()))
    beforeEach(async () => {
      await db()('users').delete()
      await db()('users').insert({ id: 1, username: 'ann', password: ann.password })
    })

    it('ends its tokens, those narrowed and renewed from them, and no other login', () =>
      withClient(
        { renewDays: 30 },
        async ({ ask, login, events }) => {
          const [phone, laptop] = [await login(), await login()]
          const { json } = await ask('/token/renew', post(bearer(phone)))
          const child = await narrow(phone, { scopes: ['read'] })
          const { status, json: done } = await ask('/token/logout', post(bearer(phone)))
          expect([status, done]).to.deep.equal([200, { success: true }])
          const renewed = (json as { token: string }).token
          for (const [token, path] of [
            [phone, '/any'],
            [renewed, '/any'],
            [child, '/read'],
          ] as const) {
            expect((await ask(path, bearer(token))).status).to.equal(401)
          }
          expect((await ask('/any', bearer(laptop))).status).to.equal(200)
          expect((await ask('/token/renew', post(bearer(phone)))).status).to.equal(401)
          expect((await ask('/token/logout', post(bearer(phone)))).status).to.equal(401)
          expect(events).to.deep.include({ type: 'logout', userId: '1' })
        },
        users(),
      ))

    it('writes once, drops what is over, and keeps the rest', () =>
      withClient(
        {},
        async (client) => {
          const first = await client.login()
          await client.ask('/token/logout', post(bearer(first)))
          const { ended_logins: one } = await rows(db())
          expect(one).to.match(/^[0-9a-z]{10}:[0-9a-z]{6}$/)
          client.now = NOON + DAY
          await client.ask('/token/logout', post(bearer(await client.login())))
          const { ended_logins: two } = await rows(db())
          expect(two?.split(' ')).to.have.lengthOf(2).and.to.include(one)
          client.now = NOON + 8 * DAY
          await client.ask('/token/logout', post(bearer(await client.login())))
          const { ended_logins: three } = await rows(db())
          expect(three?.split(' ')).to.have.lengthOf(2).and.not.to.include(one)
        },
        users(),
      ))

    it('ends all logins if there is no room for one more, and says so', () =>
      withClient(
        {},
        async ({ ask, login, events }) => {
          const [phone, laptop] = [await login(), await login()]
          const full = Array.from({ length: 256 }, (_, at) => `${String(at).padStart(10, '0')}:zzzzzz`).join(' ')
          await db()('users').update({ ended_logins: full })
          expect((await ask('/token/logout', post(bearer(phone)))).status).to.equal(200)
          expect(await rows(db())).to.deep.include({ ended_logins: null, token_epoch: 1 })
          for (const token of [phone, laptop]) expect((await ask('/any', bearer(token))).status).to.equal(401)
          expect(events).to.deep.include({ type: 'revoke-all', userId: '1' })
          expect((await ask('/any', bearer(await login()))).status).to.equal(200)
        },
        users(),
      ))

    it('loses none of 50 at once', () =>
      withClient(
        {},
        async ({ api, ask, login }) => {
          const issued = await Promise.all(Array.from({ length: 50 }, () => api.issue(ann)))
          const tokens = issued.map(({ token }) => token)
          const stays = await login()
          const verdicts = await Promise.all(tokens.map((token) => api.endLogin({ user: 1, token })))
          expect(verdicts.filter(({ ok }) => !ok)).to.deep.equal([])
          const statuses = await Promise.all(tokens.map(async (token) => (await ask('/any', bearer(token))).status))
          expect(new Set(statuses)).to.deep.equal(new Set([401]))
          expect((await ask('/any', bearer(stays))).status).to.equal(200)
        },
        users(),
      ))
  })

  it('has no route for a store that cannot end one, and rejects with a code', () => {
    const inner = memoryUsers([ann])
    const store: UserStore = {
      findById: (id) => inner.findById(id),
      findByUsername: (name) => inner.findByUsername(name),
    }
    return withClient(
      {},
      async ({ ask, login, api }) => {
        const token = await login()
        expect((await ask('/token/logout', post(bearer(token)))).status).to.equal(404)
        const error = await api.endLogin({ user: 1, token }).catch((thrown: unknown) => thrown)
        expect(error).to.have.property('code', 'ERR_NOT_SUPPORTED_BY_STORE')
      },
      store,
    )
  })

  it('rejects if the login has not ended: the rows do not show it', () => {
    const store = { ...memoryUsers([ann]), appendEndedLogin: async () => undefined }
    return withClient(
      {},
      async ({ login, api, ask }) => {
        const token = await login()
        const error = await api.endLogin({ user: 1, token }).catch((thrown: unknown) => thrown)
        expect(error).to.have.property('code', 'ERR_END_LOGIN_NO_EFFECT')
        expect((await ask('/token/logout', post(bearer(token)))).status).to.equal(503)
      },
      store,
    )
  })
})

describe('tokenApi with a primary database', () => {
  it('logs in, renews, ends logins and revokes there, and reads it for no other token check', async () => {
    const replica = memoryUsers([{ ...ann, password: 'an older hash' }])
    const primary = memoryUsers([ann])
    const seen: string[] = []
    const counted: UserStore = {
      ...primary,
      findById: (id) => (seen.push('id'), primary.findById(id)),
      findByUsername: (name) => (seen.push('name'), primary.findByUsername(name)),
    }
    await withClient(
      { primary: counted, renewDays: 30 },
      async ({ ask, login, api }) => {
        const token = await login()
        expect(seen.splice(0)).to.deep.equal(['name'])
        expect((await ask('/any', bearer(token))).status).to.equal(200)
        expect(seen.splice(0)).to.deep.equal(['id'])
        expect((await ask('/any', bearer(token.replace(/.{32}$/, '0'.repeat(32))))).status).to.equal(401)
        expect(seen.splice(0)).to.deep.equal(['id'])
        expect((await ask('/any', bearer('x'))).status).to.equal(401)
        expect((await ask('/any', bearer(`${'0'.repeat(6)}-${'0'.repeat(64)}`))).status).to.equal(401)
        expect(seen.splice(0)).to.deep.equal([])
        expect((await api.renew({ user: 1, token })).ok).to.equal(true)
        expect((await api.endLogin({ user: 1, token })).ok).to.equal(true)
        await api.revokeAll(1)
        expect((await primary.findById('1'))?.tokenEpoch).to.equal(1)
      },
      replica,
    )
  })
})
