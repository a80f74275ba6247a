import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import type KnexFactory from 'knex'
import type { Knex } from 'knex'

/**
 * A connection for a command, by the URL of a database: `postgres://…`, `mysql://…`, `mariadb://…`, or a SQLite file that is
 * there already.
 *
 * @throws {TypeError} for another scheme, and for a SQLite file that does not exist: opening it would create an empty one.
 *   Neither message contains a URL, which may hold a password.
 * @throws {Error} if knex, or the driver of that database, is not installed.
 */
export function connect(url: string): Knex {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase() ?? 'sqlite'
  switch (scheme) {
    case 'postgres':
    case 'postgresql':
      return open({ client: 'pg', connection: url })
    case 'mysql':
    case 'mariadb':
      return open({ client: 'mysql2', connection: url.replace(/^[^:]+:/, 'mysql:') })
    case 'sqlite':
    case 'sqlite3':
      return open({ client: 'sqlite3', connection: { filename: sqliteFile(url) }, useNullAsDefault: true })
    default:
      throw new TypeError('a database must be postgres://…, mysql://…, mariadb://… or a SQLite file')
  }
}

function sqliteFile(url: string): string {
  const file = url.replace(/^sqlite3?:(\/\/)?/i, '')
  if (file !== ':memory:' && !existsSync(file)) throw new TypeError(`the SQLite file ${file} does not exist`)
  return file
}

function open(config: Knex.Config): Knex {
  // Loaded here and not at the top, since knex is an optional peer.
  const { knex } = createRequire(import.meta.url)('knex') as { knex: typeof KnexFactory }
  // Knex warns of each connection that fails, with the driver's message; the query that needed it rejects anyway.
  return knex({ ...config, pool: { min: 0, max: 1 }, log: { warn: () => undefined } })
}
