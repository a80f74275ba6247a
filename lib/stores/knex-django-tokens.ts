import type { Knex } from 'knex'
import { asText, type Dialect, dialectOf, quoted, rowsOf } from './knex-dialect.js'
import { type IdColumn, idsOf } from './knex-ids.js'

export interface DjangoTokensOptions {
  /** The table of `rest_framework.authtoken`, or of djangorestframework-timed-auth-token. */
  readonly table: 'authtoken_token' | 'timed_auth_token_timedauthtoken'
  /** How the user table keeps its ids; 'integer'. */
  readonly id?: IdColumn
  /** Rows of one query; 1000. */
  readonly batch?: number
}

/** A row of either table, in the shape that `adoptTokens` takes. */
export interface DjangoToken {
  readonly token: string
  readonly userId: string
  readonly createdAt: number
  readonly lastUsedAt?: number
  readonly expiresAt?: number
}

/**
 * Reads the tokens that a Django application has stored, in batches, oldest key first: its tables are not changed.
 *
 * @throws {TypeError} for another table or database. A query that fails rejects.
 */
export async function* djangoTokens(db: Knex, options: DjangoTokensOptions): AsyncGenerator<readonly DjangoToken[]> {
  const { table, id = 'integer', batch = 1000 } = options
  if (table !== 'authtoken_token' && table !== 'timed_auth_token_timedauthtoken') {
    throw new TypeError("table must be 'authtoken_token' or 'timed_auth_token_timedauthtoken'")
  }
  const dialect = dialectOf(db)
  const ids = idsOf(id)
  const [key, user] = [quoted(db, 'key'), quoted(db, 'user_id')]
  const times = table === 'authtoken_token' ? ['created'] : ['created', 'last_used', 'expires']
  const selected = [
    `${key} as ${quoted(db, 'token')}`,
    `${asText(dialect, user)} as ${user}`,
    ...times.map((column) => `${seconds(dialect, quoted(db, column))} as ${quoted(db, column)}`),
  ].join(', ')
  const query = `select ${selected} from ${quoted(db, table)} where ${key} > ? order by ${key} limit ${batch}`

  let last = ''
  for (;;) {
    const rows = rowsOf(dialect, await db.raw(query, [last]))
    if (rows.length === 0) return
    last = String(rows.at(-1)?.['token'])
    yield rows.map((row) => ({
      token: String(row['token']),
      userId: String(ids.present(row['user_id'])),
      createdAt: Number(row['created']),
      ...('last_used' in row ? { lastUsedAt: Number(row['last_used']), expiresAt: Number(row['expires']) } : {}),
    }))
  }
}

/** A time as Django keeps it, in whole seconds since 1970: with a zone on PostgreSQL, in UTC without one elsewhere. */
function seconds(dialect: Dialect, column: string): string {
  if (dialect === 'postgres') return `floor(extract(epoch from ${column}))`
  if (dialect === 'mysql') return `timestampdiff(second, '1970-01-01 00:00:00', ${column})`
  return `cast(strftime('%s', ${column}) as integer)`
}
