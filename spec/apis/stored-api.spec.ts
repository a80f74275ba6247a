import { expect } from 'chai'
import {
  expiringTokenApi,
  memoryTokens,
  memoryUsers,
  expiringTokens,
  slidingTokens,
  timedTokenApi,
  type TokenEvent,
  type TokenStore,
} from 'koa-tokenapi'
import { knexTokens, type KnexUser, knexUsers } from 'koa-tokenapi/knex'
import { InternalError } from '../../lib/errors.js'
import { onEachDatabase } from '../support/databases.js'
import { warningsOf } from '../support/warnings.js'
import { cheap, NOW, PASSWORD, served, tokenIn, withUsers } from '../support/siblings.js'

const alice = { id: 1, username: 'alice', password: await cheap.hash(PASSWORD) }
const TIMEOUT = 0.05

/** A store that hangs. */
function never(): Promise<never> {
  return new Promise(() => undefined)
}

/** A store all of whose methods do one thing. */
function each(method: () => Promise<never>): TokenStore {
  return {
    add: method,
    addMissing: method,
    find: method,
    slide: method,
    remove: method,
    removeOne: method,
    removeAll: method,
    removeSurplus: method,
    removeExpired: method,
    list: method,
  }
}

for (const [name, make] of Object.entries({ timedTokenApi, expiringTokenApi })) {
  describe(`${name}: a token store`, () => {
    let events: TokenEvent[]
    beforeEach(() => {
      events = []
    })
    const path = name === 'timedTokenApi' ? '/auth/login' : '/api-token-auth'
    const apiOf = (store: TokenStore, now = NOW) =>
      make({
        users: memoryUsers([alice]),
        store,
        passwords: cheap,
        throttle: false,
        timeout: TIMEOUT,
        clock: () => now,
        onEvent: (event) => void events.push(event),
      })

    describe('that hangs', () => {
      for (const method of ['add', 'removeExpired'] as const) {
        it(`in ${method} is a 503 at the login`, async () => {
          await served(apiOf({ ...memoryTokens(), [method]: never }), async ({ login }) => {
            const { status, headers } = await login(path)
            expect(status).to.equal(503)
            expect(headers).to.have.property('retry-after')
          })
          expect(events.at(-1)).to.deep.equal({ type: 'fault', name: 'DeadlineExceeded', code: 'ERR_TIMEOUT' })
        })
      }

      it('in find is a 503 at the guard', async () => {
        await served(apiOf({ ...memoryTokens(), find: never }), async ({ ask }) => {
          expect((await ask(`Token ${'a'.repeat(43)}`)).status).to.equal(503)
        })
        expect(events).to.deep.equal([{ type: 'fault', name: 'DeadlineExceeded', code: 'ERR_TIMEOUT' }])
      })

      it('in slide denies no request', async () => {
        const store = memoryTokens()
        const { token } = await apiOf(store).issue(alice)
        const verdict = await apiOf({ ...store, slide: never }, NOW + 60).verify({ token })
        expect(verdict).to.include({ ok: true })
        const faults =
          name === 'timedTokenApi' ? [{ type: 'fault', name: 'DeadlineExceeded', code: 'ERR_TIMEOUT' }] : []
        expect(events).to.deep.equal(faults)
      })
    })

    if (name === 'timedTokenApi') {
      it('that cannot slide is a warning without a listener', async () => {
        const store = memoryTokens()
        const { token } = await apiOf(store).issue(alice)
        const options = { users: memoryUsers([alice]), timeout: TIMEOUT, clock: () => NOW + 60 }
        const silent = make({ ...options, store: { ...store, slide: never } })
        expect(await warningsOf(() => silent.verify({ token }))).to.have.lengthOf(1)
        const heard = make({
          ...options,
          store: { ...store, slide: never },
          onEvent: (event) => void events.push(event),
        })
        expect(await warningsOf(() => heard.verify({ token }))).to.deep.equal([])
        expect(events).to.have.lengthOf(1)
      })
    }

    for (const [what, store, errorName] of [
      ['hangs', each(never), 'DeadlineExceeded'],
      ['fails', each(() => Promise.reject(new Error('down'))), 'Error'],
    ] as const) {
      it(`that ${what} is reported at each call of the management`, async () => {
        const api = apiOf(store)
        const calls = [
          () => api.revoke('a'.repeat(43)),
          () => api.revokeOne(alice, '1'),
          () => api.revokeAll(1),
          () => api.listTokens(alice),
          () => api.pruneTokens(),
          () => api.adoptTokens([{ token: 'a'.repeat(43), userId: '1' }]),
        ]
        for (const call of calls) {
          const outcome = await call().catch((error: unknown) => error)
          expect(outcome, String(call)).to.be.instanceOf(Error).with.property('name', errorName)
        }
        const code = errorName === 'DeadlineExceeded' ? { code: 'ERR_TIMEOUT' } : {}
        expect(events).to.deep.equal(calls.map(() => ({ type: 'fault', name: errorName, ...code })))
      })
    }

    it('is called as an object, whose methods may need it', async () => {
      const inner = memoryTokens()
      const store: TokenStore = {
        ...inner,
        list(this: unknown, ...args) {
          expect(this).to.equal(store)
          return inner.list(...args)
        },
      }
      await apiOf(store).issue(alice)
      expect(await apiOf(store).listTokens(alice)).to.have.lengthOf(1)
    })

    it('must have all methods', () => {
      for (const method of Object.keys(each(never))) {
        expect(() => apiOf({ ...each(never), [method]: undefined }), method).to.throw(TypeError, /store.*lacks/)
      }
      expect(() => apiOf({ find: never } as unknown as TokenStore)).to.throw(TypeError, 'store') // as a caller without types
    })
  })

  describe(`${name} on a database`, () => {
    onEachDatabase((db) => {
      let now: number
      let events: TokenEvent[]
      withUsers(db)
      beforeEach(() => {
        now = NOW
        events = []
      })
      const path = name === 'timedTokenApi' ? '/auth/login' : '/api-token-auth'
      const apiOf = (options: { boundTo?: (user: KnexUser) => readonly unknown[] } = {}) =>
        make<KnexUser>({
          users: knexUsers(db()),
          store: knexTokens(db()),
          passwords: cheap,
          throttle: false,
          clock: () => now,
          onEvent: (event) => void events.push(event),
          ...options,
        })
      const aliceOfTheTable = async (): Promise<KnexUser> => {
        const user = await knexUsers(db()).findById('1')
        if (user === null) throw new Error('alice is missing')
        return user
      }
      const replaceAlice = async (): Promise<void> => {
        await db()('users').where({ id: 1 }).delete()
        await db()('users').insert({ id: 1, username: 'anna', password: await cheap.hash('the password of anna') })
      }

      describe('a user who is deleted', () => {
        it('leaves no token to the next user with the same id after revokeAll, also when the row is gone', async () => {
          const api = apiOf()
          const { token } = await api.issue(await aliceOfTheTable())
          const theirs = await api.issue({ ...(await aliceOfTheTable()), id: 2 })
          await db()('users').where({ id: 1 }).delete()
          await api.revokeAll(1)
          expect(events).to.deep.equal([{ type: 'revoke-all', userId: '1' }])
          await replaceAlice()
          expect(await api.verify({ token })).to.include({ ok: false, reason: 'invalid' })
          expect(await api.verify({ token: theirs.token })).to.include({ ok: true })
        })

        it('leaves no token to the next user with the same id if tokens are bound to the password', async () => {
          const api = apiOf({ boundTo: ({ password }) => [password] })
          const { token } = await api.issue(await aliceOfTheTable())
          await replaceAlice()
          expect(await api.verify({ token })).to.include({ ok: false, reason: 'revoked' })
        })

        it('and has no token is not found by revokeAll', async () => {
          const api = apiOf()
          await api.issue(await aliceOfTheTable())
          for (const id of [99, '01', '1 ', '']) {
            const error = await api.revokeAll(id).catch((thrown: unknown) => thrown)
            expect(error, JSON.stringify(id)).to.be.instanceOf(Error)
          }
          expect(await db()('tokens').select('id')).to.have.lengthOf(1)
          expect(events.filter(({ type }) => type === 'revoke-all')).to.deep.equal([])
        })
      })

      it('ends a bound token with the password', async () => {
        await served(apiOf({ boundTo: ({ password }) => [password] }), async ({ login, ask }) => {
          const token = tokenIn(await login(path))
          expect((await ask(`Token ${token}`)).status).to.equal(200)
          await db()('users')
            .where({ id: 1 })
            .update({ password: await cheap.hash('a new password') })
          const { status, headers } = await ask(`Token ${token}`)
          expect(status).to.equal(401)
          expect(headers['www-authenticate']).to.include('error="invalid_token"').and.to.include('revoked')
        })
      })

      it('stores when the password was typed at a login, and nothing for issue', async () => {
        const api = apiOf()
        await served(api, async ({ login }) => tokenIn(await login(path)))
        await api.issue(await aliceOfTheTable())
        await api.issue(await aliceOfTheTable(), { loggedInAt: NOW - 100 })
        const rows: { logged_in_at: unknown }[] = await db()('tokens').orderBy('id')
        const times = rows.map((row) => (row.logged_in_at === null ? null : Number(row.logged_in_at)))
        expect(times).to.deep.equal([NOW, null, NOW - 100])
        const listed = await api.listTokens(await aliceOfTheTable())
        expect(listed.map(({ loggedInAt }) => loggedInAt)).to.deep.equal([NOW - 100, undefined, NOW])
      })

      it('stores limits as text, and reads them as they were', async () => {
        const limits = [{ expiresAt: NOW + 60, scopes: ['orders:read', 'orders:write'] }, { path: '/orders/' }]
        const issued = await apiOf().issue(await aliceOfTheTable(), { limits })
        const [row] = (await db()('tokens')) as [{ limits: string; expires_at: unknown }]
        expect(row.limits).to.match(/^\.e[0-9a-z]+\.s[\w-]+\.p[\w-]+\.$/)
        expect(Number(row.expires_at)).to.equal(NOW + 60)
        const kindOf = name === 'timedTokenApi' ? slidingTokens : expiringTokens
        const kind = kindOf({ store: knexTokens(db()), clock: () => now })
        const user = await aliceOfTheTable()
        now = NOW + 59
        const verdict = await kind.verify({ token: issued.token }, async () => ({ ok: true, value: user }))
        expect(verdict.ok && verdict.value.token.limits).to.deep.equal([
          { expiresAt: NOW + 60 },
          { scopes: ['orders:read', 'orders:write'] },
          { path: '/orders/' },
        ])
        now = NOW + 60
        expect(await kind.verify({ token: issued.token }, async () => ({ ok: true, value: user }))).to.include({
          reason: 'expired',
        })
      })

      it('knows how long ago the password was typed, for routes with maxAge', async () => {
        const api = apiOf()
        const needs = { maxAge: 10 }
        const [typed, issued] = [
          await served(api, async ({ login }) => tokenIn(await login(path))),
          (await api.issue(await aliceOfTheTable())).token,
        ]
        now = NOW + 10
        expect(await api.verify({ token: typed, needs })).to.include({ ok: true })
        now = NOW + 11
        const refused = { ok: false, reason: 'insufficient_user_authentication' }
        expect(await api.verify({ token: typed, needs })).to.include(refused)
        expect(await api.verify({ token: issued, needs })).to.include(refused)
        expect(await api.verify({ token: issued })).to.include({ ok: true })
      })

      it('holds a token to its limits', async () => {
        const api = apiOf()
        const limits = [{ scopes: ['deploy'], methods: ['POST'], path: '/deployments/' }]
        const { token } = await api.issue(await aliceOfTheTable(), { limits })
        const needs = { scope: 'deploy' }
        const request = { method: 'POST', path: '/deployments/7' }
        expect(await api.verify({ token, needs, request })).to.include({ ok: true })
        for (const use of [
          { needs },
          { request },
          { needs: { scope: 'read' }, request },
          { needs, request: { ...request, method: 'GET' } },
          { needs, request: { ...request, path: '/' } },
        ]) {
          expect(await api.verify({ token, ...use })).to.include({ ok: false, reason: 'insufficient_scope' })
        }
      })

      it('is 503 for a token whose limits were cut or cannot be read, and never unlimited', async () => {
        const api = apiOf()
        const { token } = await api.issue(await aliceOfTheTable(), { limits: [{ scopes: ['a'] }] })
        await served(api, async ({ ask, errors }) => {
          for (const limits of ['', '.', '.sYQ', 'sYQ.', '.sYQ.x', '.zYQ.', 'null', '{}']) {
            await db()('tokens').update({ limits })
            expect((await ask(`Token ${token}`)).status, limits).to.equal(503)
            const error = await api.verify({ token }).catch((thrown: unknown) => thrown)
            expect(error, limits).to.be.instanceOf(InternalError).with.property('code', 'ERR_SCHEMA')
          }
          expect(errors).to.have.lengthOf(8)
          await db()('tokens').update({ limits: null })
          expect((await ask(`Token ${token}`)).status).to.equal(200)
        })
      })
    })
  })
}
