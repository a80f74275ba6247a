import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { batchedUsers, type BatchedUsersOptions, type User, type UserStore } from 'koa-tokenapi'
import { createUserTable } from 'koa-tokenapi/knex'
import { Pool } from 'pg'
import { DeadlineExceeded } from '../../lib/deadline.js'
import { ContractViolation } from '../../lib/errors.js'
import { behavesLikeAUserStore, PEOPLE } from '../support/user-store.contract.js'
import { onEachDatabase, POSTGRES_URL } from '../support/databases.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const UUID = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'

type Ids = readonly (number | bigint | string)[]

const ann: User = { id: 1, username: 'ann', password: 'hash of ann', isActive: true, tokenEpoch: 0 }
const bob: User = { id: 2, username: 'bob', password: 'hash of bob', isActive: false, tokenEpoch: 3 }

/** Queries on two rows, which keep what they were asked for. */
function recorded(rows: readonly object[] = [ann, bob]) {
  const asked: { ids: Ids[]; names: (readonly string[])[] } = { ids: [], names: [] }
  const queries = {
    findByIds: async (ids: Ids) => {
      asked.ids.push(ids)
      return rows as readonly User[]
    },
    findByUsernames: async (names: readonly string[]) => {
      asked.names.push(names)
      return rows as readonly User[]
    },
  }
  return { asked, queries }
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  )
}

/** The user of one row. */
async function userOf(row: object, more: Partial<BatchedUsersOptions<User>> = {}): Promise<User | null> {
  return batchedUsers<User>({ ...recorded([row]).queries, ...more }).findById('1')
}

const changeOne = async (): Promise<number> => 1

