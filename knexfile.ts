import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Knex } from 'knex'

/** Where the example keeps what it makes: its SQLite file, and its secret if the database is a server. */
export const DATA = fileURLToPath(new URL('./example-app/data/', import.meta.url))

/** The migrations of the example, for a database that was opened in another way. */
export const migrations = { directory: fileURLToPath(new URL('./example-app/migrations/', import.meta.url)) }

/** What every database has: a pool that rejects after 2 s, so that the response is a 503 while the client still waits. */
const shared = { acquireConnectionTimeout: 2000, migrations } satisfies Knex.Config

/**
 * The settings of the database that a URL names: `postgres:`, `postgresql:`, `mysql:`, `mariadb:`, `sqlite:` and a path, or
 * only a path. Without one, a SQLite file beside the example.
 *
 * @throws {TypeError} for another scheme.
 */
export function databaseSettings(url: string | undefined): Knex.Config {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url ?? '')?.[1]?.toLowerCase()
  if (url !== undefined && (scheme === 'postgres' || scheme === 'postgresql')) {
    return { ...shared, client: 'pg', connection: url }
  }
  if (url !== undefined && (scheme === 'mysql' || scheme === 'mariadb')) {
    return { ...shared, client: 'mysql2', connection: url.replace(/^[^:]+:/, 'mysql:') }
  }
  if (scheme !== undefined && scheme !== 'sqlite') {
    throw new TypeError(`DATABASE_URL must start with postgres:, mysql:, mariadb: or sqlite:, not with ${scheme}:`)
  }
  return sqlite(sqliteFile(url))
}

function sqliteFile(url = ''): string {
  const path = url.replace(/^sqlite:(\/\/)?/i, '')
  return path === '' ? `${DATA}example.sqlite3` : resolve(path)
}

function sqlite(filename: string): Knex.Config {
  mkdirSync(dirname(filename), { recursive: true })
  return {
    ...shared,
    client: 'sqlite3',
    connection: { filename },
    useNullAsDefault: true,
    pool: { min: 1, max: 1, afterCreate: prepareSqlite },
  }
}

/** What is used of a connection of the sqlite3 driver. */
interface SqliteConnection {
  exec(sql: string, done: (error: Error | null) => void): void
}

/** Writers wait for each other, readers do not wait, and foreign keys are enforced. */
function prepareSqlite(connection: SqliteConnection, done: (error: Error | null, connection: unknown) => void): void {
  const pragmas = 'pragma busy_timeout = 2000; pragma journal_mode = wal; pragma foreign_keys = on;'
  connection.exec(pragmas, (error) => done(error, connection))
}

/** For the command of Knex: `NODE_OPTIONS=--import=tsx npx knex migrate:status`. */
export default databaseSettings(process.env['DATABASE_URL'])
