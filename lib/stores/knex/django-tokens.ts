import type { Knex } from 'knex'
import { ContractViolation } from '../../errors.js'
import { asText, type Dialect, dialectOf, rowsOf, verbatim } from './dialect.js'
import { type IdColumn, idsOf } from '../ids.js'
import { diagnosed } from './diagnosis.js'
import { rawOf } from './raw.js'
import { checkOptions, type OptionNames } from '../../option-names.js'

export interface DjangoTokensOptions {
  /** The table of `rest_framework.authtoken`, or of djangorestframework-timed-auth-token. */
  readonly table: 'authtoken_token' | 'timed_auth_token_timedauthtoken'
  /** How the user table keeps its ids; 'integer'. The command's `--id`. */
  readonly id?: IdColumn
  /** Rows of one query; 1000. */
  readonly batch?: number
}

/** A row of either table, in the shape that `adoptTokens` takes. */
export interface DjangoToken {
  readonly token: string
  readonly userId: string
  /** Times that are null there are absent. */
  readonly createdAt?: number
  readonly lastUsedAt?: number
  readonly expiresAt?: number
}

/** Column → property. */
const CREATED = { created: 'createdAt' } as const
const TIMES = {
  authtoken_token: CREATED,
  timed_auth_token_timedauthtoken: { ...CREATED, last_used: 'lastUsedAt', expires: 'expiresAt' },
} as const

const OPTIONS = { table: true, id: true, batch: true } as const satisfies OptionNames<DjangoTokensOptions>

/**
 * Reads the tokens that a Django application has stored, in batches, smallest key first: its tables are not changed.
 *
 * @throws {TypeError} for another table or database, and before a batch with a user whose id is not a canonical one of the
 *   type `id`, which would name another user or none.
 * @throws {InternalError} ERR_SCHEMA that names a table or column that is missing; for another query that fails, the code of the
 *   driver. It holds no key.
 */
export async function* djangoTokens(db: Knex, options: DjangoTokensOptions): AsyncGenerator<readonly DjangoToken[]> {
  checkOptions('djangoTokens', options, OPTIONS)
  const { table, id = 'integer', batch = 1000 } = options
  if (table !== 'authtoken_token' && table !== 'timed_auth_token_timedauthtoken') {
    throw new TypeError("table must be 'authtoken_token' or 'timed_auth_token_timedauthtoken'")
  }
  const dialect = dialectOf(db)
  const ids = idsOf(id)
  const raw = rawOf(db)
  const quoted = (name: string): string => verbatim(dialect, name) // the names are Django's
  const [key, user] = [quoted('key'), quoted('user_id')]
  const times = Object.entries(TIMES[table])
  const selected = [
    `${key} as ${quoted('token')}`,
    `${asText(dialect, user)} as ${user}`,
    ...times.map(([column]) => `${seconds(dialect, quoted(column))} as ${quoted(column)}`),
  ].join(', ')
  const query = `select ${selected} from ${quoted(table)} where ${key} > ? order by ${key} limit ${batch}`
  const words = { table, columns: ['key', 'user_id', ...times.map(([column]) => column)] }
  const read = async (bindings: readonly string[]): Promise<unknown> => {
    try {
      return await raw(query, bindings)
    } catch (error) {
      throw diagnosed(error, words)
    }
  }

  let last = ''
  for (;;) {
    const rows = rowsOf(dialect, await read([last]))
    if (rows.length === 0) return
    last = String(rows.at(-1)?.['token'])
    const users = rows.map((row) => ids.canonical(typeof row['user_id'] === 'string' ? row['user_id'] : ''))
    if (!users.every((one) => ids.isCanonical(one))) {
      throw new ContractViolation(
        `id (--id) must be how the user table keeps its ids: a user_id of ${table} is not ${id}`,
      )
    }
    yield rows.map((row, at) => {
      const known = times.filter(([column]) => row[column] !== null)
      return {
        token: String(row['token']),
        userId: users[at] ?? '',
        ...Object.fromEntries(known.map(([column, property]) => [property, Number(row[column])])),
      }
    })
  }
}

/** A time as Django keeps it, in whole seconds since 1970: with a zone on PostgreSQL, in UTC without one elsewhere. */
function seconds(dialect: Dialect, column: string): string {
  if (dialect === 'postgres') return `floor(extract(epoch from ${column}))`
  if (dialect === 'mysql') return `timestampdiff(second, '1970-01-01 00:00:00', ${column})`
  return `cast(strftime('%s', ${column}) as integer)`
}
