import { mock } from 'node:test'
import { expect } from 'chai'
import {
  activeUser,
  memoryTokens,
  memoryUsers,
  slidingTokens,
  type SlidingTokenOptions,
  type StoredTokenKind,
  type TokenStore,
  type User,
  type Verdict,
} from '../../lib/index.js'
import { warningsOf } from '../support/warnings.js'
import { behavesLikeATokenKind } from '../support/token-kind.contract.js'

const NOW = 1795000000
const MONTH = 2592000
const alice: User = { id: 1, username: 'alice', password: null }

interface Member extends User {
  role: string
}
const boss: Member = { ...alice, id: 3, username: 'boss', role: 'boss' }
const clerk: Member = { ...alice, id: 4, username: 'clerk', role: 'clerk' }

/** A store that records to which time ends were moved. */
function observed(store: TokenStore): { store: TokenStore; slides: { expiresAt: number; lastUsedAt: number }[] } {
  const slides: { expiresAt: number; lastUsedAt: number }[] = []
  return {
    slides,
    store: {
      ...store,
      slide(digest, to) {
        slides.push({ expiresAt: to.expiresAt, lastUsedAt: to.lastUsedAt })
        return store.slide(digest, to)
      },
    },
  }
}

function use(kind: StoredTokenKind, token: string): Promise<Verdict<{ token: { expiresAt: number } }>> {
  return kind.verify({ token }, activeUser(memoryUsers([alice])))
}

/** Where the token ends now, or why it was refused. */
async function endAfterUse(kind: StoredTokenKind, token: string): Promise<number | string> {
  const verdict = await use(kind, token)
  return verdict.ok ? verdict.value.token.expiresAt : verdict.reason
}

/** A store whose slides are written, or fail, when the spec says so. */
function hanging(store: TokenStore): {
  store: TokenStore
  starts: () => number
  settle: (end: 'write' | 'fail') => Promise<void>
} {
  const waiting: { write: () => Promise<void>; fail: (error: Error) => void }[] = []
  let starts = 0
  return {
    starts: () => starts,
    store: {
      ...store,
      slide(digest, to) {
        starts += 1
        return new Promise((resolve, reject) => {
          waiting.push({ write: () => store.slide(digest, to).then(resolve), fail: reject })
        })
      },
    },
    async settle(end) {
      for (const one of waiting.splice(0)) {
        if (end === 'write') await one.write()
        else one.fail(new Error('too late'))
      }
      await new Promise(setImmediate) // whatever waits for it has run
    },
  }
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  )
}

