import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import knex, { type Knex } from 'knex'
import { createUserTable, type IdColumn, knexUsers } from 'koa-tokenapi/knex'
import { type Database, onEachDatabase } from '../../support/databases.js'
import { behavesLikeAUserStore, PEOPLE } from '../../support/user-store.contract.js'

const NO_INTEGERS = [
  ['', '0', '-0', '-1', '01', '+1', ' 1', '1 ', '1\n', '1.0', '1.', '1e0', '1E0', '0x1', '1_0', '1,2', '1abc', 'abc'],
  ['1\0', '1\0x', '１', '١', '1.5', 'NaN', 'Infinity', 'null', 'true', '[1]', '[object Object]', "1' or '1'='1", '1--'],
  ['9223372036854775808', '18446744073709551617', '12345678901234567890', '9'.repeat(400)],
].flat()

const UUID = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'
const UUIDS = [UUID, '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5c', 'ffffffff-ffff-4fff-bfff-ffffffffffff'] as const
const NO_UUIDS = [
  ['', '1', UUID.toUpperCase(), `{${UUID}}`, `urn:uuid:${UUID}`, UUID.replaceAll('-', ''), ` ${UUID}`, `${UUID} `],
  ['0190-a1b2-c3d4-7e5f-8a9b-0c1d-2e3f-4a5b', '0190a1b2c3d4-7e5f-8a9b-0c1d2e3f4a5b', UUID.slice(0, -1), `${UUID}0`],
  [UUID.replace('b', 'B'), UUID.replaceAll('-', '–'), '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5g', randomUUID()],
].flat()

interface IdCase {
  readonly type: IdColumn
  readonly named: string
  readonly column: (table: Knex.CreateTableBuilder, name: Database['name']) => unknown
  readonly ids: readonly [string, string, string]
  readonly strangers: readonly string[]
  readonly stored?: (id: string) => string
  readonly only?: readonly Database['name'][]
}

const ID_CASES: readonly IdCase[] = [
  {
    type: 'integer',
    named: 'integers',
    column: (table) => table.integer('id').primary(),
    ids: ['1', '2', '2147483647'],
    strangers: [...NO_INTEGERS, '3', '2147483648', '4294967297'],
  },
  {
    type: 'bigint',
    named: 'big integers',
    column: (table) => table.bigInteger('id').primary(),
    ids: ['1', '9007199254740993', '9223372036854775807'],
    strangers: [...NO_INTEGERS, '2', '9007199254740992', '9007199254740994', '9223372036854775806'],
  },
  {
    type: 'uuid',
    named: 'UUIDs of the database (text with dashes where it has no such type)',
    column: (table) => table.uuid('id').primary(),
    ids: UUIDS,
    strangers: NO_UUIDS,
  },
  {
    type: 'uuid',
    named: 'UUIDs without dashes, as Django keeps them',
    column: (table) => table.specificType('id', 'char(32)').primary(),
    ids: UUIDS,
    strangers: NO_UUIDS,
    stored: (id) => id.replaceAll('-', ''),
    only: ['SQLite', 'MariaDB'],
  },
  {
    type: 'uuid',
    named: "UUIDs of MariaDB's own type",
    column: (table) => table.specificType('id', 'uuid').primary(),
    ids: UUIDS,
    strangers: NO_UUIDS,
    only: ['MariaDB'],
  },
  {
    type: 'text',
    named: 'texts',
    column: (table) => table.string('id', 100).primary(),
    ids: ['a-1', '1', 'ünï'],
    strangers: ['', 'A-1', 'a-1 ', ' a-1', 'á-1', 'a-1\0', 'a', '01', '1.0', 'uni', 'ÜNÏ', 'ü'.repeat(255), '😀'],
  },
]

let tables = 0
function newTableName(): string {
  tables += 1
  return `people_${tables}`
}

