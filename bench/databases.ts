import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import knex, { type Knex } from 'knex'
import { createTokenTable, createUserTable } from 'koa-tokenapi/knex'
import { databaseSettings } from '../example-app/database.js'

const POSTGRES_URL = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test'
const MARIADB_URL = process.env['MARIADB_URL'] ?? 'mysql://root@127.0.0.1:3306/test'
export const REDIS_URL = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379'

export type DatabaseName = 'SQLite' | 'PostgreSQL' | 'MariaDB'

/** A place for tables of the bench's own, by the address that `databaseSettings` reads. */
export interface Place {
  readonly name: DatabaseName
  readonly url: string
  /** Takes away the place and all that was put there. */
  readonly remove: () => Promise<void>
}

const PLACES: Readonly<Record<DatabaseName, () => Promise<Place>>> = {
  async SQLite() {
    const folder = await mkdtemp(join(tmpdir(), 'koa-tokenapi-bench-'))
    return {
      name: 'SQLite',
      url: `sqlite:${join(folder, 'bench.db')}`,
      remove: () => rm(folder, { recursive: true }),
    }
  },

  async PostgreSQL() {
    const schema = uniqueName()
    await once(POSTGRES_URL, (db) => db.raw('create schema ??', [schema]))
    const url = new URL(POSTGRES_URL)
    url.searchParams.set('options', `-c search_path=${schema}`)
    return {
      name: 'PostgreSQL',
      url: url.href.replaceAll('+', '%20'),
      remove: () => once(POSTGRES_URL, (db) => db.raw('drop schema ?? cascade', [schema])),
    }
  },

  async MariaDB() {
    const database = uniqueName()
    await once(MARIADB_URL, (db) => db.raw('create database ?? character set utf8mb4', [database]))
    const url = new URL(MARIADB_URL)
    url.pathname = `/${database}`
    return {
      name: 'MariaDB',
      url: url.href,
      remove: () => once(MARIADB_URL, (db) => db.raw('drop database ??', [database])),
    }
  },
}

/** Places on all databases that can be reached, and the names of those that cannot. */
export async function places(): Promise<{ places: readonly Place[]; leftOut: readonly string[] }> {
  const found: Place[] = []
  const leftOut: string[] = []
  for (const [name, make] of Object.entries(PLACES)) {
    try {
      found.push(await make())
    } catch {
      leftOut.push(name)
    }
  }
  return { places: found, leftOut }
}

/** Runs with a place on each database, and takes them away again. */
export async function withPlaces<T>(use: (places: readonly Place[]) => Promise<T>): Promise<T> {
  const { places: all, leftOut } = await places()
  if (leftOut.length > 0) console.log(`Left out, since it cannot be reached: ${leftOut.join(', ')}`)
  try {
    return await use(all)
  } finally {
    for (const { remove } of all) await remove()
  }
}

export function open(url: string): Knex {
  return knex(databaseSettings(url))
}

/** Runs with a connection of its own. */
export async function once(url: string, use: (db: Knex) => Promise<unknown>): Promise<void> {
  const db = knex({ ...databaseSettings(url), pool: { min: 0, max: 1 } })
  try {
    await use(db)
  } finally {
    await db.destroy()
  }
}

/** A table of users with the ids 1 to `count`, and one of tokens. Every user's hash has another salt and scrypt's cost; no password is right. */
export async function fill(place: Place, count: number, tables = { users: 'users', tokens: 'tokens' }): Promise<void> {
  await once(place.url, async (db) => {
    await createUserTable(db, { table: tables.users })
    await createTokenTable(db, { table: tables.tokens })
    const key = Buffer.alloc(64).toString('base64')
    const [name, hash] =
      place.name === 'MariaDB'
        ? ["concat('user', i)", 'concat(?, i, ?)']
        : ["'user' || i", 'cast(? as text) || i || cast(? as text)']
    await db.transaction(async (all) => {
      // MariaDB stops at 1000 by default.
      if (place.name === 'MariaDB') await all.raw('set max_recursive_iterations = 4294967295')
      await all.raw(
        `insert into ?? (id, username, password, is_active, token_epoch)
         with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
         select i, ${name}, ${hash}, true, 0 from n`,
        [tables.users, `scrypt$16384$${'s'.repeat(22)}`, `$8$5$${key}`],
      )
    })
    if (place.name === 'PostgreSQL') await db.raw('analyze ??', [tables.users])
    if (place.name === 'MariaDB') await db.raw('analyze table ??', [tables.users])
    if (place.name === 'SQLite') await db.raw('analyze')
  })
}

function uniqueName(): string {
  return `koa_tokenapi_bench_${randomBytes(6).toString('hex')}`
}
