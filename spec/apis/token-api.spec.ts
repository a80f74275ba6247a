import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect } from 'chai'
import Koa from 'koa'
import {
  anyOf,
  djangoPairs,
  memoryUsers,
  type SealedPairFacts,
  sealedPairs,
  tokenApi,
  type TokenApi,
  type TokenApiOptions,
  type TokenEvent,
  type User,
  type UserStore,
} from 'koa-tokenapi'
import { createUserTable, type KnexUser, knexUsers } from 'koa-tokenapi/knex'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { onEachDatabase } from '../support/databases.js'
import { basicHeader, withServer } from '../support/http.js'
import { type Received, asForm, asJson, send, type Sent } from '../support/send.js'
import { queriesOf } from '../support/statements.js'
import { NOON, PARSERS, quickPasswords, SECRET, type TokenApp, tokenApp } from '../support/token-app.js'

const MISSING = { success: false, errors: "Must include 'user' and 'token' parameters with request." }
const WRONG_PAIR = { success: false, errors: 'Incorrect user and token pair.' }
const NO_MATCH = { success: false, errors: 'Token did not match user.' }
const NO_LOGIN = { success: false, errors: 'Unable to log you in, please try again.' }
const INCOMPLETE = { success: false, errors: "Must include 'username' and 'password' as POST parameters." }
const UNAVAILABLE = { success: false, errors: 'The service is not available, please try again later.' }

const DAY = 24 * 60 * 60

/** What clients see of a response, without what differs from one second to the next. */
function shape({ status, headers, text }: Received): object {
  const { date: _date, ...others } = headers
  return { status, headers: others, text }
}

function tokenOf(response: Received): string {
  const { token } = response.json as { token: string } // a login that succeeded
  return token
}

function pairQuery(user: string | number, token: string): string {
  return `?user=${encodeURIComponent(user)}&token=${encodeURIComponent(token)}`
}

async function rejection(work: Promise<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it was not rejected with an error')
}

let annHash: string
let bobHash: string
before(async () => {
  annHash = await quickPasswords.hash('ann’s password')
  bobHash = await quickPasswords.hash('bob’s password')
})

/** Ann and Bob, who are active, Cyd, who is not, and Dee, who has no password. */
function people(): {
  id: number
  username: string
  password: string | null
  is_active: boolean
  token_epoch: number
}[] {
  return [
    { id: 1, username: 'ann', password: annHash, is_active: true, token_epoch: 0 },
    { id: 2, username: 'bob', password: bobHash, is_active: true, token_epoch: 0 },
    { id: 3, username: 'cyd', password: annHash, is_active: false, token_epoch: 0 },
    { id: 4, username: 'dee', password: null, is_active: true, token_epoch: 0 },
  ]
}

function inMemory(): UserStore {
  return memoryUsers<User>(
    people().map(({ is_active: isActive, token_epoch: tokenEpoch, ...person }) => ({
      ...person,
      isActive,
      tokenEpoch,
    })),
  )
}

type Overrides = Partial<TokenApiOptions<User>>

function memoryApi(overrides: Overrides = {}): TokenApi<User, SealedPairFacts> {
  const users = inMemory()
  return tokenApi({
    users,
    secret: SECRET,
    clock: () => NOON,
    passwords: quickPasswords,
    throttle: false,
    ...overrides,
  })
}

/** Logs Ann or Bob in and responses the token. */
async function logIn(url: string, name: 'ann' | 'bob', password = `${name}’s password`): Promise<string> {
  const response = await send(url, '/token/new', asJson({ username: name, password }))
  expect(response.status).to.equal(200)
  return tokenOf(response)
}

function typed(password: string, username = 'ann'): Sent {
  return asJson({ username, password })
}

function limited(points: number): RateLimiterMemory {
  return new RateLimiterMemory({ points, duration: 600 })
}

/** The statuses of eleven wrong passwords in a row. */
function statuses(overrides: Overrides): Promise<number[]> {
  return withServer(tokenApp(memoryApi(overrides)).app, async ({ url }) => {
    const found = []
    for (let at = 0; at < 11; at += 1) found.push((await send(url, '/token/new', typed('wrong'))).status)
    return found
  })
}

async function verdictOf(secret: string[], token: string): Promise<string> {
  const verdict = await memoryApi({ secret }).verify({ user: 1, token })
  return verdict.ok ? 'ok' : verdict.reason
}

async function issueWith(secret: string[]): Promise<string> {
  const user = await inMemory().findById('1')
  if (user === null) throw new Error('Ann is there')
  return (await memoryApi({ secret }).issue(user)).token
}

