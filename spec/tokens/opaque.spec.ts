import { inspect } from 'node:util'
import { expect } from 'chai'
import {
  activeUser,
  expiringTokens,
  memoryTokens,
  memoryUsers,
  slidingTokens,
  type NewStoredToken,
  type StoredToken,
  type StoredTokenKind,
  type StoredTokenOptions,
  type TokenStore,
  type User,
  type Verdict,
} from '../../lib/index.js'
import { InternalError } from '../../lib/errors.js'
import type { Limits } from '../../lib/limits.js'
import { opaque, storedDigest } from '../../lib/tokens/opaque.js'
import { garbageTokens } from '../support/token-kind.contract.js'

const NOW = 1795000000
const alice: User = { id: 1, username: 'alice', password: null }
const bob: User = { id: 2, username: 'bob', password: null }

/** A store that keeps what it was asked. */
function observed(store: TokenStore = memoryTokens()): {
  store: TokenStore
  calls: [string, unknown][]
  added: string[]
} {
  const calls: [string, unknown][] = []
  const added: string[] = []
  return {
    calls,
    added,
    store: {
      ...store,
      add(token) {
        added.push(token.digest)
        calls.push(['add', token.userId])
        return store.add(token)
      },
      find(digest) {
        calls.push(['find', digest])
        return store.find(digest)
      },
      remove(digest) {
        calls.push(['remove', digest])
        return store.remove(digest)
      },
      removeExpired(of, now, most) {
        calls.push(['removeExpired', most])
        return store.removeExpired(of, now, most)
      },
      removeSurplus(owner, keep, now) {
        calls.push(['removeSurplus', keep])
        return store.removeSurplus(owner, keep, now)
      },
    },
  }
}

function expiredOnes(purpose: string, count: number): NewStoredToken[] {
  const times = { createdAt: NOW - 1000, lastUsedAt: null, expiresAt: NOW }
  return Array.from({ length: count }, (_, at) => ({ digest: `old ${at}`, purpose, userId: '1', ...times }))
}

function boundTo({ password, tokenEpoch }: User): readonly unknown[] {
  return [password, tokenEpoch ?? 0]
}

/** Alice's rows, newest first. */
async function rowsOf(store: TokenStore): Promise<readonly StoredToken[]> {
  const purposes = ['expiring', 'sliding']
  return (await Promise.all(purposes.map((purpose) => store.list({ purpose, userId: '1' }, NOW)))).flat()
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  )
}

/** A key as Django REST framework makes them: 40 hex digits. */
function key(digit: string): string {
  return digit.repeat(40)
}

/** Options as a caller without types gives them. */
function makeLoosely(make: (options: StoredTokenOptions) => unknown): (options: unknown) => () => unknown {
  return (options) => () => make(options as StoredTokenOptions) // see above
}

const kinds: Readonly<Record<string, (options: StoredTokenOptions) => StoredTokenKind>> = {
  expiringTokens,
  slidingTokens,
}