describe('knexUsers', () => {
  onEachDatabase((db, name) => {
    for (const { type, named, column, ids, strangers, stored = (id: string) => id, only } of ID_CASES) {
      if (only !== undefined && !only.includes(name)) continue
      describe(`with ${named} as ids`, () => {
        const table = newTableName()
        before(() =>
          db().schema.createTable(table, (columns) => {
            column(columns, name)
            userColumns(columns)
          }),
        )
        behavesLikeAUserStore(async () => {
          await db()(table).delete()
          await db()(table).insert(PEOPLE.map((person, at) => ({ id: stored(ids[at] ?? ''), ...rowOf(person) })))
          return { store: knexUsers(db(), { table, id: type }), ids, strangers }
        })
      })
    }

    describe('its queries', () => {
      const table = newTableName()
      before(async () => {
        await createUserTable(db(), { table })
        const people = Array.from({ length: 50 }, (_, at) => ({
          username: `user${at + 1}`,
          password: `hash ${at + 1}`,
        }))
        await db()(table).insert(people)
      })

      it('are one for fifty lookups of one tick', async () => {
        const store = knexUsers(db(), { table })
        const ids = Array.from({ length: 50 }, (_, at) => String(at + 1))
        const { result, queries } = await counting(db(), () => Promise.all(ids.map((id) => store.findById(id))))
        expect(result.map((user) => user?.username)).to.deep.equal(ids.map((id) => `user${id}`))
        expect(result.map((user) => user?.password)).to.deep.equal(ids.map((id) => `hash ${id}`))
        expect(queries).to.equal(1)
      })

      it('are one for fifty names of one tick', async () => {
        const store = knexUsers(db(), { table })
        const names = Array.from({ length: 50 }, (_, at) => `user${at + 1}`)
        const { result, queries } = await counting(db(), () =>
          Promise.all(names.map((one) => store.findByUsername(one))),
        )
        expect(result.map((user) => user?.username)).to.deep.equal(names)
        expect(queries).to.equal(1)
      })

      it('are not sent for ids that are not canonical or out of range', async () => {
        const store = knexUsers(db(), { table })
        const { result, queries } = await counting(db(), () => Promise.all(NO_INTEGERS.map((id) => store.findById(id))))
        expect(result.every((user) => user === null)).to.equal(true)
        expect(queries).to.equal(0)
      })

      it('find 49 users beside one id out of range', async () => {
        const store = knexUsers(db(), { table })
        const ids = Array.from({ length: 50 }, (_, at) => (at === 20 ? '99999999999999999999' : String(at + 1)))
        const { result, queries } = await counting(db(), () => Promise.all(ids.map((id) => store.findById(id))))
        expect(result.filter((user) => user === null)).to.have.length(1)
        expect(result[20]).to.equal(null)
        expect(queries).to.equal(1)
      })

      it('are sent again in the next tick: nothing is stale', async () => {
        const store = knexUsers(db(), { table })
        await store.findById('1')
        await db()(table).where({ id: 1 }).update({ password: 'a new hash' })
        expect((await store.findById('1'))?.password).to.equal('a new hash')
        await db()(table).where({ id: 1 }).update({ password: 'hash 1' })
      })

      it('are one statement for a bump', async () => {
        const store = knexUsers(db(), { table })
        const { queries } = await counting(db(), async () => store.bumpEpoch?.('5'))
        expect(queries).to.equal(1)
        expect((await store.findById('5'))?.tokenEpoch).to.equal(1)
        expect((await store.findById('6'))?.tokenEpoch).to.equal(0)
      })

      it('reject while the table is not there, each for itself, and recover', async () => {
        const missing = newTableName()
        const store = knexUsers(db(), { table: missing })
        const outcomes = await Promise.allSettled(['1', '2', '3'].map((id) => store.findById(id)))
        expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected', 'rejected'])
        await createUserTable(db(), { table: missing })
        expect(await store.findById('1')).to.equal(null)
      })
    })

    describe('its columns', () => {
      it('read Django’s auth_user as it is', async () => {
        await createAuthUser(db(), name)
        await db()('auth_user').insert([authUser(1, 'ann', true), authUser(2, 'bob', false)])
        const store = knexUsers(db(), { table: 'auth_user', columns: { tokenEpoch: null } })
        const [ann, bob] = [await store.findById('1'), await store.findByUsername('bob')]
        expect([ann?.id, ann?.username, ann?.password]).to.deep.equal([1, 'ann', 'pbkdf2_sha256$1$salt$ann'])
        expect([Boolean(ann?.isActive), Boolean(bob?.isActive)]).to.deep.equal([true, false])
        expect(Object.keys(ann ?? {})).to.have.members(['id', 'username', 'isActive'])
        expect('bumpEpoch' in store).to.equal(false)
        expect(await store.findByUsername('ANN')).to.equal(null)
        expect(await store.findByUsername('ann ')).to.equal(null)
      })

      it('have the names that are given, and further ones become properties', async () => {
        const table = newTableName()
        await db().schema.createTable(table, (columns) => {
          columns.increments('user id')
          columns.string('e-mail')
          columns.string('Pass"word`')
          columns.integer('epoch')
          columns.string('full_name')
        })
        const row = { 'user id': 1, 'e-mail': 'ann@example.org', 'Pass"word`': 'hash of ann', full_name: 'Ann Other' }
        await db()(table).insert(row)
        const store = knexUsers<{ fullName: string }>(db(), {
          table,
          columns: {
            id: 'user id',
            username: 'e-mail',
            password: 'Pass"word`',
            isActive: null,
            tokenEpoch: 'epoch',
            endedLogins: null,
            fullName: 'full_name',
          },
        })
        await store.bumpEpoch?.('1')
        const ann = await store.findByUsername('ann@example.org')
        expect({ ...ann }).to.deep.equal({ id: 1, username: 'ann@example.org', tokenEpoch: 1, fullName: 'Ann Other' })
        expect(ann?.password).to.equal('hash of ann')
      })

      it('may lie in a schema of their own', async () => {
        const table = newTableName()
        await createUserTable(db(), { table })
        await db()(table).insert({ username: 'ann', password: 'x' })
        const store = knexUsers(db(), { table: `${await schemaOf(db(), name)}.${table}` })
        expect((await store.findById('1'))?.username).to.equal('ann')
        await store.bumpEpoch?.('1')
        expect((await store.findById('1'))?.tokenEpoch).to.equal(1)
      })
    })

    describe('a name that the column cannot hold', () => {
      it('is not found, and harms no other name that is looked up beside it', async () => {
        const table = newTableName()
        await createUserTable(db(), { table })
        // Django's older databases have MySQL's utf8mb3, which has no emoji.
        if (name === 'MariaDB') await db().raw('alter table ?? convert to character set utf8mb3', [table])
        await db()(table).insert({ username: 'ann', password: 'x' })
        const store = knexUsers(db(), { table })
        expect(await store.findByUsername('ann😀')).to.equal(null)
        expect(await store.findByUsername('ann\0')).to.equal(null)
        const names = ['ann', 'ann😀', 'ann\0', 'bob']
        const found = await Promise.all(names.map((one) => store.findByUsername(one)))
        expect(found.map((user) => user?.username)).to.deep.equal(['ann', undefined, undefined, undefined])
      })
    })

    describe('a value that breaks the query of a batch', () => {
      const names = Array.from({ length: 200 }, (_, at) => `name-${at}`)

      it('costs a few queries, and not one for each of 200 others', async () => {
        const table = newTableName()
        await createUserTable(db(), { table })
        if (name === 'MariaDB') await db().raw('alter table ?? convert to character set utf8mb3', [table])
        await db()(table).insert(names.map((username) => ({ username, password: 'x' })))
        const store = knexUsers(db(), { table })
        for (const unstorable of ['ann😀', 'ann\0']) {
          const { result, queries } = await counting(db(), () =>
            Promise.all([...names, unstorable].map((one) => store.findByUsername(one))),
          )
          expect(result.map((user) => user?.username)).to.deep.equal([...names, undefined])
          expect(queries, JSON.stringify(unstorable)).to.be.at.most(17)
        }
      })

      it('harms no other lookup, and is not found or an internal error itself', async () => {
        const table = newTableName()
        await createUserTable(db(), { table }) // its ids are integers of 32 bits
        await db()(table).insert(names.map((username) => ({ username, password: 'x' })))
        const store = knexUsers(db(), { table, id: 'bigint' })
        const ids = [...names.keys()].slice(0, 49).map((at) => String(at + 1))
        const found = await Promise.allSettled([...ids, '4294967297'].map((id) => store.findById(id)))
        const bad = found.pop()
        expect(found.map((one) => one.status === 'fulfilled' && String(one.value?.id))).to.deep.equal(ids)
        expect(bad?.status === 'fulfilled' ? bad.value : bad?.status).to.be.oneOf([null, 'rejected'])
      })

      it('is not looked for where all of them fail', async () => {
        const store = knexUsers(db(), { table: 'missing_table' })
        const { result, queries } = await counting(db(), () =>
          Promise.allSettled(names.map((one) => store.findByUsername(one))),
        )
        expect(new Set(result.map(({ status }) => status))).to.deep.equal(new Set(['rejected']))
        expect(queries).to.equal(1)
      })
    })

    describe('a lookup that waits for a connection', () => {
      let users: Knex
      let remove: () => Promise<void>
      before(async () => {
        ;[users, , remove] = await twoConnections(db(), name)
        await createUserTable(users, { table: 'waited_for_users' })
        await users('waited_for_users').insert({ username: 'ann', password: 'x' })
      })
      after(() => remove())

      it('is not sent once all who asked for it have gone', async () => {
        const store = knexUsers(users, { table: 'waited_for_users' })
        const client = users.client as Knex.Client // Knex types it as any
        const held: unknown[] = [await client.acquireConnection(), await client.acquireConnection()]
        const gone = new AbortController()
        const lookups = [1, 2, 3].map((id) => store.findById(String(id), { signal: gone.signal }))
        const outcomes = Promise.allSettled([...lookups, store.findByUsername('ann', { signal: gone.signal })])
        while (poolOf(users).numPendingAcquires() < 2) await new Promise((resolve) => setImmediate(resolve))
        gone.abort(new RangeError('gone'))
        const { result, queries } = await counting(users, async () => {
          for (const connection of held) await client.releaseConnection(connection)
          return outcomes
        })
        expect(result.map(outcomeOf)).to.deep.equal(Array(4).fill('RangeError'))
        expect(queries).to.equal(0)
        expect((await store.findById('1'))?.username).to.equal('ann')
        expect(poolOf(users).numUsed()).to.equal(0)
      })
    })

    describe('a query that hangs', () => {
      const table = 'locked_users'
      let users: Knex
      let other: Knex
      let remove: () => Promise<void>
      before(async () => {
        ;[users, other, remove] = await twoConnections(db(), name)
        await createUserTable(users, { table })
        await users(table).insert({ username: 'ann', password: 'x' })
      })
      after(() => remove())

      it('ends in time, for all who asked, and leaves the pool as it was', async () => {
        const store = knexUsers(users, { table, timeout: 0.15 })
        await lock(other, name, table)
        const { result, queries } = await counting(users, () =>
          Promise.allSettled([store.findById('1'), store.findById('2'), store.findByUsername('ann')]),
        )
        const bump = await Promise.allSettled([store.bumpEpoch?.('1')])
        await unlock(other, name)
        expect([...result, ...bump].map(outcomeOf)).to.deep.equal(Array(4).fill('KnexTimeoutError'))
        expect(queries).to.equal(2) // by id and by name: what has timed out is not asked for again, key by key

        const patient = knexUsers(users, { table })
        expect((await patient.findById('1'))?.username).to.equal('ann')
        expect(poolOf(users).numUsed()).to.equal(0)
        expect(poolOf(users).numPendingAcquires()).to.equal(0)
      })
    })
  })

  it('refuses what it cannot work with, at start-up', () => {
    const mssql = { client: { dialect: 'mssql' } } as Knex // only its dialect is read
    expect(() => knexUsers(mssql)).to.throw(TypeError, 'db')
  })

  it('refuses an id type that it does not know, at start-up', async () => {
    const db = knex({ client: 'sqlite3', connection: ':memory:', useNullAsDefault: true })
    for (const id of ['int', 'toString', '', 1]) {
      expect(() => knexUsers(db, { id: id as 'integer' }), String(id)).to.throw(TypeError, 'id') // a caller without types
    }
    await db.destroy()
  })
})