describe('batchedUsers', () => {
  describe('as in docs/stores.md', () => {
    let folder: string
    let pgUsers: (pool: Pool) => UserStore

    before(async () => {
      const page = await readFile(join(ROOT, 'docs/stores.md'), 'utf8')
      const [, example = ''] = /^```ts\n(.*?)^```$/ms.exec(page) ?? []
      expect(example.split('\n').length).to.be.below(31)
      // Inside the project, so that 'koa-tokenapi' is found there as a user finds it.
      await mkdir(join(ROOT, '.tmp'), { recursive: true })
      folder = await mkdtemp(join(ROOT, '.tmp', 'stores-'))
      const file = join(folder, 'example.ts')
      await writeFile(file, example)
      ;({ pgUsers } = (await import(pathToFileURL(file).href)) as { pgUsers: typeof pgUsers }) // as the page has it
    })
    after(() => rm(folder, { recursive: true }))

    onEachDatabase((db, name) => {
      if (name !== 'PostgreSQL') return
      let pool: Pool
      before(async () => {
        const found = await db().raw<{ rows: readonly [{ schema: string }] }>('select current_schema() as schema')
        pool = new Pool({ connectionString: POSTGRES_URL, options: `-c search_path=${found.rows[0].schema}` })
      })
      after(() => pool.end())

      behavesLikeAUserStore(async () => {
        await db().schema.dropTableIfExists('users')
        await createUserTable(db())
        await db()('users').insert(
          PEOPLE.map(({ username, password, isActive, tokenEpoch }, at) => ({
            id: at + 1,
            username,
            password,
            is_active: isActive,
            token_epoch: tokenEpoch,
          })),
        )
        const strangers = ['4', '0', '-1', '01', '+1', '1.0', '1e0', ' 1', '1 ', '1abc', '0x1', '２', '2147483648', '']
        return { store: pgUsers(pool), ids: ['1', '2', '3'], strangers }
      })
    })
  })

  describe('queries', () => {
    it('are one for all lookups of a tick, with ids of the table’s type', async () => {
      const { asked, queries } = recorded()
      const store = batchedUsers(queries)
      const found = await Promise.all(['1', '2', '1', '3'].map((id) => store.findById(id)))
      expect(found.map((user) => user?.username)).to.deep.equal(['ann', 'bob', 'ann', undefined])
      expect(asked.ids).to.deep.equal([[1, 2, 3]])
      expect(found[0]).not.to.equal(found[2])

      const named = await Promise.all(['bob', 'cyd', 'bob'].map((name) => store.findByUsername(name)))
      expect(named.map((user) => user?.id)).to.deep.equal([2, undefined, 2])
      expect(asked.names).to.deep.equal([['bob', 'cyd']])
    })

    it('get bigints, dashed UUIDs and text for other tables', async () => {
      const big = recorded([{ ...ann, id: '9223372036854775807' }])
      const user = await batchedUsers({ ...big.queries, id: 'bigint' }).findById('9223372036854775807')
      expect(user?.id).to.equal(9223372036854775807n)
      expect(big.asked.ids).to.deep.equal([[9223372036854775807n]])

      const uuid = recorded([{ ...ann, id: UUID.replaceAll('-', '').toUpperCase() }])
      expect((await batchedUsers({ ...uuid.queries, id: 'uuid' }).findById(UUID))?.id).to.equal(UUID)
      expect(uuid.asked.ids).to.deep.equal([[UUID]])

      const text = recorded([{ ...ann, id: 'a-1' }])
      expect((await batchedUsers({ ...text.queries, id: 'text' }).findById('a-1'))?.id).to.equal('a-1')
      expect(text.asked.ids).to.deep.equal([['a-1']])
    })

    it('are not made for a text that is no canonical id or name', async () => {
      const { asked, queries } = recorded()
      const store = batchedUsers({ ...queries, bumpEpoch: async () => 1 })
      for (const id of ['', '0', '01', '1abc', ' 1', '1.0', '-1', '2147483648', '\0', '\ud800']) {
        expect(await store.findById(id), JSON.stringify(id)).to.equal(null)
        expect(await rejection(store.bumpEpoch?.(id) ?? Promise.resolve())).to.have.property(
          'code',
          'ERR_USER_NOT_FOUND',
        )
      }
      for (const name of ['', 'a\0', 'ａnn', '\ud800', 'x'.repeat(255)]) {
        expect(await store.findByUsername(name), JSON.stringify(name)).to.equal(null)
      }
      expect(await batchedUsers({ ...queries, id: 'text' }).findById('a\0')).to.equal(null)
      expect(asked).to.deep.equal({ ids: [], names: [] })
    })

    it('that fail for a reason of their own are not repeated', async () => {
      let times = 0
      const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
      for (const error of [refused, new Error('the ORM failed', { cause: refused })]) {
        times = 0
        const findByIds = async (): Promise<never> => {
          times += 1
          throw error
        }
        const store = batchedUsers({ ...recorded().queries, findByIds })
        const found = await Promise.allSettled(['1', '2', '3', '4'].map((id) => store.findById(id)))
        expect(found.map((one) => one.status === 'rejected' && one.reason === error)).to.deep.equal([
          true,
          true,
          true,
          true,
        ])
        expect(times).to.equal(1)
      }
    })

    it('that throw for one id harm no other one', async () => {
      const store = batchedUsers({
        ...recorded([{ ...ann, id: 'a' }]).queries,
        id: 'text',
        async findByIds(ids) {
          if (ids.includes('bad')) throw new Error('not an ObjectId')
          return [{ ...ann, id: 'a' }]
        },
      })
      const found = await Promise.allSettled(['a', 'b', 'bad', 'c'].map((id) => store.findById(id)))
      expect(found.map(({ status }) => status)).to.deep.equal(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
      expect(found[0]).to.have.nested.property('value.username', 'ann')
    })

    it('that hang are given up, with their signal aborted', async () => {
      const signals: AbortSignal[] = []
      const store = batchedUsers({
        ...recorded().queries,
        timeout: 0.01,
        findByIds: (_ids, { signal }) => {
          signals.push(signal)
          return new Promise<never>(() => undefined)
        },
      })
      const outcomes = await Promise.all([rejection(store.findById('1')), rejection(store.findById('2'))])
      for (const outcome of outcomes) expect(outcome).to.be.instanceOf(DeadlineExceeded)
      expect(signals.map((signal) => signal.aborted)).to.deep.equal([true])
    })

    onEachDatabase((db, name) => {
      if (name !== 'MariaDB') return
      it('find no user by a name that the column cannot hold, and all others beside it', async () => {
        await db().raw(`create table people (id int primary key, username varchar(50) character set latin1 not null,
          password varchar(255))`)
        await db()('people').insert({ id: 1, username: 'ann', password: 'hash of ann' })
        const query = async (column: string, values: readonly unknown[]): Promise<readonly User[]> =>
          db()('people')
            .whereIn(column, values as string[])
            .catch((cause: unknown) => {
              throw new Error('the ORM failed', { cause })
            })
        const store = batchedUsers({
          findByIds: (ids) => query('id', ids),
          findByUsernames: (names) => query('username', names),
        })
        const found = await Promise.all(['ann', '用户', 'bob', '💡'].map((one) => store.findByUsername(one)))
        expect(found.map((user) => user?.id)).to.deep.equal([1, undefined, undefined, undefined])
      })
    })
  })

  describe('rows', () => {
    it('of a class are taken as plain objects if their values are their own', async () => {
      class Entity {
        id = 1
        username = 'ann'
        password = 'hash of ann'
      }
      const user = await userOf(new Entity())
      expect(user).to.deep.include({ id: 1, username: 'ann' })
      expect(user?.password).to.equal('hash of ann')
      expect(JSON.stringify(user)).to.equal('{"id":1,"username":"ann"}')
    })

    it('whose values stand elsewhere are an internal error, never a user without a password', async () => {
      class Model {
        readonly #values = { id: 1, username: 'ann', password: 'hash of ann' }
        get id(): number {
          return this.#values.id
        }
        get username(): string {
          return this.#values.username
        }
        get password(): string {
          return this.#values.password
        }
      }
      const error = await rejection(userOf(new Model()))
      expect(error).to.be.instanceOf(ContractViolation).with.property('message').that.includes('plain objects')
    })

    it('must have what the writes change', async () => {
      const { tokenEpoch: _epoch, ...withoutEpoch } = ann
      expect(await rejection(userOf(withoutEpoch, { bumpEpoch: changeOne })))
        .to.be.instanceOf(ContractViolation)
        .with.property('message', 'a row has no tokenEpoch, which bumpEpoch writes')
      expect(await rejection(userOf(ann, { bumpEpoch: changeOne, appendEndedLogin: changeOne })))
        .to.be.instanceOf(ContractViolation)
        .with.property('message', 'a row has no endedLogins, which appendEndedLogin writes')
      expect(await userOf({ ...ann, tokenEpoch: null }, { bumpEpoch: changeOne })).to.have.property('tokenEpoch', null)
    })

    it('must have the names of a user', async () => {
      expect(await rejection(userOf({ ...ann, isActive: undefined, is_active: false }))).to.be.instanceOf(
        ContractViolation,
      )
      expect(await rejection(userOf({ id: 1, username: 'ann' }))).to.be.instanceOf(ContractViolation)
    })

    it('with an id of another type are an internal error', async () => {
      const store = batchedUsers(recorded([{ ...ann, id: 0 }]).queries)
      expect(await rejection(store.findByUsername('ann'))).to.have.property('code', 'ERR_SCHEMA')
    })

    it('must be a list', async () => {
      for (const rows of [null, undefined, ann, [null], { rows: [ann] }]) {
        const store = batchedUsers({ ...recorded().queries, findByIds: async () => rows as unknown as readonly User[] }) // wrong on purpose
        expect(await rejection(store.findById('1'))).to.be.instanceOf(ContractViolation)
      }
    })
  })

  describe('writes', () => {
    it('that change no row are an unknown user', async () => {
      for (const [result, isKnown] of [
        [0, false],
        [1, true],
        [undefined, true],
      ] as const) {
        const write = async (): Promise<number | void> => result
        const store = batchedUsers({ ...recorded().queries, bumpEpoch: write, appendEndedLogin: write })
        for (const call of [() => store.bumpEpoch?.('1'), () => store.appendEndedLogin?.('1', 'a:1', 100)]) {
          const outcome: unknown = await Promise.resolve(call()).catch((error: unknown) => error)
          if (isKnown) expect(outcome).to.equal(undefined)
          else expect(outcome).to.have.property('code', 'ERR_USER_NOT_FOUND')
        }
      }
    })

    it('are only there if they were given, and get ids of the table’s type', async () => {
      expect(Object.keys(batchedUsers(recorded().queries))).to.deep.equal(['findById', 'findByUsername'])
      const calls: unknown[] = []
      const store = batchedUsers({
        ...recorded().queries,
        bumpEpoch: async (...call) => void calls.push(call),
        appendEndedLogin: async (...call) => void calls.push(call),
        dropEndedLogins: async (...call) => calls.push(call),
      })
      await store.bumpEpoch?.('7')
      await store.appendEndedLogin?.('7', 'a:1', 100)
      await store.dropEndedLogins?.('7', 'a:1', null)
      await store.dropEndedLogins?.('07', 'a:1', null)
      expect(calls).to.deep.equal([[7], [7, 'a:1', 100], [7, 'a:1', null]])
    })
  })

  it('takes no wrong options', () => {
    const { queries } = recorded()
    const wrong: Readonly<Record<string, object>> = {
      findByIds: { findByUsernames: queries.findByUsernames },
      findByUsernames: { findByIds: queries.findByIds },
      bumpEpoch: { ...queries, bumpEpoch: 1 },
      'appendEndedLogin needs bumpEpoch': { ...queries, appendEndedLogin: async () => 1 },
      dropEndedLogins: { ...queries, dropEndedLogins: null },
      id: { ...queries, id: 'int' },
      timeout: { ...queries, timeout: 0 },
    }
    for (const [message, options] of Object.entries(wrong)) {
      expect(() => batchedUsers(options as BatchedUsersOptions<User>), message).to.throw(TypeError, message) // wrong on purpose
    }
  })
})
