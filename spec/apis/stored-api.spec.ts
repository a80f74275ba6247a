import { expect } from 'chai'
import {
  expiringTokenApi,
  memoryTokens,
  memoryUsers,
  timedTokenApi,
  type TokenEvent,
  type TokenStore,
} from 'koa-tokenapi'
import { warningsOf } from '../support/warnings.js'
import { cheap, NOW, PASSWORD, served } from '../support/siblings.js'

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
            const answer = await login(path)
            expect(answer.status).to.equal(503)
            expect(answer.headers).to.have.property('retry-after')
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

      it('in slide denies nobody', async () => {
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
      it('that cannot slide is a warning where nobody listens', async () => {
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

    for (const [what, store, fault] of [
      ['hangs', each(never), 'DeadlineExceeded'],
      ['fails', each(() => Promise.reject(new Error('down'))), 'Error'],
    ] as const) {
      it(`that ${what} is told at each call of the management`, async () => {
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
          expect(outcome, String(call)).to.be.instanceOf(Error).with.property('name', fault)
        }
        const code = fault === 'DeadlineExceeded' ? { code: 'ERR_TIMEOUT' } : {}
        expect(events).to.deep.equal(calls.map(() => ({ type: 'fault', name: fault, ...code })))
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
}
