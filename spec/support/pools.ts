import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import knex, { type Knex } from 'knex'
import { type Database, databases } from './databases.js'

/** One database that two applications have open, each with a pool of its own. */
export interface Pools {
  readonly first: Knex
  readonly second: Knex
  close(): Promise<void>
}

/** Opens an empty database twice; SQLite in a file, since one in memory cannot be shared. */
export async function openTwice(database: Database): Promise<Pools> {
  if (database.name === 'SQLite') return openFileTwice()
  const opened = await database.open()
  const config = opened.db.client.config as Knex.Config // Knex keeps what it was made with
  const second = knex(config)
  return {
    first: opened.db,
    second,
    async close() {
      await second.destroy()
      await opened.close()
    },
  }
}

/** A SQLite file, opened twice. */
export async function openFileTwice(): Promise<Pools> {
  const folder = await mkdtemp(join(tmpdir(), 'koa-tokenapi-'))
  const open = (): Knex =>
    knex({
      client: 'sqlite3',
      connection: { filename: join(folder, 'db.sqlite3') },
      useNullAsDefault: true,
      pool: { min: 1, max: 1 },
    })
  const [first, second] = [open(), open()]
  await first.raw('pragma journal_mode = wal')
  return {
    first,
    second,
    async close() {
      await Promise.all([first.destroy(), second.destroy()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Defines the same specs for each database, opened twice. */
export function onEachDatabaseTwice(define: (pools: () => Pools, name: Database['name']) => void): void {
  for (const database of databases) {
    describe(`on ${database.name}`, () => {
      let opened: Pools | undefined
      before(async () => {
        opened = await openTwice(database)
      })
      after(() => opened?.close())
      define(() => {
        if (opened === undefined) throw new Error('the database is open only while a spec runs')
        return opened
      }, database.name)
    })
  }
}
