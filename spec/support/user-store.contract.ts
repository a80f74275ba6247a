import { expect } from 'chai'
import type { UserStore } from 'koa-tokenapi'

/** A store that holds Ann (active), Bob (disabled) and Cyd (no password), and what nobody in it is called. */
export interface FilledStore {
  readonly store: UserStore
  /** The ids of Ann, Bob and Cyd, as text. */
  readonly ids: readonly [string, string, string]
  /** Ids that nobody has, however a database may read them. */
  readonly strangers: readonly string[]
}

/** The three rows, without their ids. */
export const PEOPLE = [
  { username: 'ann', password: 'hash of ann', isActive: true, tokenEpoch: 0 },
  { username: 'bob', password: 'hash of bob', isActive: false, tokenEpoch: 3 },
  { username: 'cyd', password: null, isActive: true, tokenEpoch: 0 },
] as const

/** Texts that some database takes for 'ann' or for '1'. */
export const NAMES_OF_NOBODY = ['ANN', 'Ann', 'ann ', ' ann', 'ánn', 'ａnn', 'dan', '', '0', "ann' or '1'='1"]

/** What every user store promises. `fill` makes a new one for each spec. */
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

    it('has nobody under an id that is not exactly one of its own', async () => {
      const { store, strangers } = await fill()
      const found = await Promise.all(strangers.map((id) => store.findById(id)))
      expect(strangers.filter((_, at) => found[at] !== null)).to.deep.equal([])
    })

    it('has nobody under a name that is only nearly the same', async () => {
      const { store } = await fill()
      for (const name of NAMES_OF_NOBODY) {
        const user = await store.findByUsername(name)
        expect(user?.username, JSON.stringify(name)).to.equal(undefined)
      }
    })

    it('gives each look-up an object of its own', async () => {
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

    it('answers many look-ups at once, each with its own', async () => {
      const { store, ids } = await fill()
      const asked = Array.from({ length: 60 }, (_, at) => ids[at % 3] ?? '')
      const found = await Promise.all(asked.map((id) => store.findById(id)))
      expect(found.map((user) => String(user?.id))).to.deep.equal(asked)
    })

    it('raises the epoch of one user, which the next look-up sees', async () => {
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

    it('rejects a bump for nobody', async () => {
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
  })
}

function bumping(store: UserStore): (id: string) => Promise<void> {
  return async (id) => {
    if (store.bumpEpoch === undefined) throw new Error('the store has no bumpEpoch')
    await store.bumpEpoch(id)
  }
}
