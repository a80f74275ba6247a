import { createRequire } from 'node:module'
import type KnexFactory from 'knex'
import type { Knex } from 'knex'

/**
 * A connection for a command, by the URL of a database: `postgres://…`, `mysql://…`, or a SQLite file.
 *
 * @throws {Error} if knex is not installed.
 */
export function connect(url: string): Knex {
  // Loaded here and not at the top, since knex is an optional peer.
  const { knex } = createRequire(import.meta.url)('knex') as { knex: typeof KnexFactory }
  const pool = { min: 0, max: 1 }
  if (/^postgres(ql)?:/.test(url)) return knex({ client: 'pg', connection: url, pool })
  if (/^(mysql|mariadb):/.test(url))
    return knex({ client: 'mysql2', connection: url.replace(/^mariadb:/, 'mysql:'), pool })
  const filename = url.replace(/^sqlite3?:(\/\/)?/, '')
  return knex({ client: 'sqlite3', connection: { filename }, useNullAsDefault: true, pool })
}
