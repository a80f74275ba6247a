import { expect } from 'chai'
import type { UserStore } from 'koa-tokenapi'

/** A store with Ann (active), Bob (disabled) and Cyd (no password), and ids that none of them has. */
export interface FilledStore {
  readonly store: UserStore
  /** The ids of Ann, Bob and Cyd, as text. */
  readonly ids: readonly [string, string, string]
  /** Ids of no user, however a database may read them. */
  readonly strangers: readonly string[]
}

/** The three rows, without their ids. */
export const PEOPLE = [
  { username: 'ann', password: 'hash of ann', isActive: true, tokenEpoch: 0 },
  { username: 'bob', password: 'hash of bob', isActive: false, tokenEpoch: 3 },
  { username: 'cyd', password: null, isActive: true, tokenEpoch: 0 },
] as const

/** Names of no user, which some database takes for 'ann' or for '1'. */
export const UNKNOWN_NAMES = ['ANN', 'Ann', 'ann ', ' ann', 'ánn', 'ａnn', 'dan', '', '0', "ann' or '1'='1"]

/** What every user store promises that can raise epochs and end single logins. `fill` makes a new one for each spec. */
export function behavesLikeAUserStore(fill: () => Promise<FilledStore>): void {
  describe('behaves like a user store', () => {
    it('finds a user by id', async () => {
      const { store, ids } = await fill()
      const [ann, bob, cyd] = await Promise.all(ids.map((id) => store.findById(id)))
      expect([ann, bob, cyd].map((user) => String(user?.id))).to.deep.equal(ids)
      expect([ann, bob, cyd].map((user) => user?.username)).to.deep.equal(['ann', 'bob', 'cyd'])
      expect([ann, bob, cyd].map((user) => user?.password)).to.deep.equal(['hash of ann', 'hash of bob', null])
    })

    it('finds the same user by name', async () => {
      const { store, ids } = await fill()
      const ann = await store.findByUsername('ann')
      expect(ann).to.deep.equal(await store.findById(ids[0]))
      expect(ann?.password).to.equal('hash of ann')
    })

    it('finds a disabled user too, and says so', async () => {
      const { store, ids } = await fill()
      const bob = await store.findById(ids[1])
      expect(Boolean(bob?.isActive)).to.equal(false)
      expect(bob?.tokenEpoch).to.equal(3)
    })

    it('finds no user by an id that is not exactly one of its own', async () => {
      const { store, strangers } = await fill()
      const found = await Promise.all(strangers.map((id) => store.findById(id)))
      expect(strangers.filter((_, at) => found[at] !== null)).to.deep.equal([])
    })

    it('finds no user by a name that is only nearly the same', async () => {
      const { store } = await fill()
      for (const name of UNKNOWN_NAMES) {
        const user = await store.findByUsername(name)
        expect(user?.username, JSON.stringify(name)).to.equal(undefined)
      }
    })

    it('gives each lookup an object of its own', async () => {
      const { store, ids } = await fill()
      const [first, second] = await Promise.all([store.findById(ids[0]), store.findById(ids[0])])
      expect(first).to.deep.equal(second)
      if (first !== null) Object.assign(first, { username: 'changed', password: 'changed' })
      expect([second?.username, second?.password]).to.deep.equal(['ann', 'hash of ann'])
      const third = await store.findById(ids[0])
      expect([third?.username, third?.password]).to.deep.equal(['ann', 'hash of ann'])
    })

    it('keeps the password out of JSON, copies and key lists', async () => {
      const { store, ids } = await fill()
      for (const user of [await store.findById(ids[0]), await store.findByUsername('ann')]) {
        expect(user?.password).to.equal('hash of ann')
        expect(Object.keys(user ?? {}))
          .to.include('username')
          .and.not.include('password')
        const json = JSON.stringify(user, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))
        expect(json).to.include('ann').and.not.include('hash of')
        expect({ ...user }).not.to.have.property('password')
      }
    })

    it('serves many lookups at once, each with its own user', async () => {
      const { store, ids } = await fill()
      const asked = Array.from({ length: 60 }, (_, at) => ids[at % 3] ?? '')
      const found = await Promise.all(asked.map((id) => store.findById(id)))
      expect(found.map((user) => String(user?.id))).to.deep.equal(asked)
    })

    it('raises the epoch of one user, which the next lookup sees', async () => {
      const { store, ids } = await fill()
      await bumping(store)(ids[0])
      await bumping(store)(ids[1])
      const users = await Promise.all(ids.map((id) => store.findById(id)))
      expect(users.map((user) => user?.tokenEpoch)).to.deep.equal([1, 4, 0])
    })

    it('counts each of many bumps at once', async () => {
      const { store, ids } = await fill()
      await Promise.all(Array.from({ length: 20 }, () => bumping(store)(ids[1])))
      expect((await store.findById(ids[1]))?.tokenEpoch).to.equal(23)
    })

    it('rejects a bump for an unknown user', async () => {
      const { store, strangers, ids } = await fill()
      for (const id of strangers) {
        const outcome = await bumping(store)(id).then(
          () => 'bumped',
          () => 'rejected',
        )
        expect(outcome, JSON.stringify(id)).to.equal('rejected')
      }
      const users = await Promise.all(ids.map((id) => store.findById(id)))
      expect(users.map((user) => user?.tokenEpoch)).to.deep.equal([0, 3, 0])
    })

    describe('ended logins', () => {
      const MOST = 8191

      it('are shown with every row, null at first', async () => {
        const filled = await fill()
        for (const user of [await filled.store.findById(filled.ids[0]), await filled.store.findByUsername('ann')]) {
          expect(user).to.have.own.property('endedLogins', null)
        }
      })

      it('are appended to one user, with one space between', async () => {
        const filled = await fill()
        const { append } = ending(filled.store)
        await append(filled.ids[0], 'aaaaaaaaaa:1', MOST)
        await append(filled.ids[0], "b'\\bbbbbb;--:2", MOST)
        await append(filled.ids[1], 'cccccccccc:3', MOST)
        expect(await shown(filled)).to.deep.equal([
          ["aaaaaaaaaa:1 b'\\bbbbbb;--:2", 0],
          ['cccccccccc:3', 3],
          [null, 0],
        ])
      })

      it('fill the text to its last character, and end all logins by the epoch beyond it', async () => {
        const filled = await fill()
        const { append } = ending(filled.store)
        const [ann, bob, cyd] = filled.ids
        for (const [id, most] of [
          [ann, 25],
          [bob, 24],
        ] as const) {
          await append(id, 'aaaaaaaaaa:1', most)
          await append(id, 'bbbbbbbbbb:2', most)
        }
        await append(cyd, 'aaaaaaaaaa:1', 11)
        expect(await shown(filled)).to.deep.equal([
          ['aaaaaaaaaa:1 bbbbbbbbbb:2', 0],
          [null, 4],
          [null, 1],
        ])
        await append(bob, 'cccccccccc:3', 24)
        expect((await shown(filled))[1]).to.deep.equal(['cccccccccc:3', 4])
      })

      it('lose none of 200 that are appended at once', async () => {
        const filled = await fill()
        const entries = Array.from({ length: 200 }, (_, at) => `${String(at).padStart(10, '0')}:${at}`)
        const { append } = ending(filled.store)
        await Promise.all(entries.map((entry) => append(filled.ids[0], entry, MOST)))
        const ann = await filled.store.findById(filled.ids[0])
        expect(ann?.endedLogins?.split(' ').toSorted()).to.deep.equal(entries)
        expect(ann?.tokenEpoch).to.equal(0)
      })

      it('reject an entry for an unknown user', async () => {
        const { store, strangers } = await fill()
        for (const id of strangers) {
          const outcome = await ending(store)
            .append(id, 'aaaaaaaaaa:1', MOST)
            .then(
              () => 'appended',
              () => 'rejected',
            )
          expect(outcome, JSON.stringify(id)).to.equal('rejected')
        }
      })

      it('are replaced only if they still are what they were', async () => {
        const filled = await fill()
        const { append, drop } = ending(filled.store)
        const [ann, bob] = filled.ids
        for (const id of [ann, bob]) await append(id, 'aaaaaaaaaa:1', MOST)
        for (const other of [
          '',
          'AAAAAAAAAA:1',
          'aaaaaaaaaa:1 ',
          ' aaaaaaaaaa:1',
          'aaaaaaaaaa:',
          'áaaaaaaaaa:1',
          '%',
        ]) {
          await drop(ann, other, 'bbbbbbbbbb:2')
        }
        expect((await shown(filled)).slice(0, 2)).to.deep.equal([
          ['aaaaaaaaaa:1', 0],
          ['aaaaaaaaaa:1', 3],
        ])
        await drop(ann, 'aaaaaaaaaa:1', 'bbbbbbbbbb:2')
        await drop(bob, 'aaaaaaaaaa:1', null)
        await drop(bob, 'aaaaaaaaaa:1', 'bbbbbbbbbb:2')
        expect((await shown(filled)).slice(0, 2)).to.deep.equal([
          ['bbbbbbbbbb:2', 0],
          [null, 3],
        ])
      })
    })
  })
}

function bumping(store: UserStore): (id: string) => Promise<void> {
  return async (id) => {
    if (store.bumpEpoch === undefined) throw new Error('the store has no bumpEpoch')
    await store.bumpEpoch(id)
  }
}

/** What Ann, Bob and Cyd show: their ended logins and epochs. */
async function shown({ store, ids }: FilledStore): Promise<unknown[]> {
  const users = await Promise.all(ids.map((id) => store.findById(id)))
  return users.map((user) => [user?.endedLogins, user?.tokenEpoch])
}

function ending(store: UserStore) {
  return {
    append: async (id: string, entry: string, most: number): Promise<void> => {
      if (store.appendEndedLogin === undefined) throw new Error('the store has no appendEndedLogin')
      await store.appendEndedLogin(id, entry, most)
    },
    drop: async (id: string, from: string, to: string | null): Promise<void> => {
      if (store.dropEndedLogins === undefined) throw new Error('the store has no dropEndedLogins')
      await store.dropEndedLogins(id, from, to)
    },
  }
}