for (const [name, make] of Object.entries(kinds)) {
  describe(`stored tokens: ${name}`, () => {
    let now: number
    let store: TokenStore
    let kind: StoredTokenKind
    beforeEach(() => {
      now = NOW
      store = memoryTokens()
      kind = make({ store, clock: () => now })
    })

    /** The store, with some properties of every row as they are given here. */
    const showing = (shown: Partial<Record<keyof StoredToken, unknown>>): TokenStore => ({
      ...store,
      find: async (digest) => {
        const row = await store.find(digest)
        return row === null ? null : ({ ...row, ...shown } as StoredToken) // as a store without types
      },
      list: async (...args) => (await store.list(...args)).map((row) => ({ ...row, ...shown }) as StoredToken),
    })

    const isGood = async (token: string, by: StoredTokenKind = kind): Promise<boolean> =>
      (await by.verify({ token }, activeUser(memoryUsers([alice, bob])))).ok

    describe('the token', () => {
      it('has 256 random bits, of which only a digest is stored', async () => {
        const { store: seen, added } = observed()
        const { token } = await make({ store: seen, clock: () => now }).issue(alice)
        expect(token).to.match(/^[A-Za-z0-9_-]{43}$/)
        expect(Buffer.from(token, 'base64url')).to.have.lengthOf(32)
        expect(added).to.have.lengthOf(1)
        expect(added[0]).to.match(/^[0-9a-f]{64}$/)
        expect(added[0]).not.to.include(token)
      })

      it('is never the same twice', async () => {
        const tokens = new Set<string>()
        for (let at = 0; at < 2000; at += 1) tokens.add((await make({ store, clock: () => now }).issue(alice)).token)
        expect(tokens.size).to.equal(2000)
      })

      it('does not come from Math.random', async () => {
        const { random } = Math
        Math.random = () => 0.5
        try {
          expect((await kind.issue(alice)).token).not.to.equal((await kind.issue(alice)).token)
        } finally {
          Math.random = random
        }
      })

      it('is not its digest', async () => {
        const { store: seen, added } = observed(store)
        const { token } = await make({ store: seen, clock: () => now }).issue(alice)
        expect(await isGood(token)).to.equal(true)
        expect(await isGood(added[0] ?? '')).to.equal(false)
      })

      it('is not taken for one that starts like it', async () => {
        const [mine, theirs] = [`${'a'.repeat(42)}1`, `${'a'.repeat(42)}2`]
        await kind.adopt([
          { token: mine, userId: '1', createdAt: NOW },
          { token: theirs, userId: '2', createdAt: NOW },
        ])
        const find = activeUser(memoryUsers([alice, bob]))
        const whose = [await kind.verify({ token: mine }, find), await kind.verify({ token: theirs }, find)]
        expect(whose.map((verdict) => verdict.ok && verdict.value.user.username)).to.deep.equal(['alice', 'bob'])
      })

      it('causes a query only if it has the shape of one', async () => {
        const { store: seen, calls } = observed()
        const watchful = make({ store: seen, clock: () => now })
        const shapes = ['a'.repeat(39), 'a'.repeat(65), `${'a'.repeat(42)}=`, `${'a'.repeat(42)}+`, 'é'.repeat(43)]
        for (const token of [...Object.values(garbageTokens), ...shapes]) {
          expect(await watchful.verify({ token }, activeUser(memoryUsers([alice])))).to.include({ reason: 'invalid' })
          expect(await watchful.revoke(token)).to.equal(false)
        }
        expect(calls).to.deep.equal([])
        await watchful.verify({ token: 'a'.repeat(40) }, activeUser(memoryUsers([alice])))
        await watchful.verify({ token: 'a'.repeat(64) }, activeUser(memoryUsers([alice])))
        expect(calls.map(([call]) => call)).to.deep.equal(['find', 'find'])
      })

      it('is valid only for its own audience, also in one store', async () => {
        const staff = make({ store, audience: 'staff', clock: () => now })
        const [mine, theirs] = [await kind.issue(alice), await staff.issue(alice)]
        expect([await isGood(mine.token), await isGood(mine.token, staff)]).to.deep.equal([true, false])
        expect([await isGood(theirs.token), await isGood(theirs.token, staff)]).to.deep.equal([false, true])
        await staff.revokeAll(alice)
        expect([await isGood(mine.token), await isGood(theirs.token, staff)]).to.deep.equal([true, false])
      })

      it('is not taken from a store that returns a token of another purpose', async () => {
        const { token } = await kind.issue(alice)
        const confused: TokenStore = {
          ...store,
          find: async (digest) => {
            const stored = await store.find(digest)
            return stored === null ? null : { ...stored, purpose: `${stored.purpose}/staff` }
          },
        }
        expect(await isGood(token)).to.equal(true)
        expect(await isGood(token, make({ store: confused, clock: () => now }))).to.equal(false)
      })

      it('is bound to no user that could not have it', async () => {
        for (const id of ['', '\ud800', 'a\nb', 'x'.repeat(256)]) {
          const outcome = await kind.issue({ ...alice, id }).catch((error: unknown) => error)
          expect(outcome, JSON.stringify(id))
            .to.be.instanceOf(TypeError)
            .with.property('message')
            .that.includes('user.id')
        }
      })
    })

    describe('revoke', () => {
      it('ends one token, and says whether it was there', async () => {
        const [first, second] = [await kind.issue(alice), await kind.issue(alice)]
        expect(await kind.revoke(first.token)).to.equal(true)
        expect(await kind.revoke(first.token)).to.equal(false)
        expect([await isGood(first.token), await isGood(second.token)]).to.deep.equal([false, true])
      })

      it('ends no token of another audience', async () => {
        const { token } = await kind.issue(alice)
        expect(await make({ store, audience: 'staff', clock: () => now }).revoke(token)).to.equal(false)
        expect(await isGood(token)).to.equal(true)
      })
    })

    describe('revokeOne', () => {
      it('ends the token of that id, for its own user', async () => {
        const [first, second] = [await kind.issue(alice), await kind.issue(alice)]
        expect(await kind.revokeOne(bob, first.id)).to.equal(false)
        expect(await isGood(first.token)).to.equal(true)
        expect(await kind.revokeOne(alice, first.id)).to.equal(true)
        expect([await isGood(first.token), await isGood(second.token)]).to.deep.equal([false, true])
      })
    })

    describe('list', () => {
      it('shows the live tokens of one user, newest first, and none of the tokens themselves', async () => {
        const first = await kind.issue(alice)
        now += 10
        const second = await kind.issue(alice)
        await kind.issue(bob)
        const listed = await kind.list(alice)
        expect(listed).to.deep.equal([
          { id: second.id, issuedAt: NOW + 10, loggedInAt: NOW + 10, lastUsedAt: null, expiresAt: second.expiresAt },
          { id: first.id, issuedAt: NOW, loggedInAt: NOW, lastUsedAt: null, expiresAt: first.expiresAt },
        ])
        now = first.expiresAt
        expect((await kind.list(alice)).map(({ id }) => id)).to.deep.equal([second.id])
      })
    })

    describe('limit', () => {
      it('ends the oldest at a login beyond it', async () => {
        const limited = make({ store, limit: 2, clock: () => now })
        const tokens = [await limited.issue(alice), await limited.issue(alice)]
        const theirs = await limited.issue(bob)
        expect(await Promise.all(tokens.map(({ token }) => isGood(token)))).to.deep.equal([true, true])
        tokens.push(await limited.issue(alice))
        expect(await Promise.all(tokens.map(({ token }) => isGood(token)))).to.deep.equal([false, true, true])
        expect(await isGood(theirs.token)).to.equal(true)
      })

      it('of one keeps the last', async () => {
        const limited = make({ store, limit: 1, clock: () => now })
        const [first, second] = [await limited.issue(alice), await limited.issue(alice)]
        expect([await isGood(first.token), await isGood(second.token)]).to.deep.equal([false, true])
      })

      it('does not count what has expired', async () => {
        const limited = make({ store, limit: 2, clock: () => now })
        const first = await limited.issue(alice)
        now = first.expiresAt - 1
        const second = await limited.issue(alice)
        now = first.expiresAt
        const third = await limited.issue(alice)
        expect([await isGood(second.token), await isGood(third.token)]).to.deep.equal([true, true])
      })

      it('holds when it is introduced late', async () => {
        for (let at = 0; at < 5; at += 1) await kind.issue(alice)
        await make({ store, limit: 3, clock: () => now }).issue(alice)
        expect(await kind.list(alice)).to.have.lengthOf(3)
      })

      it('is 1000 by default', async () => {
        const keys = Array.from({ length: 1000 }, (_, at) => String(at).padStart(40, '0'))
        await kind.adopt(keys.map((one) => ({ token: one, userId: '1' })))
        const { token } = await kind.issue(alice)
        expect(await kind.list(alice)).to.have.lengthOf(1000)
        expect([await isGood(keys[0] ?? ''), await isGood(keys[1] ?? ''), await isGood(token)]).to.deep.equal([
          false,
          true,
          true,
        ])
      })
    })

    describe('what has expired', () => {
      const purpose = name === 'slidingTokens' ? 'sliding' : 'expiring'

      it('is cleared away a few at a time by a login', async () => {
        await store.addMissing(expiredOnes(purpose, 250))
        const { store: seen, calls } = observed(store)
        await make({ store: seen, clock: () => now }).issue(alice)
        expect(calls).to.deep.equal([
          ['removeExpired', 100],
          ['add', '1'],
          ['removeSurplus', 1000],
        ])
        expect(await kind.prune()).to.equal(150)
      })

      it('is cleared away in batches by prune, which says how many there were', async () => {
        await store.addMissing(expiredOnes(purpose, 2500))
        const live = await kind.issue(bob)
        const { store: seen, calls } = observed(store)
        expect(await make({ store: seen, clock: () => now }).prune()).to.equal(2500)
        expect(calls.map(([, most]) => most)).to.deep.equal([1000, 1000, 1000])
        expect(await isGood(live.token)).to.equal(true)
        expect(await kind.prune()).to.equal(0)
      })

      it('is left to the other audience’s own prune', async () => {
        await store.addMissing(expiredOnes(purpose, 3))
        expect(await make({ store, audience: 'staff', clock: () => now }).prune()).to.equal(0)
        expect(await kind.prune()).to.equal(3)
      })
    })

    describe('adopt', () => {
      it('takes over keys of another system, which go on working', async () => {
        const foreign = [
          { token: key('a'), userId: '1', createdAt: NOW - 10 },
          { token: key('b'), userId: '2', createdAt: NOW - 20, lastUsedAt: NOW - 5, expiresAt: NOW + 1 },
        ]
        expect(await kind.adopt(foreign)).to.equal(2)
        expect(await isGood(key('a'))).to.equal(true)
        expect((await kind.list(alice)).map(({ issuedAt }) => issuedAt)).to.deep.equal([NOW - 10])
        expect((await kind.list(bob)).map(({ lastUsedAt }) => lastUsedAt)).to.deep.equal([NOW - 5])
        now = NOW + 1
        expect(await isGood(key('b'))).to.equal(false)
        now = NOW - 10 + 2592000 - 1
        expect(await isGood(key('a'))).to.equal(true)
      })

      it('gives what was made then its lifetime from then on', async () => {
        await kind.adopt([{ token: key('a'), userId: '1', createdAt: NOW - 2592000 }])
        await kind.adopt([{ token: key('b'), userId: '1', createdAt: NOW - 2592000 + 1 }])
        expect([await isGood(key('a')), await isGood(key('b'))]).to.deep.equal([false, true])
      })

      it('takes what comes without times for made just now', async () => {
        await kind.adopt([{ token: key('a'), userId: '1' }])
        const [listed] = await kind.list(alice)
        expect(listed).to.include({ issuedAt: NOW, lastUsedAt: null, expiresAt: NOW + 2592000 })
      })

      it('does not change what is stored already', async () => {
        const one = { token: key('a'), userId: '1', createdAt: NOW }
        expect(await kind.adopt([one])).to.equal(1)
        expect(
          await kind.adopt([
            { ...one, userId: '2' },
            { token: key('b'), userId: '2', createdAt: NOW },
          ]),
        ).to.equal(1)
        expect(await kind.list(alice)).to.have.lengthOf(1)
        expect(await kind.list(bob)).to.have.lengthOf(1)
      })

      it('refuses all if one could never be presented, or has no user', async () => {
        const good = { token: key('a'), userId: '1', createdAt: NOW }
        for (const bad of [
          { token: 'a'.repeat(39) },
          { token: 'a'.repeat(65) },
          { token: `${'a'.repeat(40)} ` },
          { userId: '' },
          { userId: '\ud800' },
        ]) {
          const outcome = await kind
            .adopt([good, { ...good, token: key('b'), ...bad }])
            .catch((error: unknown) => error)
          expect(outcome, JSON.stringify(bad)).to.be.instanceOf(TypeError)
        }
        expect(await kind.list(alice)).to.deep.equal([])
      })

      it('refuses times that are no whole seconds', async () => {
        const good = { token: key('a'), userId: '1', createdAt: NOW }
        for (const bad of [{ createdAt: NaN }, { createdAt: 1.5 }, { expiresAt: Infinity }, { lastUsedAt: NaN }]) {
          const outcome = await kind.adopt([{ ...good, ...bad }]).catch((error: unknown) => error)
          expect(outcome, JSON.stringify(bad)).to.be.instanceOf(TypeError)
        }
        expect(await kind.list(alice)).to.deep.equal([])
      })
    })

    describe('boundTo', () => {
      const user: User = { ...alice, password: 'a hash' }
      let bound: StoredTokenKind
      beforeEach(() => {
        bound = make({ store, boundTo, clock: () => now })
      })
      const verdictOf = (token: string, row: User, by: StoredTokenKind = bound): Promise<Verdict<object>> =>
        by.verify({ token }, activeUser(memoryUsers([row])))

      it('ends a token with what it names', async () => {
        const { token } = await bound.issue(user)
        expect(await verdictOf(token, user)).to.include({ ok: true })
        for (const changed of [
          { password: 'another hash' },
          { password: 'a hasH' },
          { password: null },
          { password: '' },
          { tokenEpoch: 1 },
        ]) {
          expect(await verdictOf(token, { ...user, ...changed })).to.deep.equal({
            ok: false,
            reason: 'revoked',
            genuine: true,
          })
        }
        expect(await verdictOf(token, { ...user, username: 'alicia' })).to.include({ ok: true })
      })

      it('opens nothing for the next user with the same id', async () => {
        const { token } = await bound.issue(user)
        expect(await verdictOf(token, { id: 1, username: 'anna', password: 'the hash of anna' })).to.include({
          reason: 'revoked',
        })
      })

      it('stores a digest that shows neither the values nor that two tokens have the same ones', async () => {
        for (let at = 0; at < 2; at += 1) await bound.issue(user)
        const rows = await Promise.all(
          ['expiring', 'sliding'].map((purpose) => store.list({ purpose, userId: '1' }, now)),
        )
        const bonds = rows.flat().map((row) => row.bound)
        expect(new Set(bonds).size).to.equal(2)
        for (const bond of bonds) expect(bond).to.match(/^[0-9a-f]{64}$/)
      })

      it('refuses a token that was issued without it, and a kind without it one that was issued with it', async () => {
        const [before, after] = [await kind.issue(user), await bound.issue(user)]
        const revoked = { ok: false, reason: 'revoked', genuine: true }
        expect(await verdictOf(before.token, user)).to.deep.equal(revoked)
        expect(await verdictOf(after.token, user, kind)).to.deep.equal(revoked)
        expect((await bound.list(user)).map(({ id }) => id)).to.deep.equal([after.id])
        expect((await kind.list(user)).map(({ id }) => id)).to.deep.equal([before.id])
      })

      it('refuses the bond of another token', async () => {
        const [mine, other] = [await bound.issue(user), await bound.issue(user)]
        const rows = await store.list({ purpose: name === 'slidingTokens' ? 'sliding' : 'expiring', userId: '1' }, now)
        const bond = rows.find(({ id }) => id === other.id)?.bound ?? null
        const swapped: TokenStore = {
          ...store,
          find: async (digest) => {
            const row = await store.find(digest)
            return row === null ? null : { ...row, bound: bond }
          },
        }
        const confused = make({ store: swapped, boundTo, clock: () => now })
        expect(await verdictOf(other.token, user, confused)).to.include({ ok: true })
        expect(await verdictOf(mine.token, user, confused)).to.include({ reason: 'revoked' })
      })

      it('issues and lists nothing for a user without what it names', async () => {
        for (const call of [
          () => bound.issue(alice),
          () => bound.list(alice),
          () => make({ store, boundTo: () => [], clock: () => now }).issue(user),
        ]) {
          expect(await rejection(call()))
            .to.be.instanceOf(TypeError)
            .with.property('message')
            .that.includes('boundTo')
        }
        expect(await kind.list(alice)).to.deep.equal([])
      })

      it('takes over no tokens, whose users it does not know', async () => {
        const error = await rejection(bound.adopt([{ token: key('a'), userId: '1' }]))
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('boundTo')
        expect(await store.find(storedDigest('expiring', key('a')))).to.equal(null)
      })
    })

    describe('limits', () => {
      const limits: readonly Limits[] = [{ scopes: ['orders:read'] }, { methods: ['GET'], path: '/orders/' }]
      const read = [{ scopes: ['orders:read'] }, { methods: ['GET'] }, { path: '/orders/' }]

      it('are facts of the token, when it is issued, verified and listed', async () => {
        const issued = await kind.issue(alice, { limits })
        const verdict = await kind.verify({ token: issued.token }, activeUser(memoryUsers([alice])))
        const [listed] = await kind.list(alice)
        expect([issued.limits, verdict.ok && verdict.value.token.limits, listed?.limits]).to.deep.equal([
          read,
          read,
          read,
        ])
      })

      it('are absent without any', async () => {
        expect(await kind.issue(alice)).not.to.have.property('limits')
        expect(await kind.issue(alice, { limits: [] })).not.to.have.property('limits')
      })

      it('end the token with the earliest end', async () => {
        const { token, expiresAt } = await kind.issue(alice, {
          limits: [{ expiresAt: NOW + 20 }, { expiresAt: NOW + 10 }],
        })
        expect(expiresAt).to.equal(NOW + 10)
        now = NOW + 9
        expect(await isGood(token)).to.equal(true)
        expect((await kind.list(alice)).map((listed) => listed.expiresAt)).to.deep.equal([NOW + 10])
        now = NOW + 10
        expect(await isGood(token)).to.equal(false)
        expect(await kind.prune()).to.equal(1)
      })

      it('never lengthen a life', async () => {
        const { expiresAt } = await kind.issue(alice, { limits: [{ expiresAt: NOW + 2592001 }] })
        expect(expiresAt).to.equal(NOW + 2592000)
      })

      it('end a token by what they say, and not by the end that is stored beside them', async () => {
        const { token } = await kind.issue(alice, { limits: [{ expiresAt: NOW + 10 }] })
        const later = make({ store: showing({ expiresAt: NOW + 1000 }), clock: () => now })
        expect(await isGood(token, later)).to.equal(true)
        now = NOW + 10
        expect(await isGood(token, later)).to.equal(false)
      })

      it('that have no text form store nothing', async () => {
        for (const one of [{}, { scope: ['a'] }, { scopes: [] }, { expiresAt: undefined }, { path: '/a?b' }, null]) {
          const error = await rejection(kind.issue(alice, { limits: [one as Limits] })) // as a caller without types
          expect(error, JSON.stringify(one)).to.be.instanceOf(TypeError).with.property('code', 'ERR_INVALID_LIMITS')
        }
        expect(await kind.list(alice)).to.deep.equal([])
      })

      it('that were cut or cannot be read are an internal error, and only null is unlimited', async () => {
        const { token } = await kind.issue(alice, { limits })
        const [row] = await rowsOf(store)
        const whole = String(row?.limits)
        for (const column of [
          '',
          '.',
          '..',
          whole.slice(0, -1),
          whole.slice(1),
          '.x1.',
          '.eZ.',
          'null',
          undefined,
          0,
        ]) {
          const by = make({ store: showing({ limits: column }), clock: () => now })
          for (const call of [isGood(token, by), by.list(alice)]) {
            const error = await rejection(call)
            expect(error, String(column)).to.be.instanceOf(InternalError).with.property('code', 'ERR_SCHEMA')
            expect(String(error)).to.include('limits')
          }
        }
        const unlimited = make({ store: showing({ limits: null }), clock: () => now })
        expect(await isGood(token, unlimited)).to.equal(true)
      })
    })

    describe('the time of the login', () => {
      it('is the time of issue by default, what it was said to be otherwise, and absent for 0', async () => {
        const facts = [
          await kind.issue(alice),
          await kind.issue(alice, { loggedInAt: NOW - 7 }),
          await kind.issue(alice, { loggedInAt: 0 }),
        ]
        expect(facts.map(({ loggedInAt }) => loggedInAt)).to.deep.equal([NOW, NOW - 7, undefined])
        const find = activeUser(memoryUsers([alice]))
        now += 1
        for (const { token, loggedInAt } of facts) {
          const verdict = await kind.verify({ token }, find)
          expect(verdict.ok && verdict.value.token.loggedInAt).to.equal(loggedInAt)
        }
        expect((await rowsOf(store)).map(({ loggedInAt }) => loggedInAt)).to.deep.equal([null, NOW - 7, NOW])
      })

      it('is in whole seconds', async () => {
        for (const loggedInAt of [-1, 1.5, NaN, '1', null]) {
          const error = await rejection(kind.issue(alice, { loggedInAt: loggedInAt as number })) // as a caller without types
          expect(error, String(loggedInAt))
            .to.be.instanceOf(TypeError)
            .with.property('message')
            .that.includes('loggedInAt')
        }
        expect(await kind.list(alice)).to.deep.equal([])
      })
    })

    describe('a store that leaves a fact out', () => {
      const unreadable = [undefined, NaN, Infinity, 1.5, 2 ** 53, '1795000000', '', true, 1n]

      for (const property of ['createdAt', 'expiresAt', 'lastUsedAt', 'loggedInAt', 'bound'] as const) {
        it(`such as ${property}, is an internal error and never a valid token`, async () => {
          const { token } = await kind.issue(alice)
          const values = property === 'bound' ? [undefined, 7, {}] : unreadable
          const others = property === 'createdAt' || property === 'expiresAt' ? [null] : []
          for (const value of [...values, ...others]) {
            const by = make({ store: showing({ [property]: value }), clock: () => now })
            for (const call of [isGood(token, by), by.list(alice)]) {
              const error = await rejection(call)
              expect(error, inspect(value)).to.be.instanceOf(InternalError).with.property('code', 'ERR_SCHEMA')
              expect(String(error)).to.include(property)
            }
          }
        })
      }
    })

    it('that has no end ends at 2^53 − 1', async () => {
      const endless = name === 'slidingTokens' ? slidingTokens : expiringTokens
      const { token, expiresAt } = await endless({
        store,
        lifetime: Number.MAX_SAFE_INTEGER,
        clock: () => now,
      }).issue(alice)
      expect(expiresAt).to.equal(Number.MAX_SAFE_INTEGER)
      now = 999_999_999_999
      expect(await isGood(token)).to.equal(true)
    })

    describe('revokeAllById', () => {
      it('ends the tokens of a user whose row is gone, and returns whether there were any', async () => {
        const [mine, theirs] = [await kind.issue(alice), await kind.issue(bob)]
        expect(await kind.revokeAllById('1')).to.equal(true)
        expect([await isGood(mine.token), await isGood(theirs.token)]).to.deep.equal([false, true])
        expect(await kind.revokeAllById('1')).to.equal(false)
        expect(await kind.revokeAllById('01')).to.equal(false)
      })

      it('is only for the audience', async () => {
        const { token } = await kind.issue(alice)
        expect(await make({ store, audience: 'staff', clock: () => now }).revokeAllById('1')).to.equal(false)
        expect(await isGood(token)).to.equal(true)
      })

      it('rejects what cannot be an id', async () => {
        for (const id of ['', '\ud800', 'a\nb']) {
          expect(await rejection(kind.revokeAllById(id))).to.be.instanceOf(TypeError)
        }
      })
    })

    it('takes no call for a user who could not have a token', async () => {
      const { token } = await kind.issue(alice)
      for (const id of [1.5, NaN, null, '', '\ud800', ['1']]) {
        const impossible = { ...alice, id } as User // as a caller without types
        for (const call of [
          kind.revokeAll(impossible),
          kind.revokeOne(impossible, '1'),
          kind.list(impossible),
          kind.issue(impossible),
        ]) {
          const outcome = await call.catch((error: unknown) => error)
          expect(outcome, JSON.stringify(id))
            .to.be.instanceOf(TypeError)
            .with.property('message')
            .that.includes('user.id')
        }
      }
      expect(await isGood(token)).to.equal(true)
    })

    describe('an error of the store', () => {
      const error = new Error('the token store is down')
      const failing = (): Promise<never> => Promise.reject(error)

      for (const [what, broken, use] of [
        ['find', { find: failing }, (by) => by.verify({ token: 'a'.repeat(43) }, activeUser(memoryUsers([alice])))],
        ['add', { add: failing }, (by) => by.issue(alice)],
        ['removeExpired', { removeExpired: failing }, (by) => by.issue(alice)],
        ['remove', { remove: failing }, (by) => by.revoke('a'.repeat(43))],
        ['removeAll', { removeAll: failing }, (by) => by.revokeAll(alice)],
        ['list', { list: failing }, (by) => by.list(alice)],
      ] as const satisfies readonly [string, Partial<TokenStore>, (by: StoredTokenKind) => Promise<unknown>][]) {
        it(`in ${what} is a rejection`, async () => {
          const outcome = await use(make({ store: { ...store, ...broken }, clock: () => now })).catch((e: unknown) => e)
          expect(outcome).to.equal(error)
        })
      }
    })

    it('throws at start-up for a wrong option', () => {
      const loose = makeLoosely(make)
      expect(loose({})).to.throw(TypeError, 'store')
      expect(loose({ store: null })).to.throw(TypeError, 'store')
      expect(loose({ store: { find: async () => null } })).to.throw(TypeError, 'store')
      for (const method of Object.keys(store)) {
        expect(loose({ store: { ...store, [method]: null } }), method).to.throw(TypeError, `lacks ${method}`)
      }
      for (const limit of [0, -1, 1.5, NaN, Infinity, '3', null]) {
        expect(loose({ store, limit }), String(limit)).to.throw(TypeError, 'limit')
      }
      for (const audience of ['x'.repeat(51), '\ud800', 'a\0b', 'a\nb', '\u0085', 7, null]) {
        expect(loose({ store, audience }), String(audience)).to.throw(TypeError, 'audience')
      }
      expect(loose({ store, audience: 'x'.repeat(50), limit: 1 })).not.to.throw()
    })
  })
}

describe('opaque', () => {
  it('makes a kind under a name of its own', async () => {
    const store = memoryTokens()
    const clock = (): number => NOW
    const { issue, find } = opaque('once', { store, clock })
    const { token } = await issue(alice, 60)
    expect(await find(token)).to.include({ purpose: 'once', userId: '1', expiresAt: NOW + 60 })
    expect(await opaque('again', { store, clock }).find(token)).to.equal(null)
  })

  it('says of a name that could be another’s that it is wrong', () => {
    for (const name of ['', 'Once', 'once/staff', 'one two', '1', 'once\n']) {
      expect(() => opaque(name, { store: memoryTokens() }), JSON.stringify(name)).to.throw(TypeError, 'kind')
    }
  })
})

describe('storedDigest', () => {
  it('is no other purpose’s, however purpose and token are cut', () => {
    const digests = [
      storedDigest('expiring', 'abc'),
      storedDigest('sliding', 'abc'),
      storedDigest('expiringa', 'bc'),
      storedDigest('expiring1:a', 'bc'),
      storedDigest('', 'abc'),
    ]
    expect(new Set(digests).size).to.equal(digests.length)
    for (const digest of digests) expect(digest).to.match(/^[0-9a-f]{64}$/)
  })
})
