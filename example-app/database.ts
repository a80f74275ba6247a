import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Knex } from 'knex'

/** Where the example keeps what it makes: its SQLite file, and its secret if the database is a server. */
export const DATA = fileURLToPath(new URL('./data/', import.meta.url))

/** The example's own SQLite file, used if DATABASE_URL names no other database. */
export const EXAMPLE_FILE = `${DATA}example.sqlite3`

/** The migrations of the example, for a database that was opened in another way. */
export const migrations = { directory: fileURLToPath(new URL('./migrations/', import.meta.url)) }

/** For every database: waiting for a connection fails after 2 s, so that a full pool is a 503 while the client still waits. */
const shared = { acquireConnectionTimeout: 2000, migrations } satisfies Knex.Config

/**
 * The settings of the database that a URL names: `postgres:`, `postgresql:`, `mysql:`, `mariadb:`, `sqlite:` and a path, or
 * only a path. Without one (undefined or empty), the example's own SQLite file.
 *
 * @throws {TypeError} for another scheme, and for a text with a server's scheme that is not a URL. Its message does not
 *   contain the URL, which may hold a password.
 */
export function databaseSettings(url = ''): Knex.Config {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase()
  switch (scheme) {
    case 'postgres':
    case 'postgresql':
      return { ...shared, client: 'pg', connection: validUrl(url) }
    case 'mysql':
    case 'mariadb':
      return { ...shared, client: 'mysql2', connection: validUrl(url).replace(/^[^:]+:/, 'mysql:') }
    case 'sqlite':
    case undefined:
      return sqlite(sqliteFile(url))
    default:
      throw new TypeError(`DATABASE_URL must start with postgres:, mysql:, mariadb: or sqlite:, not with ${scheme}:`)
  }
}

function validUrl(url: string): string {
  if (!URL.canParse(url)) throw new TypeError('DATABASE_URL is not a valid URL')
  return url
}

function sqliteFile(url: string): string {
  const path = url.replace(/^sqlite:(\/\/)?/i, '')
  return path === '' ? EXAMPLE_FILE : resolve(path)
}

function sqlite(filename: string): Knex.Config {
  mkdirSync(dirname(filename), { recursive: true })
  return {
    ...shared,
    client: 'sqlite3',
    connection: { filename },
    useNullAsDefault: true,
    pool: { min: 1, max: 1, afterCreate: prepareSqlite(filename) },
  }
}

/** What is used of a connection of the sqlite3 driver. */
interface SqliteConnection {
  exec(sql: string, done: (error: Error | null) => void): void
}

/** Prepares a connection: writers wait for each other, readers do not wait, and foreign keys are enforced. */
function prepareSqlite(filename: string) {
  const pragmas = 'pragma busy_timeout = 2000; pragma journal_mode = wal; pragma foreign_keys = on;'
  return (connection: SqliteConnection, done: (error: unknown, connection: unknown) => void): void => {
    try {
      keepPrivate(filename)
    } catch (error) {
      return done(error, connection)
    }
    connection.exec(pragmas, (error) => done(error, connection))
  }
}

/**
 * Makes a file that was just created (it is empty), and the example's own one, readable only by its owner: it holds
 * password hashes. SQLite gives the files beside it (-wal, -shm) the mode of the file itself.
 */
function keepPrivate(filename: string): void {
  const isNew = statSync(filename).size === 0
  if (!isNew && filename !== EXAMPLE_FILE) return
  for (const suffix of ['', '-wal', '-shm']) {
    if (statSync(filename + suffix, { throwIfNoEntry: false }) !== undefined) chmodSync(filename + suffix, 0o600)
  }
}
