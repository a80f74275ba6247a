import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import knex, { type Knex } from 'knex'

export const POSTGRES_URL = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/test'
const MARIADB_URL = process.env['MARIADB_URL'] ?? 'mysql://root@127.0.0.1:3306/test'
export const REDIS_URL = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379'

/** A database that specs may fill: each `open` gives an empty one, which `close` takes away again. */
export interface Database {
  readonly name: 'SQLite' | 'PostgreSQL' | 'MariaDB'
  open(): Promise<{ db: Knex; close(): Promise<void> }>
}

const sqlite: Database = {
  name: 'SQLite',
  async open() {
    const db = knex({ client: 'sqlite3', connection: ':memory:', useNullAsDefault: true, pool: { min: 1, max: 1 } })
    return { db, close: () => db.destroy() }
  },
}

const postgres: Database = {
  name: 'PostgreSQL',
  async open() {
    const schema = uniqueName()
    const admin = knex({ client: 'pg', connection: POSTGRES_URL, pool: { min: 0, max: 1 } })
    await admin.raw('create schema ??', [schema])
    const db = knex({ client: 'pg', connection: POSTGRES_URL, searchPath: schema, acquireConnectionTimeout: 2000 })
    return {
      db,
      async close() {
        await db.destroy()
        await admin.raw('drop schema ?? cascade', [schema])
        await admin.destroy()
      },
    }
  },
}

const mariadb: Database = {
  name: 'MariaDB',
  async open() {
    const database = uniqueName()
    const admin = knex({ client: 'mysql2', connection: MARIADB_URL, pool: { min: 0, max: 1 } })
    await admin.raw('create database ?? character set utf8mb4', [database])
    const url = new URL(MARIADB_URL)
    url.pathname = `/${database}`
    const db = knex({ client: 'mysql2', connection: url.href, acquireConnectionTimeout: 2000 })
    return {
      db,
      async close() {
        await db.destroy()
        await admin.raw('drop database ??', [database])
        await admin.destroy()
      },
    }
  },
}

function uniqueName(): string {
  return `koa_tokenapi_${randomBytes(6).toString('hex')}`
}

async function isReachable(database: Database): Promise<boolean> {
  try {
    await (await database.open()).close()
    return true
  } catch (error) {
    if (process.env['CI'] === 'true') throw new Error(`${database.name} cannot be reached`, { cause: error })
    return false
  }
}

async function isRedisReachable(): Promise<boolean> {
  const redis = new Redis(REDIS_URL, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null })
  redis.on('error', () => undefined) // the rejection of ping says it
  try {
    await redis.ping()
    return true
  } catch (error) {
    if (process.env['CI'] === 'true') throw new Error('Redis cannot be reached', { cause: error })
    return false
  } finally {
    redis.disconnect()
  }
}

const servers = [postgres, mariadb]
const reachable = await Promise.all(servers.map(isReachable))

/** SQLite, and the database servers that run here; with CI=true all of them must. */
export const databases: readonly Database[] = [sqlite, ...servers.filter((_, at) => reachable[at])]

export const hasRedis: boolean = await isRedisReachable()

/** What a run of the specs leaves out, by name. */
export const leftOut: string[] = [
  ...servers.filter((_, at) => !reachable[at]).map(({ name }) => name),
  ...(hasRedis ? [] : ['Redis']),
]

/** Defines the same specs for each database, each on one of its own that is empty at first. */
export function onEachDatabase(define: (db: () => Knex, name: Database['name']) => void): void {
  for (const database of databases) {
    describe(`on ${database.name}`, () => {
      let opened: Awaited<ReturnType<Database['open']>> | undefined
      before(async () => {
        opened = await database.open()
      })
      after(() => opened?.close())
      define(() => {
        if (opened === undefined) throw new Error('the database is open only while a spec runs')
        return opened.db
      }, database.name)
    })
  }
}
