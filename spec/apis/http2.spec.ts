import { bodyParser as scopedBodyParser } from '@koa/bodyparser'
import { expect } from 'chai'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import {
  expiringTokenApi,
  memoryTokens,
  memoryUsers,
  signedTokenApi,
  timedTokenApi,
  type TokenApi,
  tokenApi,
  type User,
} from 'koa-tokenapi'
import { jwtApi } from 'koa-tokenapi/jwt'
import { withHttp2Server } from '../support/http2.js'
import { appOf, cheap, PASSWORD } from '../support/siblings.js'

const secret = 'a secret of more than thirty-two bytes'
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const JSON_TYPE = { 'content-type': 'application/json' }

describe('over HTTP/2', () => {
  let alice: User
  before(async () => {
    alice = { id: 1, username: 'alice', password: await cheap.hash(PASSWORD), isActive: true, tokenEpoch: 0 }
  })
  const options = (): { users: ReturnType<typeof memoryUsers<User>>; passwords: typeof cheap } => ({
    users: memoryUsers([alice]),
    passwords: cheap,
  })
  const logins: Readonly<Record<string, readonly [path: string, make: () => TokenApi<User>, status: number]>> = {
    tokenApi: ['/token/new', () => tokenApi({ ...options(), secret }), 200],
    timedTokenApi: ['/auth/login/', () => timedTokenApi({ ...options(), store: memoryTokens() }), 201],
    expiringTokenApi: ['/api-token-auth/', () => expiringTokenApi({ ...options(), store: memoryTokens() }), 200],
    signedTokenApi: ['/token', () => signedTokenApi({ ...options(), secret }), 200],
    jwtApi: ['/api-token-auth/', () => jwtApi({ ...options(), secret }), 200],
  }

  for (const [name, [path, make, status]] of Object.entries(logins)) {
    it(`${name} reads a login that has no content-length`, () =>
      withHttp2Server(appOf(make()), async (send) => {
        const json = JSON.stringify({ username: 'alice', password: PASSWORD })
        const form = new URLSearchParams({ username: 'alice', password: PASSWORD }).toString()
        for (const sent of [
          { headers: JSON_TYPE, body: json },
          { headers: FORM, body: form },
          { headers: { ...JSON_TYPE, 'content-length': Buffer.byteLength(json) }, body: json },
        ]) {
          const response = await send(path, { method: 'POST', ...sent })
          expect(response.status).to.equal(status)
          expect(response.json).to.have.property('token').that.is.a('string')
        }
      }))
  }

  it('a DRF login names the fields that a request without a body lacks, and refuses a body of another type', () =>
    withHttp2Server(appOf(timedTokenApi({ ...options(), store: memoryTokens() })), async (send) => {
      const empty = await send('/auth/login/', { method: 'POST' })
      expect([empty.status, empty.json]).to.deep.equal([
        400,
        { username: ['This field is required.'], password: ['This field is required.'] },
      ])
      const xml = await send('/auth/login/', { method: 'POST', headers: { 'content-type': 'text/xml' }, body: '<a/>' })
      expect(xml.status).to.equal(415)
    }))

  it('says once that koa-bodyparser has not read a form without content-length, which @koa/bodyparser reads', async () => {
    const form = { method: 'POST', headers: FORM, body: `username=alice&password=${PASSWORD}` }
    for (const [name, [path, make, status]] of Object.entries(logins)) {
      for (const [parser, expected, errorCount] of [
        [bodyParser(), null, 1],
        [scopedBodyParser(), status, 0],
      ] as const) {
        const errors: unknown[] = []
        const app = new Koa()
        app.use(parser)
        app.use(make().routes())
        app.on('error', (error) => errors.push(error))
        await withHttp2Server(app, async (send) => {
          for (let time = 0; time < 2; time += 1) {
            const response = await send(path, form)
            if (expected === null) expect(response.status, name).to.be.within(400, 401)
            else expect(response.status, name).to.equal(expected)
          }
        })
        expect(errors.map(String), name).to.have.lengthOf(errorCount)
        for (const error of errors) expect(String(error)).to.include('@koa/bodyparser').and.not.include(PASSWORD)
      }
    }
  })

  it('says nothing of a body that was read and is empty, nor of one whose length is given', async () => {
    for (const parser of [bodyParser(), scopedBodyParser()]) {
      const errors: unknown[] = []
      const app = new Koa()
      app.use(parser)
      app.use(tokenApi({ ...options(), secret }).routes())
      app.on('error', (error) => errors.push(error))
      await withHttp2Server(app, async (send) => {
        const body = `username=alice&password=${PASSWORD}`
        for (const sent of [
          { headers: JSON_TYPE, body: '{}' },
          { headers: FORM },
          { headers: { ...FORM, 'content-length': 0 }, body: '' },
          { headers: { ...FORM, 'content-length': Buffer.byteLength(body) }, body },
          { headers: { 'content-type': 'text/plain' }, body },
        ]) {
          await send('/token/new', { method: 'POST', ...sent })
        }
      })
      expect(errors).to.deep.equal([])
    }
    const errors: unknown[] = []
    const app = new Koa()
    app.use(scopedBodyParser())
    app.use(tokenApi({ ...options(), secret }).routes())
    app.on('error', (error) => errors.push(error))
    await withHttp2Server(app, (send) => send('/token/new', { method: 'POST', headers: FORM, body: '' }))
    expect(errors).to.deep.equal([])
  })

  it('says once that no middleware has parsed the body', async () => {
    const errors: unknown[] = []
    const app = new Koa().use(tokenApi({ ...options(), secret }).routes())
    app.on('error', (error) => errors.push(error))
    await withHttp2Server(app, async (send) => {
      for (let time = 0; time < 2; time += 1) {
        const response = await send('/token/new', { method: 'POST', headers: FORM, body: 'username=alice&password=x' })
        expect(response.status).to.equal(401)
      }
    })
    expect(errors.map(String)).to.have.lengthOf(1)
    expect(String(errors[0])).to.include('bodyParser()')
  })

  it('a cookie goes with an Origin of the authority that was asked, and with no other', async () => {
    const api = jwtApi({ ...options(), secret, cookie: { name: 'jwt' } })
    const { token } = await api.issue(alice)
    await withHttp2Server(appOf(api), async (send, authority) => {
      const statusFor = async (headers: Readonly<Record<string, string>>): Promise<number> => {
        const sent = { method: 'POST', headers: { ...FORM, cookie: `jwt=${token}`, ...headers }, body: 'a=b' }
        return (await send('/me', sent)).status
      }
      expect(await statusFor({ origin: `http://${authority}` })).to.equal(200)
      expect(await statusFor({ origin: `https://${authority}` })).to.equal(200)
      expect(await statusFor({ origin: 'https://evil.example' })).to.equal(403)
      expect(
        await statusFor({ origin: 'https://evil.example', ':authority': authority, host: 'evil.example' }),
      ).to.equal(403)
      expect(await statusFor({})).to.equal(403)
    })
  })
})
