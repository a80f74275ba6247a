import { expect } from 'chai'
import type { NewStoredToken, StoredToken, TokenOwner, TokenStore } from 'koa-tokenapi'

const NOW = 1795000000
const ANN: TokenOwner = { purpose: 'expiring', userId: '1' }
const BOB: TokenOwner = { purpose: 'expiring', userId: '2' }
const STAFF_ANN: TokenOwner = { purpose: 'expiring/staff', userId: '1' }

/** A digest of hex digits, one for each number. */
function digestOf(number: number): string {
  return `${number.toString(16).padStart(4, '0')}${'abcdef0123456789'.repeat(4)}`.slice(0, 64)
}

function tokenOf(owner: TokenOwner, number: number, rest: Partial<StoredToken> = {}): NewStoredToken {
  return { ...owner, digest: digestOf(number), createdAt: NOW, lastUsedAt: null, expiresAt: NOW + 100, ...rest }
}

/** What a store returns for a property that was left out. */
const LEFT_OUT = { loggedInAt: null, bound: null, limits: null, name: null }

/** What every token store promises. `make` gives an empty one for each spec. */
export function behavesLikeATokenStore(make: () => Promise<TokenStore>): void {
  describe('behaves like a token store', () => {
    let store: TokenStore
    beforeEach(async () => {
      store = await make()
    })

    const found = (number: number): Promise<StoredToken | null> => store.find(digestOf(number))
    const there = async (...numbers: readonly number[]): Promise<number[]> => {
      const tokens = await Promise.all(numbers.map(found))
      return numbers.filter((_, at) => tokens[at] !== null)
    }

    describe('add and find', () => {
      it('find what was added, under the id that add gave', async () => {
        const token = tokenOf(ANN, 1, { createdAt: NOW - 5, lastUsedAt: NOW - 3, expiresAt: NOW + 7 })
        const id = await store.add(token)
        expect(id).to.match(/^[1-9][0-9]*$/)
        expect(await found(1)).to.deep.equal({ ...LEFT_OUT, ...token, id })
      })

      it('keep when the password was typed, what a token is bound and limited to, and its name', async () => {
        const full = {
          loggedInAt: NOW - 9,
          bound: 'b'.repeat(64),
          limits: `.s${'l'.repeat(1021)}.`,
          name: '✓ ann’s 📱'.repeat(20),
        }
        await store.add(tokenOf(ANN, 1, full))
        await store.addMissing([tokenOf(ANN, 2, { ...full, loggedInAt: 0, name: '' })])
        expect(await found(1)).to.include(full)
        expect(await found(2)).to.include({ ...full, loggedInAt: 0, name: '' })
        expect(await store.list(ANN, NOW)).to.deep.equal([await found(2), await found(1)])
        await store.slide(digestOf(1), { expiresAt: NOW + 200, lastUsedAt: NOW, unusedSince: NOW })
        expect(await found(1)).to.include(full)
      })

      it('keep null for what is left out', async () => {
        await store.add(tokenOf(ANN, 1))
        await store.addMissing([tokenOf(ANN, 2)])
        for (const number of [1, 2]) expect(await found(number)).to.include(LEFT_OUT)
      })

      it('show a token that was never used by null', async () => {
        await store.add(tokenOf(ANN, 1))
        expect((await found(1))?.lastUsedAt).to.equal(null)
      })

      it('give ids that ascend', async () => {
        const ids = [
          await store.add(tokenOf(ANN, 2)),
          await store.add(tokenOf(BOB, 1)),
          await store.add(tokenOf(ANN, 3)),
        ]
        expect(ids.map(Number)).to.deep.equal(ids.map(Number).toSorted((a, b) => a - b))
        expect(new Set(ids).size).to.equal(3)
      })

      it('find nothing under another digest', async () => {
        await store.add(tokenOf(ANN, 1))
        for (const digest of [digestOf(2), digestOf(1).slice(1), `${digestOf(1)}0`, `${digestOf(1)} `, '', '%', '_']) {
          expect(await store.find(digest), JSON.stringify(digest)).to.equal(null)
        }
      })

      it('compare digests by their bytes', async () => {
        await store.add(tokenOf(ANN, 1))
        expect(digestOf(1).toUpperCase()).not.to.equal(digestOf(1))
        expect(await store.find(digestOf(1).toUpperCase())).to.equal(null)
        expect(await store.remove(digestOf(1).toUpperCase())).to.equal(false)
        expect(await there(1)).to.deep.equal([1])
      })

      it('do not confuse tokens whose digests start alike', async () => {
        const [one, two] = [`${'a'.repeat(63)}1`, `${'a'.repeat(63)}2`]
        await store.add({ ...tokenOf(ANN, 1), digest: one })
        await store.add({ ...tokenOf(BOB, 1), digest: two })
        expect([(await store.find(one))?.userId, (await store.find(two))?.userId]).to.deep.equal(['1', '2'])
      })

      it('keep one of two tokens with one digest, and reject the other', async () => {
        await store.add(tokenOf(ANN, 1))
        const outcome = await store.add(tokenOf(BOB, 1)).then(
          () => 'added',
          () => 'rejected',
        )
        expect(outcome).to.equal('rejected')
        expect((await found(1))?.userId).to.equal('1')
      })

      it('keep owners of any text', async () => {
        for (const [at, userId] of ['6f1c1b1e-4c7f-4d0a-9a58-0b6f6b1f0a11', 'ü', "o'neil", 'A', 'a'].entries()) {
          await store.add(tokenOf({ purpose: 'expiring/bereich ü', userId }, at))
          expect(await found(at)).to.include({ purpose: 'expiring/bereich ü', userId })
        }
      })

      it('keep times far from now', async () => {
        await store.add(tokenOf(ANN, 1, { createdAt: 0, lastUsedAt: 0, expiresAt: 253402300799 }))
        expect(await found(1)).to.include({ createdAt: 0, lastUsedAt: 0, expiresAt: 253402300799 })
      })

      it('return to each of many lookups at once its own token', async () => {
        for (let at = 0; at < 20; at += 1) await store.add(tokenOf({ purpose: 'expiring', userId: `u${at}` }, at))
        const asked = Array.from({ length: 80 }, (_, at) => at % 25)
        const tokens = await Promise.all(asked.map(found))
        expect(tokens.map((token) => token?.userId)).to.deep.equal(
          asked.map((number) => (number < 20 ? `u${number}` : undefined)),
        )
      })

      it('keep each of many tokens that are added at once', async () => {
        const numbers = Array.from({ length: 40 }, (_, at) => at)
        const ids = await Promise.all(numbers.map((number) => store.add(tokenOf(number % 2 ? ANN : BOB, number))))
        expect(new Set(ids).size).to.equal(40)
        const kept = await Promise.all(numbers.map(found))
        expect(kept.map((token) => token?.id)).to.deep.equal(ids)
        expect(await store.list(ANN, NOW)).to.have.lengthOf(20)
      })
    })

    describe('addMissing', () => {
      it('adds what is not there, and says how many', async () => {
        await store.add(tokenOf(ANN, 1))
        const candidates = [tokenOf(BOB, 1), tokenOf(BOB, 2, { lastUsedAt: NOW - 1 }), tokenOf(ANN, 3)]
        expect(await store.addMissing(candidates)).to.equal(2)
        expect((await found(1))?.userId).to.equal('1')
        expect(await found(2)).to.include({ userId: '2', lastUsedAt: NOW - 1, expiresAt: NOW + 100 })
        expect(await store.addMissing(candidates)).to.equal(0)
        expect(await store.list(BOB, NOW)).to.have.lengthOf(1)
      })

      it('takes a token once that is named twice', async () => {
        expect(await store.addMissing([tokenOf(ANN, 1), tokenOf(ANN, 1)])).to.equal(1)
        expect(await store.list(ANN, NOW)).to.have.lengthOf(1)
      })

      it('takes none, and many', async () => {
        expect(await store.addMissing([])).to.equal(0)
        const many = Array.from({ length: 3000 }, (_, at) => tokenOf(ANN, at))
        expect(await store.addMissing(many)).to.equal(3000)
        expect(await there(0, 1499, 2999)).to.have.lengthOf(3)
        expect(await store.addMissing(many)).to.equal(0)
      })

      it('keeps one of each if two add the same ones at once', async () => {
        const many = Array.from({ length: 50 }, (_, at) => tokenOf(ANN, at))
        const added = await Promise.all([store.addMissing(many), store.addMissing(many.toReversed())])
        expect(added.reduce((sum, one) => sum + one)).to.equal(50)
        expect(await store.list(ANN, NOW)).to.have.lengthOf(50)
      })
    })

    describe('slide', () => {
      const to = { expiresAt: NOW + 200, lastUsedAt: NOW + 60, unusedSince: NOW }

      it('moves the end and the last use, and nothing else', async () => {
        const id = await store.add(tokenOf(ANN, 1))
        await store.add(tokenOf(ANN, 2))
        await store.slide(digestOf(1), to)
        const moved = { expiresAt: NOW + 200, lastUsedAt: NOW + 60 }
        expect(await found(1)).to.deep.equal({ ...LEFT_OUT, ...tokenOf(ANN, 1), id, ...moved })
        expect(await found(2)).to.include({ expiresAt: NOW + 100, lastUsedAt: null })
      })

      it('moves a token that was last used just then, and none that was used later', async () => {
        await store.add(tokenOf(ANN, 1, { lastUsedAt: NOW }))
        await store.add(tokenOf(ANN, 2, { lastUsedAt: NOW + 1 }))
        await store.slide(digestOf(1), to)
        await store.slide(digestOf(2), to)
        expect(await found(1)).to.include({ expiresAt: NOW + 200, lastUsedAt: NOW + 60 })
        expect(await found(2)).to.include({ expiresAt: NOW + 100, lastUsedAt: NOW + 1 })
      })

      it('never moves an end back', async () => {
        await store.add(tokenOf(ANN, 1, { expiresAt: NOW + 200 }))
        await store.add(tokenOf(ANN, 2, { expiresAt: NOW + 201 }))
        await store.slide(digestOf(1), to)
        await store.slide(digestOf(2), to)
        expect(await found(1)).to.include({ expiresAt: NOW + 200, lastUsedAt: NOW + 60 })
        expect(await found(2)).to.include({ expiresAt: NOW + 201, lastUsedAt: null })
      })

      it('moves an end back that is beyond the latest that there may be', async () => {
        await store.add(tokenOf(ANN, 1, { expiresAt: NOW + 250 }))
        await store.add(tokenOf(ANN, 2, { expiresAt: NOW + 251 }))
        await store.add(tokenOf(ANN, 3, { expiresAt: NOW + 251, lastUsedAt: NOW + 1 }))
        for (const number of [1, 2, 3]) await store.slide(digestOf(number), { ...to, latest: NOW + 250 })
        expect(await found(1)).to.include({ expiresAt: NOW + 250, lastUsedAt: null })
        expect(await found(2)).to.include({ expiresAt: NOW + 200, lastUsedAt: NOW + 60 })
        expect(await found(3)).to.include({ expiresAt: NOW + 251, lastUsedAt: NOW + 1 })
      })

      it('revives no token that was removed', async () => {
        await store.add(tokenOf(ANN, 1))
        await store.remove(digestOf(1))
        await store.slide(digestOf(1), to)
        expect(await found(1)).to.equal(null)
        expect(await store.list(ANN, NOW)).to.deep.equal([])
      })

      it('finds its token by the bytes of the digest', async () => {
        await store.add(tokenOf(ANN, 1))
        await store.slide(digestOf(1).toUpperCase(), to)
        expect(await found(1)).to.include({ expiresAt: NOW + 100, lastUsedAt: null })
      })
    })

    describe('remove', () => {
      it('takes one token away, and says whether it was there', async () => {
        await store.add(tokenOf(ANN, 1))
        await store.add(tokenOf(ANN, 2))
        expect(await store.remove(digestOf(1))).to.equal(true)
        expect(await store.remove(digestOf(1))).to.equal(false)
        expect(await there(1, 2)).to.deep.equal([2])
      })

      it('says so to one of many at once', async () => {
        await store.add(tokenOf(ANN, 1))
        const said = await Promise.all(Array.from({ length: 10 }, () => store.remove(digestOf(1))))
        expect(said.filter(Boolean)).to.have.lengthOf(1)
      })
    })

    describe('removeOne', () => {
      it('takes a user’s token away by its id', async () => {
        const id = await store.add(tokenOf(ANN, 1))
        await store.add(tokenOf(ANN, 2))
        expect(await store.removeOne(ANN, id)).to.equal(true)
        expect(await store.removeOne(ANN, id)).to.equal(false)
        expect(await there(1, 2)).to.deep.equal([2])
      })

      it('takes nothing away from another user, nor of another purpose', async () => {
        const id = await store.add(tokenOf(ANN, 1))
        expect(await store.removeOne(BOB, id)).to.equal(false)
        expect(await store.removeOne(STAFF_ANN, id)).to.equal(false)
        expect(await there(1)).to.deep.equal([1])
      })

      it('knows no id that is not written as it was given', async () => {
        const id = await store.add(tokenOf(ANN, 1))
        const others = [`0${id}`, `${id} `, ` ${id}`, `+${id}`, `${id}.0`, `${id}x`, `${id}e0`, '', '0', '-1', 'x', '%']
        for (const other of [...others, '2147483648', '9223372036854775808', '9'.repeat(400), '１', '\0']) {
          expect(await store.removeOne(ANN, other), JSON.stringify(other)).to.equal(false)
        }
        expect(await there(1)).to.deep.equal([1])
      })
    })

    describe('removeAll', () => {
      it('takes away all of one user and purpose, live or expired', async () => {
        for (const [at, owner] of [ANN, ANN, BOB, STAFF_ANN].entries()) await store.add(tokenOf(owner, at))
        await store.add(tokenOf(ANN, 4, { expiresAt: NOW - 1 }))
        await store.removeAll(ANN)
        expect(await there(0, 1, 2, 3, 4)).to.deep.equal([2, 3])
        await store.removeAll(ANN)
        expect(await there(2, 3)).to.deep.equal([2, 3])
      })

      it('takes users and purposes as they are written', async () => {
        const owners = [
          { purpose: 'expiring', userId: 'a' },
          { purpose: 'expiring', userId: 'A' },
          { purpose: 'expiring', userId: 'a ' },
          { purpose: 'expiring', userId: 'á' },
          { purpose: 'Expiring', userId: 'a' },
        ]
        for (const [at, owner] of owners.entries()) await store.add(tokenOf(owner, at))
        await store.removeAll({ purpose: 'expiring', userId: 'a' })
        expect(await there(0, 1, 2, 3, 4)).to.deep.equal([1, 2, 3, 4])
      })
    })

    describe('an owner', () => {
      it('is another one with blanks at the end, in every method that takes one', async () => {
        const owners = ['ann', 'ann ', 'ann  '].flatMap((userId) =>
          ['expiring/a', 'expiring/a '].map((purpose) => ({ purpose, userId })),
        )
        const ids: string[] = []
        for (const [at, owner] of owners.entries()) {
          ids.push(await store.add(tokenOf(owner, at)))
          await store.add(tokenOf(owner, at + 10, { expiresAt: NOW }))
        }
        for (const [at, owner] of owners.entries()) {
          expect((await store.list(owner, NOW)).map(({ id }) => id)).to.deep.equal([ids[at]])
          await store.removeSurplus(owner, 1, NOW)
          expect(await store.removeOne(owner, ids[(at + 1) % ids.length] ?? '')).to.equal(false)
          expect(await store.removeExpired(owner, NOW, 10)).to.equal(1)
          await store.add(tokenOf(owner, at + 10, { expiresAt: NOW }))
        }
        expect(await store.removeExpired({ purpose: 'expiring/a ' }, NOW, 10)).to.equal(3)
        expect(await there(0, 1, 2, 3, 4, 5)).to.have.lengthOf(6)
        await store.removeAll({ purpose: 'expiring/a', userId: 'ann ' })
        expect(await there(0, 1, 2, 3, 4, 5)).to.deep.equal([0, 1, 3, 4, 5])
      })
    })

    describe('removeSurplus', () => {
      it('keeps the newest of a user that live', async () => {
        for (const number of [1, 2, 3, 4]) await store.add(tokenOf(ANN, number, { expiresAt: NOW + 10 - number }))
        await store.add(tokenOf(BOB, 5))
        await store.add(tokenOf(STAFF_ANN, 6))
        await store.removeSurplus(ANN, 2, NOW)
        expect(await there(1, 2, 3, 4, 5, 6)).to.deep.equal([3, 4, 5, 6])
      })

      it('does not count what has expired', async () => {
        await store.add(tokenOf(ANN, 1))
        await store.add(tokenOf(ANN, 2, { expiresAt: NOW }))
        await store.add(tokenOf(ANN, 3, { expiresAt: NOW + 1 }))
        await store.removeSurplus(ANN, 2, NOW)
        expect(await there(1, 2, 3)).to.deep.equal([1, 2, 3])
        await store.removeSurplus(ANN, 1, NOW)
        expect(await there(1, 2, 3)).to.deep.equal([2, 3])
      })

      it('takes away as many as there are', async () => {
        await store.addMissing(Array.from({ length: 2500 }, (_, at) => tokenOf(ANN, at)))
        await store.removeSurplus(ANN, 3, NOW)
        expect((await store.list(ANN, NOW)).map(({ digest }) => digest)).to.deep.equal([2499, 2498, 2497].map(digestOf))
      })
    })

    describe('removeExpired', () => {
      it('takes away what is over at that second, of one user', async () => {
        await store.add(tokenOf(ANN, 1, { expiresAt: NOW - 1 }))
        await store.add(tokenOf(ANN, 2, { expiresAt: NOW }))
        await store.add(tokenOf(ANN, 3, { expiresAt: NOW + 1 }))
        await store.add(tokenOf(BOB, 4, { expiresAt: NOW }))
        await store.add(tokenOf(STAFF_ANN, 5, { expiresAt: NOW }))
        expect(await store.removeExpired(ANN, NOW, 10)).to.equal(2)
        expect(await there(1, 2, 3, 4, 5)).to.deep.equal([3, 4, 5])
      })

      it('takes away that of all users of one purpose', async () => {
        for (const [at, owner] of [ANN, BOB, STAFF_ANN].entries())
          await store.add(tokenOf(owner, at, { expiresAt: NOW }))
        expect(await store.removeExpired({ purpose: 'expiring' }, NOW, 10)).to.equal(2)
        expect(await there(0, 1, 2)).to.deep.equal([2])
      })

      it('takes away no more than it may', async () => {
        for (const number of [1, 2, 3]) await store.add(tokenOf(ANN, number, { expiresAt: NOW }))
        expect(await store.removeExpired(ANN, NOW, 2)).to.equal(2)
        expect(await there(1, 2, 3)).to.have.lengthOf(1)
        expect(await store.removeExpired(ANN, NOW, 2)).to.equal(1)
        expect(await store.removeExpired(ANN, NOW, 2)).to.equal(0)
      })
    })

    describe('list', () => {
      it('shows what lives of one user and purpose, newest first', async () => {
        for (const number of [1, 2, 3]) await store.add(tokenOf(ANN, number, { expiresAt: NOW + number - 1 }))
        await store.add(tokenOf(BOB, 4))
        await store.add(tokenOf(STAFF_ANN, 5))
        expect((await store.list(ANN, NOW)).map(({ digest }) => digest)).to.deep.equal([digestOf(3), digestOf(2)])
        expect(await store.list({ ...ANN, userId: '3' }, NOW)).to.deep.equal([])
      })

      it('shows no more than it is asked for, and 1000 by default', async () => {
        await store.addMissing(Array.from({ length: 1002 }, (_, at) => tokenOf(ANN, at)))
        const digests = async (most?: number) => (await store.list(ANN, NOW, most)).map(({ digest }) => digest)
        expect(await digests(2)).to.deep.equal([digestOf(1001), digestOf(1000)])
        expect(await digests(5000)).to.have.lengthOf(1002)
        expect(await digests()).to.have.lengthOf(1000)
        expect((await digests())[0]).to.equal(digestOf(1001))
      })

      it('shows what find shows', async () => {
        await store.add(tokenOf(ANN, 1, { lastUsedAt: NOW - 1 }))
        expect(await store.list(ANN, NOW)).to.deep.equal([await found(1)])
      })

      it('keeps the order in which tokens were made, also after a slide', async () => {
        for (const number of [1, 2]) await store.add(tokenOf(ANN, number))
        await store.slide(digestOf(1), { expiresAt: NOW + 500, lastUsedAt: NOW + 60, unusedSince: NOW })
        expect((await store.list(ANN, NOW)).map(({ digest }) => digest)).to.deep.equal([digestOf(2), digestOf(1)])
      })
    })
  })
}