function userColumns(columns: Knex.CreateTableBuilder): void {
  columns.string('username', 254).notNullable()
  columns.string('password', 255)
  columns.boolean('is_active').notNullable()
  columns.integer('token_epoch').notNullable()
  columns.text('ended_logins')
}

function rowOf(person: (typeof PEOPLE)[number]): Record<string, unknown> {
  const { username, password, isActive, tokenEpoch } = person
  return { username, password, is_active: isActive, token_epoch: tokenEpoch }
}

/** The columns of Django 3.2's auth_user, with the types that Django gives them on each database. */
async function createAuthUser(db: Knex, name: Database['name']): Promise<void> {
  const bool = { SQLite: 'bool', PostgreSQL: 'boolean', MariaDB: 'tinyint(1)' }[name]
  const moment = { SQLite: 'datetime', PostgreSQL: 'timestamp with time zone', MariaDB: 'datetime(6)' }[name]
  const serial = {
    SQLite: 'integer NOT NULL PRIMARY KEY AUTOINCREMENT',
    PostgreSQL: 'serial NOT NULL PRIMARY KEY',
    MariaDB: 'integer AUTO_INCREMENT NOT NULL PRIMARY KEY',
  }[name]
  await db.raw(
    `CREATE TABLE auth_user (id ${serial}, password varchar(128) NOT NULL, last_login ${moment} NULL,
      is_superuser ${bool} NOT NULL, username varchar(150) NOT NULL UNIQUE, first_name varchar(150) NOT NULL,
      last_name varchar(150) NOT NULL, email varchar(254) NOT NULL, is_staff ${bool} NOT NULL,
      is_active ${bool} NOT NULL, date_joined ${moment} NOT NULL)`,
  )
}