/** The verdict on an upgrade request with this path and these headers. */
async function upgraded(path: string, headers: readonly string[] = []): Promise<unknown> {
  const api = memoryApi()
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  const verdict = new Promise<unknown>((resolve, reject) => {
    server.once('upgrade', (request: IncomingMessage, socket) => {
      api.authenticate(request).then(resolve, reject)
      socket.end()
    })
  })
  const socket = connect(port, '127.0.0.1')
  const lines = ['Host: x', 'Connection: Upgrade', 'Upgrade: websocket', ...headers]
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  try {
    return await verdict
  } finally {
    socket.destroy()
    server.close()
  }
}

describe('tokenApi', () => {
  onEachDatabase((db) => {
    for (const [parserName, parser] of Object.entries(PARSERS)) {
      describe(`from login to guarded route, with ${parserName}`, () => {
        let now: number
        let api: TokenApi<KnexUser, SealedPairFacts>
        let served: TokenApp
        const table = `users of ${parserName}`
        const use = <T>(story: (url: string, errors: unknown[]) => Promise<T>): Promise<T> =>
          withServer(served.app, ({ url, errors }) => story(url, errors))

        before(() => createUserTable(db(), { table }))
        beforeEach(async () => {
          await db()(table).delete()
          await db()(table).insert(people())
          now = NOON
          const users = knexUsers(db(), { table })
          api = tokenApi({ users, secret: SECRET, clock: () => now, passwords: quickPasswords, throttle: false })
          served = tokenApp(api, parser())
        })

        it('returns a token and the user’s id, by form and by JSON, at both addresses', () =>
          use(async (url, errors) => {
            const right = { username: 'ann', password: 'ann’s password' }
            for (const path of ['/token/new', '/token/new.json']) {
              for (const sent of [asForm(new URLSearchParams(right).toString()), asJson(right)]) {
                const response = await send(url, path, sent)
                const token = tokenOf(response)
                expect([response.status, response.json]).to.deep.equal([200, { success: true, token, user: 1 }])
                expect(token).to.match(/^[0-9a-z]{1,11}~d[0-9a-z]{10}-[0-9a-f]{64}$/)
                expect(response.headers['cache-control']).to.equal('no-store')
              }
            }
            expect(errors).to.deep.equal([])
          }))

        it('opens a guarded route by query, form, JSON and Basic', () =>
          use(async (url) => {
            const token = await logIn(url, 'ann')
            const responses = [
              await send(url, `/guarded${pairQuery(1, token)}`),
              await send(url, '/guarded', asForm(`user=1&token=${token}`)),
              await send(url, '/guarded', asJson({ user: '1', token })),
              await send(url, '/guarded', asJson({ user: 1, token })),
              await send(url, '/guarded', { headers: basicHeader(1, token) }),
              await send(url, `/guarded?token=${token}`, asForm('user=1')),
            ]
            for (const { status, json } of responses)
              expect([status, json]).to.deep.equal([200, { success: true, user: 1 }])
            expect(served.reached).to.deep.equal(Array(6).fill('1'))
          }))

        it('refuses with 401 what offers no pair, and with 403 a wrong one', () =>
          use(async (url) => {
            const token = await logIn(url, 'ann')
            for (const path of ['/guarded', '/guarded?user=1', `/guarded?token=${token}`, '/guarded?user=&token=']) {
              const response = await send(url, path)
              expect([response.status, response.json]).to.deep.equal([401, MISSING])
              expect(response.headers['www-authenticate']).to.equal('Basic realm="api", charset="UTF-8"')
            }
            for (const [user, offered] of [
              [2, token],
              [1, `${token.slice(0, -1)}x`],
              [99, token],
            ] as const) {
              // prettier-ignore
              const response = await send(url, `/guarded${pairQuery(user, offered)}`)
              expect([response.status, response.json]).to.deep.equal([403, WRONG_PAIR])
              expect(response.headers['www-authenticate']).to.include('error="invalid_token"')
            }
            expect(served.reached).to.deep.equal([])
            expect(served.users.every((user) => user === undefined)).to.equal(true)
          }))

        it('checks a token at its own address, with and without .json', () =>
          use(async (url) => {
            const token = await logIn(url, 'ann')
            for (const suffix of ['', '.json']) {
              const good = await send(url, `/token/${token}/1${suffix}`)
              expect([good.status, good.json]).to.deep.equal([200, { success: true }])
              for (const path of [`/token/${token}/2${suffix}`, `/token/nonsense/1${suffix}`]) {
                const bad = await send(url, path)
                expect([bad.status, bad.json]).to.deep.equal([401, NO_MATCH])
                expect(bad.headers['www-authenticate']).to.include('Basic realm="api"')
                expect(bad.headers['cache-control']).to.equal('no-store')
              }
            }
          }))

        it('responds alike to every login that fails', () =>
          use(async (url) => {
            const attempts = [
              { username: 'ann', password: 'wrong' },
              { username: 'nobody', password: 'wrong' },
              { username: 'cyd', password: 'ann’s password' },
              { username: 'dee', password: 'wrong' },
              { username: 'ANN', password: 'ann’s password' },
            ]
            const responses = []
            for (const attempt of attempts) responses.push(await send(url, '/token/new', asJson(attempt)))
            expect([responses[0]?.status, responses[0]?.json]).to.deep.equal([401, NO_LOGIN])
            for (const response of responses) expect(shape(response)).to.deep.equal(shape(responses[0] ?? response))
          }))

        it('ends a user’s tokens when the password changes, and no other user’s', () =>
          use(async (url) => {
            const [ann, bob] = [await logIn(url, 'ann'), await logIn(url, 'bob')]
            await db()(table)
              .where({ id: 1 })
              .update({ password: await quickPasswords.hash('another') })
            const ended = await send(url, `/guarded${pairQuery(1, ann)}`)
            expect([ended.status, ended.json]).to.deep.equal([403, WRONG_PAIR])
            expect(ended.headers['www-authenticate']).to.include('revoked')
            expect((await send(url, `/token/${ann}/1`)).status).to.equal(401)
            expect((await send(url, `/guarded${pairQuery(2, bob)}`)).status).to.equal(200)
            const again = await logIn(url, 'ann', 'another')
            expect((await send(url, `/guarded${pairQuery(1, again)}`)).status).to.equal(200)
          }))

        it('ends a user’s tokens when the account is disabled or deleted', () =>
          use(async (url) => {
            const ann = await logIn(url, 'ann')
            await db()(table).where({ id: 1 }).update({ is_active: false })
            const disabled = await send(url, `/guarded${pairQuery(1, ann)}`)
            expect([disabled.status, disabled.json]).to.deep.equal([403, WRONG_PAIR])
            await db()(table).where({ id: 1 }).update({ is_active: true })
            expect((await send(url, `/guarded${pairQuery(1, ann)}`)).status).to.equal(200)
            await db()(table).where({ id: 1 }).delete()
            expect((await send(url, `/guarded${pairQuery(1, ann)}`)).status).to.equal(403)
          }))

        it('ends all tokens of a user with revokeAll, given as the user or its id, and no other user’s', () =>
          use(async (url) => {
            const bob = await logIn(url, 'bob')
            for (const who of [1, '1', 1n, { id: 1, username: 'ann', password: null }]) {
              const tokens = [await logIn(url, 'ann'), await logIn(url, 'ann')]
              await api.revokeAll(who)
              for (const token of tokens)
                expect((await send(url, `/guarded${pairQuery(1, token)}`)).status).to.equal(403)
            }
            expect((await send(url, `/guarded${pairQuery(2, bob)}`)).status).to.equal(200)
          }))

        it('lets many log out everywhere at once', () =>
          use(async (url) => {
            const token = await logIn(url, 'ann')
            await Promise.all(Array.from({ length: 10 }, () => api.revokeAll(1)))
            expect((await db()(table).where({ id: 1 }).first()).token_epoch).to.equal(10)
            expect((await send(url, `/guarded${pairQuery(1, token)}`)).status).to.equal(403)
          }))

        it('gives a token seven days, to the second', () =>
          use(async (url) => {
            const token = await logIn(url, 'ann')
            now = NOON + 7 * DAY - 1
            expect((await send(url, `/guarded${pairQuery(1, token)}`)).status).to.equal(200)
            now = NOON + 7 * DAY
            const over = await send(url, `/guarded${pairQuery(1, token)}`)
            expect(over.status).to.equal(403)
            expect(over.headers['www-authenticate']).to.include('expired')
          }))

        it('keeps the first token when the user logs in again', () =>
          use(async (url) => {
            const first = await logIn(url, 'ann')
            now += 1
            const second = await logIn(url, 'ann')
            expect(second).not.to.equal(first)
            for (const token of [first, second]) {
              expect((await send(url, `/guarded${pairQuery(1, token)}`)).status).to.equal(200)
            }
          }))

        it('asks the database nothing for a token that is forged, malformed or expired', () =>
          use(async (url) => {
            const token = await logIn(url, 'ann')
            const forged = sealedPairs({ secret: 'another secret of at least 32 bytes', clock: () => now })
            const { token: stranger } = await forged.issue({ id: 1, username: 'ann', password: annHash })
            const offers = ['x', '-', token.slice(0, -1), `${token}0`, token.toUpperCase(), stranger, '9'.repeat(8000)]
            const queries = await queriesOf(db(), async () => {
              for (const offer of offers) {
                expect((await send(url, `/guarded${pairQuery(1, offer)}`)).status).to.equal(403)
                expect((await send(url, `/token/${encodeURIComponent(offer)}/1`)).status).to.equal(401)
              }
              expect((await send(url, `/guarded${pairQuery(2, token)}`)).status).to.equal(403)
              now += 7 * DAY
              expect((await send(url, `/guarded${pairQuery(1, token)}`)).status).to.equal(403)
            })
            expect(queries).to.equal(0)
            now = NOON
            expect(await queriesOf(db(), () => send(url, `/guarded${pairQuery(1, token)}`))).to.equal(1)
          }))

        it('leaks no hash where a handler sends the user', () =>
          use(async (url) => {
            const token = await logIn(url, 'ann')
            const response = await send(url, `/whole-user${pairQuery(1, token)}`)
            expect(response.status).to.equal(200)
            expect(response.json).to.include({ id: 1, username: 'ann' }).and.not.have.property('password')
            expect(response.text).not.to.include('scrypt')
          }))
      })
    }

    describe('while the database fails', () => {
      it('responds 503 with Retry-After, reports the error without values, and recovers', async () => {
        const table = 'sometimes_there'
        const events: TokenEvent[] = []
        await createUserTable(db(), { table })
        await db()(table).insert(people())
        const users = knexUsers(db(), { table })
        const api = tokenApi({
          users,
          secret: SECRET,
          clock: () => NOON,
          passwords: quickPasswords,
          throttle: false,
          onEvent: (event) => events.push(event),
        })
        const { token } = await api.issue({ id: 1, username: 'ann', password: annHash, tokenEpoch: 0 })
        const { app, reached } = tokenApp(api)
        await withServer(app, async ({ url, errors }) => {
          await db().schema.renameTable(table, 'hidden_for_now')
          const responses = [
            await send(url, `/guarded${pairQuery(1, token)}`),
            await send(url, `/free${pairQuery(1, token)}`),
            await send(url, `/token/${token}/1`),
            await send(url, '/token/new', asJson({ username: 'ann', password: 'ann’s password' })),
          ]
          for (const { status, json, headers } of responses) {
            expect([status, json]).to.deep.equal([503, UNAVAILABLE])
            expect(headers['retry-after']).to.match(/^[1-9][0-9]*$/)
            expect(headers['cache-control']).to.equal('no-store')
          }
          expect(errors).to.have.length(4)
          for (const error of errors) {
            expect(error).to.be.instanceOf(Error).with.property('code').that.is.a('string')
            expect(String(error)).to.include(table).and.not.include('select').and.not.include('ann')
          }
          expect(events.map(({ type }) => type)).to.deep.equal(['fault', 'fault', 'fault', 'fault'])
          await db().schema.renameTable('hidden_for_now', table)
          expect((await send(url, `/guarded${pairQuery(1, token)}`)).status).to.equal(200)
        })
        expect(reached).to.deep.equal(['1'])
      })
    })
  })

  describe('its secrets', () => {
    const [old, young] = ['the old secret, of at least 32 bytes', 'the new secret, of at least 32 bytes']
    it('rotate in two deploys, and no token ends before the last of it', async () => {
      const [before, during, after] = [
        await issueWith([old]),
        await issueWith([old, young]),
        await issueWith([young, old]),
      ]
      expect(await verdictOf([old], during)).to.equal('ok') // the first issues
      expect(await verdictOf([old], after)).to.equal('invalid')
      for (const token of [before, during, after]) {
        expect(await verdictOf([old, young], token)).to.equal('ok')
        expect(await verdictOf([young, old], token)).to.equal('ok')
      }
      expect(await verdictOf([young], before)).to.equal('invalid')
      expect(await verdictOf([young], after)).to.equal('ok')
    })
  })

  describe('its audience', () => {
    it('keeps tokens of one kind of user from another, under one secret', async () => {
      const [staff, members, all] = [memoryApi({ audience: 'staff' }), memoryApi({ audience: 'members' }), memoryApi()]
      const { token } = await staff.issue({ id: 1, username: 'ann', password: annHash, tokenEpoch: 0 })
      expect((await staff.verify({ user: 1, token })).ok).to.equal(true)
      expect(await members.verify({ user: 1, token })).to.deep.equal({ ok: false, reason: 'invalid' })
      expect(await all.verify({ user: 1, token })).to.deep.equal({ ok: false, reason: 'invalid' })
    })
  })

  describe('verify', () => {
    it('verifies a pair that the application read itself', async () => {
      const api = memoryApi()
      const { token, expiresAt } = await api.issue({ id: 1, username: 'ann', password: annHash, tokenEpoch: 0 })
      for (const user of [1, '1', 1n]) {
        const verdict = await api.verify({ user, token })
        expect(verdict.ok && verdict.value.user.username).to.equal('ann')
        expect(verdict.ok && verdict.value.token).to.include({ issuedAt: NOON, expiresAt })
      }
      expect(expiresAt).to.equal(NOON + 7 * DAY)
      expect(await api.verify({ token })).to.deep.equal({ ok: false, reason: 'invalid' })
    })

    it('takes nothing for an id that is not text or a whole number', async () => {
      const api = memoryApi()
      const { token } = await api.issue({ id: 1, username: 'ann', password: annHash, tokenEpoch: 0 })
      for (const user of [['1'], [1], true, null, {}, { toString: () => '1' }, 1.5, NaN, 2 ** 53, Symbol('1')]) {
        const verdict = await api.verify({ user: user as unknown as string, token }) // as a caller without types
        expect(verdict).to.deep.equal({ ok: false, reason: 'malformed' })
      }
      for (const offered of [[token], { length: 3 }, null, 7, true, Buffer.from(token)]) {
        const verdict = await api.verify({ user: 1, token: offered as unknown as string }) // as a caller without types
        expect(verdict).to.deep.equal({ ok: false, reason: 'malformed' })
      }
    })
  })

  describe('authenticate', () => {
    it('authenticates a WebSocket upgrade by its query or its header', async () => {
      const { token } = await memoryApi().issue({ id: 1, username: 'ann', password: annHash, tokenEpoch: 0 })
      const { authorization } = basicHeader(1, token)
      for (const verdict of [
        await upgraded(`/socket${pairQuery(1, token)}`),
        await upgraded('/socket', [`Authorization: ${authorization}`]),
      ]) {
        expect(verdict).to.have.nested.property('value.user.username', 'ann')
      }
    })

    it('refuses one without a good pair, with the reason', async () => {
      const { token } = await memoryApi().issue({ id: 1, username: 'ann', password: annHash, tokenEpoch: 0 })
      expect(await upgraded('/socket')).to.include({ ok: false, reason: 'missing' })
      expect(await upgraded(`/socket${pairQuery(2, token)}`)).to.include({ ok: false, reason: 'invalid' })
      expect(await upgraded(`/socket${pairQuery(1, token)}&user=1`)).to.include({ ok: false, reason: 'malformed' })
      const { authorization } = basicHeader(1, token)
      const twice = [`Authorization: ${authorization}`, `Authorization: ${authorization}`]
      expect(await upgraded('/socket', twice)).to.include({ ok: false, reason: 'malformed' })
    })
  })

  describe('login', () => {
    it('checks a password without issuing anything', async () => {
      const api = memoryApi()
      const verdict = await api.login({ username: 'ann', password: 'ann’s password' })
      expect(verdict.ok && verdict.value.id).to.equal(1)
      for (const [attempt, reason] of [
        [{ username: 'ann', password: 'wrong' }, 'invalid'],
        [{ username: 'nobody', password: 'wrong' }, 'invalid'],
        [{ username: 'dee', password: 'wrong' }, 'invalid'],
        [{ username: 'cyd', password: 'wrong' }, 'invalid'],
        [{ username: 'cyd', password: 'ann’s password' }, 'inactive'],
        [{ username: 'ann', password: '' }, 'missing'],
        [{ username: undefined, password: 'x' }, 'missing'],
        [{ username: ['ann'], password: 'x' }, 'malformed'],
        [{ username: 'ann', password: 7 }, 'malformed'],
      ] as const) {
        expect(await api.login(attempt)).to.deep.equal({ ok: false, reason })
      }
    })
  })

  describe('issue', () => {
    it('rejects for a user that no token can be bound to', async () => {
      const api = memoryApi()
      for (const password of [null, '']) {
        const error = await rejection(api.issue({ id: 4, username: 'dee', password }))
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('boundTo')
      }
    })
  })

  describe('revokeAll', () => {
    it('rejects where a kind cannot honour it', async () => {
      const tokens = anyOf(sealedPairs({ secret: SECRET }), djangoPairs({ secret: SECRET }))
      const api = tokenApi({ users: inMemory(), tokens, passwords: quickPasswords })
      expect((await rejection(api.revokeAll(1))).message).to.include('revokeAll')
      const djangoOnly = tokenApi({
        users: inMemory(),
        tokens: djangoPairs({ secret: SECRET }),
        passwords: quickPasswords,
      })
      expect((await rejection(djangoOnly.revokeAll(1))).message).to.include('revokeAll')
    })

    it('rejects where the store has no epochs', async () => {
      const users = inMemory()
      const api = memoryApi({
        users: { findById: (id) => users.findById(id), findByUsername: (name) => users.findByUsername(name) },
      })
      expect((await rejection(api.revokeAll(1))).message).to.include('bumpEpoch')
    })

    it('rejects where tokens are not bound to the epoch', async () => {
      const api = memoryApi({ boundTo: (user) => [user.password] })
      expect((await rejection(api.revokeAll(1))).message).to.include('boundTo')
    })

    it('rejects for an unknown user', async () => {
      const api = memoryApi()
      for (const who of [99, '01', '', ' 1', '1abc', 'ann', 0, -1, NaN]) {
        expect((await rejection(api.revokeAll(who))).message, String(who)).to.include('user not found')
      }
    })

    it('works for a disabled user', async () => {
      const users = inMemory()
      await memoryApi({ users }).revokeAll(3)
      expect((await users.findById('3'))?.tokenEpoch).to.equal(1)
    })
  })

  describe('its routes', () => {
    it('take only a POST for a login, and say so', async () => {
      const { app } = tokenApp(memoryApi())
      await withServer(app, async ({ url }) => {
        for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
          const response = await send(url, '/token/new?username=ann&password=ann%E2%80%99s%20password', { method })
          expect([response.status, response.headers.allow]).to.deep.equal([405, 'POST'])
          expect(response.json).to.deep.equal({ success: false, errors: 'Must access via a POST request.' })
        }
        const head = await send(url, '/token/new', { method: 'HEAD' })
        expect([head.status, head.headers.allow, head.text]).to.deep.equal([405, 'POST', ''])
      })
    })

    it('ask for both parts of a login', async () => {
      const { app } = tokenApp(memoryApi())
      await withServer(app, async ({ url }) => {
        for (const data of [
          {},
          { username: 'ann' },
          { password: 'x' },
          { username: '', password: 'x' },
          { username: 'ann', password: '' },
        ]) {
          const response = await send(url, '/token/new', asJson(data))
          expect([response.status, response.json]).to.deep.equal([401, INCOMPLETE])
          expect(response.headers['www-authenticate']).to.equal('Basic realm="api", charset="UTF-8"')
        }
      })
    })

    it('leave the check out where that is wanted', async () => {
      const api = memoryApi()
      const { token } = await api.issue({ id: 1, username: 'ann', password: annHash, tokenEpoch: 0 })
      const app = new Koa()
      app.use(api.routes({ check: false }))
      await withServer(app, async ({ url }) => {
        expect((await send(url, `/token/${token}/1`)).status).to.equal(404)
        expect((await send(url, '/token/new')).status).to.equal(405)
      })
    })

    it('leave a path of one segment to the application, with what it throws', async () => {
      const app = new Koa()
      app.use(memoryApi().routes())
      app.use((ctx) => (ctx.path === '/token/mine' ? void (ctx.body = 'mine') : ctx.throw(418)))
      await withServer(app, async ({ url }) => {
        const mine = await send(url, '/token/mine')
        expect([mine.status, mine.text, mine.headers['cache-control']]).to.deep.equal([200, 'mine', undefined])
        expect((await send(url, '/token/other')).status).to.equal(418)
      })
    })

    it('have the configured prefix, realm and scheme', async () => {
      const { app } = tokenApp(memoryApi({ prefix: '/api/v1/token', realm: 'the "shop"', scheme: 'Pair' }))
      await withServer(app, async ({ url }) => {
        const right = { username: 'ann', password: 'ann’s password' }
        const token = tokenOf(await send(url, '/api/v1/token/new', asJson(right)))
        expect((await send(url, `/api/v1/token/${token}/1.json`)).status).to.equal(200)
        expect((await send(url, '/token/new', asJson(right))).status).to.equal(404)
        const refused = await send(url, '/guarded')
        expect(refused.headers['www-authenticate']).to.equal('Pair realm="the \\"shop\\""')
      })
    })

    it('add to a login what respond returns, which replaces neither token nor user', async () => {
      const api = memoryApi({
        respond: async (user, { expiresAt }) => ({ name: user.username, expiresAt, token: 'mine', user: 'mine' }),
      })
      const { app } = tokenApp(api)
      await withServer(app, async ({ url }) => {
        const response = await send(url, '/token/new', asJson({ username: 'ann', password: 'ann’s password' }))
        const token = tokenOf(response)
        expect(token).to.match(/^[0-9a-z]+~d[0-9a-z]{10}-[0-9a-f]{64}$/)
        expect(response.json).to.deep.equal({ success: true, name: 'ann', expiresAt: NOON + 7 * DAY, token, user: 1 })
      })
    })

    it('write ids above 2^53 with all their digits', async () => {
      const id = 9007199254740993n
      const users = memoryUsers<User>([{ id, username: 'big', password: annHash }])
      const { app } = tokenApp(memoryApi({ users }))
      await withServer(app, async ({ url }) => {
        const response = await send(url, '/token/new', asJson({ username: 'big', password: 'ann’s password' }))
        expect(response.status).to.equal(200)
        expect(response.text).to.match(/"user":9007199254740993\}$/)
        const guarded = await send(url, `/guarded${pairQuery(`${id}`, tokenOf(response))}`)
        expect([guarded.status, guarded.text]).to.deep.equal([200, '{"success":true,"user":9007199254740993}'])
      })
    })
  })

  describe('tokenOptional', () => {
    it('knows who has a token, lets strangers in and refuses a wrong one', async () => {
      const api = memoryApi()
      const { token } = await api.issue({ id: 1, username: 'ann', password: annHash, tokenEpoch: 0 })
      await withServer(tokenApp(api).app, async ({ url }) => {
        expect((await send(url, `/free${pairQuery(1, token)}`)).json).to.deep.equal({ success: true, user: 1 })
        expect((await send(url, '/free')).json).to.deep.equal({ success: true, user: null })
        const wrong = await send(url, `/free${pairQuery(2, token)}`)
        expect([wrong.status, wrong.json]).to.deep.equal([403, WRONG_PAIR])
        expect((await send(url, `/free?user=1&user=1&token=${token}`)).status).to.equal(401)
      })
    })
  })

  describe('onEvent', () => {
    it('hears of logins and refusals, never of a token, a password or a name', async () => {
      const events: TokenEvent[] = []
      const api = memoryApi({ onEvent: (event) => events.push(event) })
      await api.login({ username: 'ann', password: 'ann’s password' })
      await api.login({ username: 'ann', password: 'wrong' })
      await api.login({ username: 'cyd', password: 'ann’s password' })
      await api.verify({ user: 1, token: 'nonsense' })
      await api.revokeAll(1)
      expect(events).to.deep.equal([
        { type: 'login', userId: '1' },
        { type: 'login-refused', reason: 'invalid' },
        { type: 'login-refused', reason: 'inactive' },
        { type: 'token-refused', reason: 'invalid' },
        { type: 'revoke-all', userId: '1' },
      ])
    })

    it('hears of faults by name and code', async () => {
      const events: TokenEvent[] = []
      const fault = Object.assign(new RangeError('password=secret'), { code: 'E_DOWN' })
      const users = { ...inMemory(), findByUsername: () => Promise.reject(fault) }
      const api = memoryApi({ users, onEvent: (event) => events.push(event) })
      expect(await rejection(api.login({ username: 'ann', password: 'x' }))).to.equal(fault)
      expect(events).to.deep.equal([{ type: 'fault', name: 'RangeError', code: 'E_DOWN' }])
    })

    it('changes no response if it throws', async () => {
      const warnings: string[] = []
      const listen = (warning: Error): void => void warnings.push(warning.message)
      process.on('warning', listen)
      try {
        const api = memoryApi({
          onEvent: () => {
            throw new Error('token=secret')
          },
        })
        expect((await api.login({ username: 'ann', password: 'ann’s password' })).ok).to.equal(true)
        await new Promise((resolve) => setImmediate(resolve)) // warnings are emitted in the next event-loop tick
        expect(warnings).to.deep.equal(['onEvent threw Error'])
      } finally {
        process.removeListener('warning', listen)
      }
    })
  })

  describe('its throttle', () => {
    it('responds 429 with the seconds to wait, alike for known and unknown users', async () => {
      const { app } = tokenApp(memoryApi({ throttle: { account: limited(2) } }))
      await withServer(app, async ({ url }) => {
        for (const username of ['ann', 'nobody']) {
          expect((await send(url, '/token/new', typed('wrong', username))).status).to.equal(401)
          expect((await send(url, '/token/new', typed('wrong', username))).status).to.equal(401)
          const response = await send(url, '/token/new', typed('ann’s password', username))
          expect(response.status).to.equal(429)
          expect(response.json).to.deep.equal({ success: false, errors: 'Too many attempts, please try again later.' })
          expect(response.headers['retry-after']).to.match(/^[1-9][0-9]{0,2}$/)
        }
      })
    })

    it('forgets an account’s attempts when it logs in, and accepts its tokens while it is throttled', async () => {
      const api = memoryApi({ throttle: { account: limited(2) } })
      await withServer(tokenApp(api).app, async ({ url }) => {
        await send(url, '/token/new', typed('wrong'))
        const token = tokenOf(await send(url, '/token/new', typed('ann’s password')))
        expect((await send(url, '/token/new', typed('wrong'))).status).to.equal(401)
        expect((await send(url, '/token/new', typed('wrong'))).status).to.equal(401)
        expect((await send(url, '/token/new', typed('wrong'))).status).to.equal(429)
        expect((await send(url, `/guarded${pairQuery(1, token)}`)).status).to.equal(200)
      })
    })

    it('counts by the address that addressOf gives', async () => {
      const address = limited(1)
      const { app } = tokenApp(
        memoryApi({ throttle: { address, account: limited(99), addressOf: (ctx) => ctx.get('x-client') } }),
      )
      await withServer(app, async ({ url }) => {
        const from = async (client: string): Promise<number> => {
          const sent = typed('wrong')
          return (await send(url, '/token/new', { ...sent, headers: { ...sent.headers, 'x-client': client } })).status
        }
        expect([await from('192.0.2.1'), await from('192.0.2.1'), await from('192.0.2.2')]).to.deep.equal([
          401, 429, 401,
        ])
      })
    })

    it('is off where it is false, and on by default', async () => {
      expect(await statuses({ throttle: false })).to.deep.equal(Array(11).fill(401))
      expect(await statuses({ throttle: {} })).to.deep.equal([...Array<number>(10).fill(401), 429])
    })
  })

  describe('wrong options', () => {
    const cases: readonly (readonly [name: string, overrides: object])[] = [
      ['users', { users: undefined }],
      ['users', { users: {} }],
      ['users', { users: { findById: async () => null } }],
      ['secret', { secret: undefined }],
      ['secret', { secret: '' }],
      ['secret', { secret: 'x'.repeat(31) }],
      ['secret', { secret: [] }],
      ['secret', { secret: [SECRET, ''] }],
      ['secret', { secret: Array(6).fill(SECRET) }],
      ['secret', { secret: Buffer.from(SECRET) }],
      ...[0, -1, NaN, Infinity, '7', 1.5, null].map((timeoutDays) => ['timeoutDays', { timeoutDays }] as const),
      ...[0, -1, NaN, Infinity, '5', null].map((timeout) => ['timeout', { timeout }] as const),
      ['clock', { clock: () => Date.now() }],
      ['clock', { clock: () => 1.5 }],
      ['realm', { realm: 'a\r\nSet-Cookie: b=c' }],
      ['scheme', { scheme: 'two words' }],
      ['audience', { audience: 'a'.repeat(201) }],
      ['boundTo', { boundTo: 'password' }],
      ['onEvent', { onEvent: 'log' }],
      ['passwords', { passwords: {} }],
      ['throttle.account', { throttle: { account: {} } }],
      ['throttle.address', { throttle: { address: 'limiter' } }],
    ]
    for (const [name, overrides] of cases) {
      it(`are a TypeError at start-up that names ${name}: ${JSON.stringify(overrides)}`, () => {
        expect(() => memoryApi(overrides)).to.throw(TypeError, name)
      })
    }

    it('are not the last right ones', () => {
      for (const overrides of [
        { secret: 'x'.repeat(32) },
        { timeoutDays: 1 },
        { timeout: 0.5 },
        { secret: Array<string>(5).fill(SECRET) },
      ]) {
        expect(() => memoryApi(overrides)).not.to.throw()
      }
      expect(() => memoryApi({ secret: 'short', minSecretBytes: 5 })).not.to.throw()
    })
  })
})