describe('slidingTokens', () => {
  behavesLikeATokenKind({
    make: (clock) => slidingTokens({ store: memoryTokens(), clock }),
    isPair: false,
    provesFirst: true,
    afterPasswordChange: null,
    revokesAll: true,
  })

  describe('bound to the password', () => {
    behavesLikeATokenKind({
      make: (clock) => slidingTokens({ store: memoryTokens(), boundTo: ({ password }) => [password], clock }),
      isPair: false,
      provesFirst: true,
      afterPasswordChange: 'revoked',
      revokesAll: true,
    })
  })

  describe('with a maximum, an audience and a lifetime of the user', () => {
    behavesLikeATokenKind({
      make: (clock) =>
        slidingTokens({ store: memoryTokens(), lifetime: () => 100, maxLifetime: 100, audience: 'staff', clock }),
      isPair: false,
      provesFirst: true,
      afterPasswordChange: null,
      revokesAll: true,
    })
  })

  let now: number
  let store: TokenStore
  let slides: { expiresAt: number; lastUsedAt: number }[]
  beforeEach(() => {
    now = NOW
    const seen = observed(memoryTokens())
    store = seen.store
    slides = seen.slides
  })

  const kindOf = (options: Partial<SlidingTokenOptions> = {}): StoredTokenKind =>
    slidingTokens({ store, lifetime: 1000, clock: () => now, ...options })

  describe('the slide', () => {
    it('is of 30 days by default', async () => {
      const kind = slidingTokens({ store, clock: () => now })
      const { token, expiresAt } = await kind.issue(alice)
      expect(expiresAt).to.equal(NOW + MONTH)
      now = NOW + MONTH - 1
      expect(await endAfterUse(kind, token)).to.equal(NOW + MONTH - 1 + MONTH)
    })

    it('moves the end with the use, again and again', async () => {
      const kind = kindOf()
      const { token } = await kind.issue(alice)
      for (now = NOW + 999; now < NOW + 10_000; now += 999) expect(await endAfterUse(kind, token)).to.equal(now + 1000)
      now += 1
      expect(await endAfterUse(kind, token)).to.equal('expired')
    })

    for (const [lifetime, interval] of [
      [1, 1],
      [19, 1],
      [20, 2],
      [60, 6],
      [599, 59],
      [600, 60],
      [MONTH, 60],
    ] as const) {
      it(`of ${lifetime} s is written ${interval} s after the last one, and not before`, async () => {
        const kind = kindOf({ lifetime })
        const { token } = await kind.issue(alice)
        now = NOW + interval - 1
        expect(await endAfterUse(kind, token)).to.equal(NOW + lifetime)
        expect(slides).to.deep.equal([])
        if (lifetime === 1) return // it has ended
        now = NOW + interval
        expect(await endAfterUse(kind, token)).to.equal(now + lifetime)
        now = NOW + 2 * interval - 1
        expect(await endAfterUse(kind, token)).to.equal(NOW + interval + lifetime)
        expect(slides).to.deep.equal([{ expiresAt: NOW + interval + lifetime, lastUsedAt: NOW + interval }])
      })
    }

    it('keeps a token of 60 s alive that is used every 59 s, as in the ancestor', async () => {
      const kind = kindOf({ lifetime: 60 })
      const { token } = await kind.issue(alice)
      for (now = NOW + 59; now < NOW + 3600; now += 59) expect(await endAfterUse(kind, token)).to.equal(now + 60)
      now += 1
      expect(await endAfterUse(kind, token)).to.equal('expired')
    })

    it('leaves a token valid for nine tenths of its lifetime after any use', async () => {
      for (const lifetime of [10, 60, 120, 599, 601, 3600]) {
        for (const used of [1, 5, 6, 11, 12, 59, 60, 61].filter((seconds) => seconds < lifetime)) {
          now = NOW
          const kind = kindOf({ lifetime })
          const { token } = await kind.issue(alice)
          now = NOW + used
          await endAfterUse(kind, token)
          now += Math.ceil(lifetime * 0.9) - 1
          expect(await endAfterUse(kind, token), `${lifetime} s, used after ${used} s`).to.be.a('number')
        }
      }
    })

    it('is written from a minute after the last one on, and not before', async () => {
      const kind = kindOf()
      const { token } = await kind.issue(alice)
      for (now of [NOW, NOW + 59]) expect(await endAfterUse(kind, token)).to.equal(NOW + 1000)
      expect(slides).to.deep.equal([])
      now = NOW + 60
      expect(await endAfterUse(kind, token)).to.equal(NOW + 1060)
      now = NOW + 119
      expect(await endAfterUse(kind, token)).to.equal(NOW + 1060)
      now = NOW + 120
      expect(await endAfterUse(kind, token)).to.equal(NOW + 1120)
      expect(slides).to.deep.equal([
        { expiresAt: NOW + 1060, lastUsedAt: NOW + 60 },
        { expiresAt: NOW + 1120, lastUsedAt: NOW + 120 },
      ])
    })

    it('is written once for 10 000 uses within a minute', async () => {
      const kind = kindOf()
      const { token } = await kind.issue(alice)
      now = NOW + 60
      for (let at = 0; at < 10_000; at += 1) {
        now = NOW + 60 + (at % 60)
        await use(kind, token)
      }
      expect(slides).to.have.lengthOf(1)
    })

    it('is written once for many uses at once', async () => {
      const kind = kindOf()
      const { token } = await kind.issue(alice)
      now = NOW + 60
      const verdicts = await Promise.all(Array.from({ length: 50 }, () => use(kind, token)))
      expect(verdicts.filter(({ ok }) => ok)).to.have.lengthOf(50)
      expect(slides).to.have.lengthOf(1)
    })

    it('keeps tokens apart', async () => {
      const kind = kindOf()
      const [first, second] = [await kind.issue(alice), await kind.issue(alice)]
      now = NOW + 60
      await Promise.all([use(kind, first.token), use(kind, second.token)])
      expect(slides).to.have.lengthOf(2)
    })

    it('shows in the list', async () => {
      const kind = kindOf()
      const { token } = await kind.issue(alice)
      now = NOW + 70
      await use(kind, token)
      const [listed] = await kind.list(alice)
      expect(listed).to.include({ issuedAt: NOW, lastUsedAt: NOW + 70, expiresAt: NOW + 1070 })
    })

    it('is not written if the user is disabled', async () => {
      const kind = kindOf()
      const { token } = await kind.issue(alice)
      now = NOW + 60
      const disabled = activeUser(memoryUsers([{ ...alice, isActive: false }]))
      expect(await kind.verify({ token }, disabled)).to.include({ reason: 'inactive' })
      expect(slides).to.deep.equal([])
    })

    it('revives no token that is revoked while it is on its way', async () => {
      const { token } = await kindOf().issue(alice)
      const late: TokenStore = {
        ...store,
        async slide(digest, to) {
          await kindOf().revoke(token)
          await store.slide(digest, to)
        },
      }
      now = NOW + 60
      await use(kindOf({ store: late }), token)
      expect(slides).to.have.lengthOf(1)
      expect(await endAfterUse(kindOf(), token)).to.equal('invalid')
      expect(await kindOf().list(alice)).to.deep.equal([])
    })
  })

  describe('never moves backwards', () => {
    it('by a server whose clock is behind', async () => {
      const { token } = await kindOf().issue(alice)
      now = NOW + 600
      await use(kindOf(), token)
      const behind = kindOf({ clock: () => now - 60 })
      for (now of [NOW + 600, NOW + 660, NOW + 719]) {
        expect(await endAfterUse(behind, token), String(now)).to.be.oneOf([NOW + 1600, now - 60 + 1000])
        const [listed] = await kindOf().list(alice)
        expect(listed?.expiresAt).to.be.at.least(NOW + 1600)
      }
    })

    it('by a clock that jumps an hour back, nor is it shortened by one that jumps ahead', async () => {
      const kind = kindOf({ lifetime: 10_000 })
      const { token } = await kind.issue(alice)
      now = NOW + 3600
      expect(await endAfterUse(kind, token)).to.equal(NOW + 13_600)
      now = NOW
      expect(await endAfterUse(kind, token)).to.equal(NOW + 13_600)
      now = NOW + 3599
      expect(await endAfterUse(kind, token)).to.equal(NOW + 13_600)
      now = NOW + 3660
      expect(await endAfterUse(kind, token)).to.equal(NOW + 13_660)
    })

    it('by a lifetime that is shorter now', async () => {
      const { token } = await kindOf({ lifetime: 10_000 }).issue(alice)
      now = NOW + 100
      expect(await endAfterUse(kindOf({ lifetime: 10 }), token)).to.equal(NOW + 10_000)
      now = NOW + 9_999
      expect(await endAfterUse(kindOf({ lifetime: 10 }), token)).to.equal(NOW + 10_009)
    })
  })

  const kindFor = (lifetime: (user: Member) => number): StoredTokenKind<Member> =>
    slidingTokens<Member>({ store, lifetime, clock: () => now })

  describe('maxLifetime', () => {
    it('ends a token however it is used', async () => {
      const kind = kindOf({ maxLifetime: 2500 })
      const { token, expiresAt } = await kind.issue(alice)
      expect(expiresAt).to.equal(NOW + 1000)
      const ends: (number | string)[] = []
      for (now of [NOW + 900, NOW + 1500, NOW + 1501, NOW + 2000, NOW + 2499, NOW + 2500]) {
        ends.push(await endAfterUse(kind, token))
      }
      expect(ends).to.deep.equal([NOW + 1900, NOW + 2500, NOW + 2500, NOW + 2500, NOW + 2500, 'expired'])
      expect(Math.max(...slides.map((slide) => slide.expiresAt))).to.equal(NOW + 2500)
    })

    it('ends a token early that would live longer from the start', async () => {
      const kind = kindOf({ maxLifetime: 10 })
      const { token, expiresAt } = await kind.issue(alice)
      expect(expiresAt).to.equal(NOW + 10)
      now = NOW + 10
      expect(await endAfterUse(kind, token)).to.equal('expired')
    })

    it('counts for tokens that were made before there was one, and for those that were taken over', async () => {
      const { token } = await kindOf({ lifetime: 5000 }).issue(alice)
      const key = 'a'.repeat(40)
      await kindOf().adopt([{ token: key, userId: '1', createdAt: NOW, expiresAt: NOW + 5000 }])
      const kind = kindOf({ maxLifetime: 2000 })
      for (const one of [token, key]) {
        now = NOW + 1999
        expect(await endAfterUse(kind, one)).to.equal(NOW + 2000)
        now = NOW + 2000
        expect(await endAfterUse(kind, one)).to.equal('expired')
      }
    })
  })

  describe('maxLifetime of a token that is stored with a later end', () => {
    let kind: StoredTokenKind
    let token: string
    beforeEach(async () => {
      token = (await kindOf({ lifetime: 50_000 }).issue(alice)).token
      kind = kindOf({ maxLifetime: 2000 })
      slides.length = 0
    })

    it('is written with its first use, and once a minute', async () => {
      for (now = NOW + 60; now < NOW + 180; now += 1) expect(await endAfterUse(kind, token)).to.equal(NOW + 2000)
      expect(slides).to.deep.equal([
        { expiresAt: NOW + 2000, lastUsedAt: NOW + 60 },
        { expiresAt: NOW + 2000, lastUsedAt: NOW + 120 },
      ])
      const [stored] = await store.list({ purpose: 'sliding', userId: '1' }, now)
      expect(stored).to.include({ expiresAt: NOW + 2000, lastUsedAt: NOW + 120 })
    })

    it('is its end for list, prune and limit once it was used', async () => {
      now = NOW + 60
      await use(kind, token)
      now = NOW + 2000
      expect(await endAfterUse(kind, token)).to.equal('expired')
      expect(await kind.list(alice)).to.deep.equal([])
      expect(await kind.prune()).to.equal(1)
    })

    it('is its end in the list, used or not', async () => {
      now = NOW + 1999
      expect((await kind.list(alice)).map(({ expiresAt }) => expiresAt)).to.deep.equal([NOW + 2000])
      now = NOW + 2000
      expect(await kind.list(alice)).to.deep.equal([])
    })

    it('is the end that is stored of one that is taken over', async () => {
      await kind.adopt([{ token: 'a'.repeat(40), userId: '2', createdAt: NOW - 1, expiresAt: NOW + 5000 }])
      await kind.adopt([{ token: 'b'.repeat(40), userId: '2', createdAt: NOW, expiresAt: NOW + 1000 }])
      const stored = await store.list({ purpose: 'sliding', userId: '2' }, NOW)
      expect(stored.map(({ expiresAt }) => expiresAt)).to.deep.equal([NOW + 1000, NOW + 1999])
    })
  })

  describe('lifetime as a function', () => {
    it('is asked for each user, at the issue and at each slide', async () => {
      const byRole = kindFor(({ role }) => (role === 'boss' ? 100 : 500))
      const [first, second] = [await byRole.issue(boss), await byRole.issue(clerk)]
      expect([first.expiresAt, second.expiresAt]).to.deep.equal([NOW + 100, NOW + 500])
      now = NOW + 99
      const find = activeUser(memoryUsers([boss, clerk]))
      const verdicts = [
        await byRole.verify({ token: first.token }, find),
        await byRole.verify({ token: second.token }, find),
      ]
      expect(verdicts.map((verdict) => verdict.ok && verdict.value.token.expiresAt)).to.deep.equal([
        NOW + 199,
        NOW + 599,
      ])
    })

    it('cannot be applied to a foreign token', async () => {
      const byRole = kindFor(() => 100)
      const one = { token: 'a'.repeat(40), userId: '3', createdAt: NOW }
      const error = await rejection(
        byRole.adopt([
          { ...one, expiresAt: NOW + 5 },
          { ...one, token: 'b'.repeat(40) },
        ]),
      )
      expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('expiresAt')
      expect(await byRole.list(boss)).to.deep.equal([])
      expect(await byRole.adopt([{ ...one, expiresAt: NOW + 5 }])).to.equal(1)
    })

    it('that returns no whole seconds is an error, and not a token without an end', async () => {
      for (const seconds of [0, -1, 1.5, NaN, Infinity, undefined, '60']) {
        const error = await rejection(kindFor(() => seconds as number).issue(boss)) // as a caller without types
        expect(error, String(seconds)).to.be.instanceOf(TypeError).with.property('message').that.includes('lifetime')
      }
      expect(await store.list({ purpose: 'sliding', userId: '3' }, NOW)).to.deep.equal([])
    })
  })

  describe('a slide that hangs', () => {
    let slow: ReturnType<typeof hanging>
    let kind: StoredTokenKind
    let token: string
    let errors: unknown[]
    beforeEach(async () => {
      errors = []
      token = (await kindOf().issue(alice)).token
      slow = hanging(store)
      kind = kindOf({ store: slow.store, onSlideFault: (error) => errors.push(error) })
      now = NOW + 60
      mock.timers.enable({ apis: ['setTimeout'] })
    })
    afterEach(() => mock.timers.reset())

    /** Uses the token while its slide hangs. */
    const useWhileHanging = async (): Promise<number | string> => {
      const before = slow.starts()
      const used = endAfterUse(kind, token)
      while (slow.starts() === before) await new Promise(setImmediate)
      mock.timers.tick(250)
      return used
    }

    it('holds a request for a quarter of a second, and the token keeps its old end', async () => {
      expect(await useWhileHanging()).to.equal(NOW + 1000)
      expect(errors).to.deep.equal([])
    })

    it('holds no other request, and is not started again while it is under way', async () => {
      await useWhileHanging()
      for (now of [NOW + 60, NOW + 90, NOW + 119]) expect(await endAfterUse(kind, token)).to.equal(NOW + 1000)
      expect(slow.starts()).to.equal(1)
    })

    it('is written all the same when the store goes on', async () => {
      await useWhileHanging()
      await slow.settle('write')
      expect(errors).to.deep.equal([])
      expect(await endAfterUse(kindOf(), token)).to.equal(NOW + 1060)
    })

    it('is reported when it fails late, and tried again at the next use', async () => {
      await useWhileHanging()
      await slow.settle('fail')
      expect(errors.map(String)).to.deep.equal(['Error: too late'])
      await useWhileHanging()
      expect(slow.starts()).to.equal(2)
    })

    it('without an end is started again after a minute', async () => {
      await useWhileHanging()
      now = NOW + 120
      expect(await useWhileHanging()).to.equal(NOW + 1000)
      expect(slow.starts()).to.equal(2)
      await slow.settle('write')
      expect(await endAfterUse(kindOf(), token)).to.equal(NOW + 1120)
    })
  })

  describe('a slide that cannot be written', () => {
    const error = new Error('attempt to write a readonly database')
    const readOnly = (): TokenStore => ({ ...store, slide: () => Promise.reject(error) })

    it('does not deny the request, keeps the old end, and is reported', async () => {
      const faults: unknown[] = []
      const { token } = await kindOf().issue(alice)
      const kind = kindOf({ store: readOnly(), onSlideFault: (seen) => faults.push(seen) })
      now = NOW + 60
      expect(await endAfterUse(kind, token)).to.equal(NOW + 1000)
      expect(faults).to.deep.equal([error])
    })

    it('is tried again at the next use', async () => {
      const { token } = await kindOf().issue(alice)
      const faults: unknown[] = []
      const kind = kindOf({ store: readOnly(), onSlideFault: (seen) => faults.push(seen) })
      now = NOW + 60
      await use(kind, token)
      await use(kind, token)
      expect(faults).to.have.lengthOf(2)
      expect(await endAfterUse(kindOf(), token)).to.equal(NOW + 1060)
    })

    it('does not deny the request either if the listener throws', async () => {
      const { token } = await kindOf().issue(alice)
      now = NOW + 60
      const kind = kindOf({
        store: readOnly(),
        onSlideFault: () => {
          throw new RangeError('in the listener')
        },
      })
      const warnings = await warningsOf(async () => expect(await endAfterUse(kind, token)).to.equal(NOW + 1000))
      expect(warnings).to.deep.equal(['onSlideFault threw RangeError'])
    })

    it('does not keep a token from ending', async () => {
      const { token } = await kindOf().issue(alice)
      now = NOW + 1000
      expect(await endAfterUse(kindOf({ store: readOnly() }), token)).to.equal('expired')
    })

    it('is a warning without a listener, once for each kind', async () => {
      const { token } = await kindOf().issue(alice)
      now = NOW + 60
      const kind = kindOf({ store: readOnly() })
      const warnings = await warningsOf(async () => {
        for (let at = 0; at < 3; at += 1) expect(await endAfterUse(kind, token)).to.equal(NOW + 1000)
      })
      expect(warnings).to.have.lengthOf(1)
      expect(warnings[0]).to.include('onSlideFault').and.not.include(error.message)
      expect(await warningsOf(() => use(kindOf({ store: readOnly() }), token))).to.have.lengthOf(1)
      const listening = kindOf({ store: readOnly(), onSlideFault: () => undefined })
      expect(await warningsOf(() => use(listening, token))).to.deep.equal([])
    })
  })

  it('throws at start-up for a wrong option', () => {
    for (const span of [0, -1, 1.5, NaN, Infinity, '60', null]) {
      const seconds = span as number // as a caller without types
      expect(() => kindOf({ lifetime: seconds }), `lifetime ${span}`).to.throw(TypeError, 'lifetime')
      expect(() => kindOf({ maxLifetime: seconds }), `maxLifetime ${span}`).to.throw(TypeError, 'maxLifetime')
    }
    const listener = 'log' as unknown as () => void // as a caller without types
    expect(() => kindOf({ onSlideFault: listener })).to.throw(TypeError, 'onSlideFault')
  })
})