function authUser(id: number, username: string, isActive: boolean): Record<string, unknown> {
  const nothing = { first_name: '', last_name: '', email: '', is_staff: false, is_superuser: false }
  const password = `pbkdf2_sha256$1$salt$${username}`
  return {
    id,
    username,
    password,
    is_active: isActive,
    date_joined: '2026-01-15 12:00:00',
    last_login: null,
    ...nothing,
  }
}

async function schemaOf(db: Knex, name: Database['name']): Promise<string> {
  if (name === 'SQLite') return 'main'
  const row: unknown = await db
    .select(db.raw('table_schema as here'))
    .from('information_schema.tables')
    .where({ table_name: `people_${tables}` })
    .first()
  return (row as { here: string }).here // the table has just been made
}

async function counting<T>(db: Knex, work: () => Promise<T>): Promise<{ result: T; queries: number }> {
  let queries = 0
  const count = (): void => {
    queries += 1
  }
  db.on('query', count)
  try {
    const result = await work()
    return { result, queries }
  } finally {
    db.removeListener('query', count)
  }
}

function outcomeOf(outcome: PromiseSettledResult<unknown>): string {
  return outcome.status === 'rejected' && outcome.reason instanceof Error ? outcome.reason.name : outcome.status
}

function poolOf(db: Knex): { numUsed(): number; numPendingAcquires(): number } {
  return (db.client as { pool: { numUsed(): number; numPendingAcquires(): number } }).pool // Knex types its client as any
}

/** One pool for the store and one connection that can hold a lock against it; SQLite needs a file for that. */
async function twoConnections(db: Knex, name: Database['name']): Promise<[Knex, Knex, () => Promise<void>]> {
  const filename = join(tmpdir(), `koa-tokenapi-${randomUUID()}.sqlite3`)
  const opened = (db.client as { config: Knex.Config }).config // Knex types its client as any
  const config = name === 'SQLite' ? { ...opened, connection: { filename } } : opened
  const users = knex({ ...config, pool: { min: 0, max: 2 }, log: { warn: () => undefined } }) // it warns of each timeout
  const other = knex({ ...config, pool: { min: 1, max: 1 } })
  return [
    users,
    other,
    async () => {
      await Promise.all([users.destroy(), other.destroy()])
      await rm(filename, { force: true })
    },
  ]
}

async function lock(db: Knex, name: Database['name'], table: string): Promise<void> {
  if (name === 'SQLite') await db.raw('begin exclusive')
  if (name === 'PostgreSQL') await db.raw('begin')
  if (name === 'PostgreSQL') await db.raw('lock table ?? in access exclusive mode', [table])
  if (name === 'MariaDB') await db.raw('lock tables ?? write', [table])
}

async function unlock(db: Knex, name: Database['name']): Promise<void> {
  await db.raw(name === 'MariaDB' ? 'unlock tables' : 'rollback')
}
