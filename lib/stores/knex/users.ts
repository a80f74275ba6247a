import type { Knex } from 'knex'
import { batch } from '../batch.js'
import { timeoutOption } from '../../deadline.js'
import {
  asText,
  concernsAllKeys,
  dialectOf,
  exactly,
  identifier,
  isUnstorable,
  oneOf,
  quoted,
  rowsOf,
} from './dialect.js'
import { type IdColumn, type IdTypes, idsOf } from '../ids.js'
import { ownCopy } from '../own-copy.js'
import type { UserStore } from '../user-store.js'

/** The columns of a user table. Those that a table does not have are null. */
export interface UserColumns {
  readonly id?: string
  readonly username?: string
  readonly password?: string
  readonly isActive?: string | null
  readonly tokenEpoch?: string | null
  readonly endedLogins?: string | null
}

export interface KnexUsersOptions<K extends IdColumn, Extra extends object> {
  /** 'users'. */
  readonly table?: string
  /**
   * Property → column: `id`, `username`, `password`, `is_active`, `token_epoch` and `ended_logins` by default. The last three
   * may be null for a table without that column; where `tokenEpoch` is null, `endedLogins` is null by default, too. Further
   * entries become further properties.
   */
  readonly columns?: UserColumns & { readonly [P in keyof NoInfer<Extra>]: string }
  /** How the ids are kept; 'integer'. */
  readonly id?: K
  /** Seconds that a query may take before its connection is given up; 5. */
  readonly timeout?: number
}

const OPTIONAL = new Set(['isActive', 'tokenEpoch', 'endedLogins'])

/** A row of `knexUsers`. `password` is not enumerable, so that `ctx.body = ctx.state.user` leaks no hash. */
export type KnexUser<K extends IdColumn = 'integer', Extra extends object = {}> = Extra & {
  id: IdTypes[K]
  username: string
  password: string | null
  isActive?: boolean | 0 | 1 | null
  tokenEpoch?: number | null
  endedLogins?: string | null
}

/**
 * Users in a table, through Knex on PostgreSQL, MySQL, MariaDB or SQLite. Look-ups of one turn of the event loop go out as
 * one query; nothing is cached. Ids that are not canonical or out of the column's range cause no query. A `bigint` table
 * has bigints as ids.
 *
 * Django's `auth_user` works as it is:
 * `knexUsers(db, { table: 'auth_user', columns: { tokenEpoch: null } })`.
 *
 * @throws {TypeError} at start-up for another database or id type.
 */
export function knexUsers<Extra extends object = {}, K extends IdColumn = 'integer'>(
  db: Knex,
  options: KnexUsersOptions<K, Extra> = {},
): UserStore<KnexUser<K, Extra>> {
  type Row = KnexUser<K, Extra>
  const { table = 'users' } = options
  const timeout = timeoutOption(options)
  identifier('table', table)
  const type = options.id ?? ('integer' as K) // K is 'integer' where no id was given
  const columns: Readonly<Record<string, string | null>> = {
    id: 'id',
    username: 'username',
    password: 'password',
    isActive: 'is_active',
    tokenEpoch: 'token_epoch',
    endedLogins: options.columns?.tokenEpoch === null ? null : 'ended_logins',
    ...(options.columns as Record<string, string | null> | undefined),
  }
  for (const [property, column] of Object.entries(columns)) {
    if (column !== null || !OPTIONAL.has(property)) identifier(`columns.${property}`, column)
  }
  const dialect = dialectOf(db)
  const ids = idsOf(type)
  const isNumber = type === 'integer' || type === 'bigint'
  const id = quoted(db, columns['id'] ?? 'id')
  const username = quoted(db, columns['username'] ?? 'username')
  const selected = Object.entries(columns)
    .filter((entry): entry is [string, string] => entry[1] !== null)
    .map(([property, column]) => {
      const value = property === 'id' && type === 'bigint' ? asText(dialect, id) : quoted(db, column)
      return `${value} as ${quoted(db, property)}`
    })
  const select = `select ${selected.join(', ')} from ${quoted(db, table)} where `

  const ask = async (
    column: string,
    values: readonly string[],
    numeric: boolean,
    throwIfAbandoned: () => void,
  ): Promise<readonly Record<string, unknown>[]> => {
    const [condition, bindings] = oneOf(dialect, column, values, numeric)
    const query = db.raw(select + condition, bindings).timeout(timeout * 1000)
    query.on('start', throwIfAbandoned) // once there is a connection, which may take long
    return rowsOf(dialect, await query)
  }
  const byId = batch(async (keys, throwIfAbandoned) => {
    const values = keys.flatMap((key) => ids.bindings(key))
    const rows = await orNobody(keys, ask(id, values, isNumber, throwIfAbandoned))
    return new Map(rows.map((row) => [String(ids.present(row['id'])), row]))
  }, concernsAllKeys)
  const byUsername = batch(async (keys, throwIfAbandoned) => {
    const rows = await orNobody(keys, ask(username, keys, false, throwIfAbandoned))
    return new Map(rows.map((row) => [String(row['username']), row]))
  }, concernsAllKeys)
  /** Each caller gets an object of its own, also where one row answers several. */
  const present = (row: Record<string, unknown> | null): Row | null => {
    if (row === null) return null
    const user = ownCopy(row)
    user['id'] = ids.present(row['id'])
    return user as unknown as Row // the columns are as the options say
  }

  const store: UserStore<Row> = {
    findById: async (text, asker) => (ids.isCanonical(text) ? present(await byId(text, asker)) : null),
    findByUsername: async (name, asker) => present(await byUsername(name, asker)),
  }
  const { tokenEpoch } = columns
  if (tokenEpoch === null || tokenEpoch === undefined) return store
  const epoch = quoted(db, tokenEpoch)
  return {
    ...store,
    async bumpEpoch(text) {
      if (!ids.isCanonical(text)) throw new Error('there is no such user')
      const [condition, bindings] =
        type === 'text' ? exactly(dialect, id, text) : oneOf(dialect, id, ids.bindings(text), isNumber)
      const changed = await db(table)
        .whereRaw(condition, bindings)
        .update(tokenEpoch, db.raw(`coalesce(${epoch}, 0) + 1`))
        .timeout(timeout * 1000)
      if (changed === 0) throw new Error('there is no such user')
    },
  }
}

/** One text that the column cannot hold is nobody's. Among several the query fails, and each is asked for by itself. */
async function orNobody<R>(keys: readonly string[], rows: Promise<readonly R[]>): Promise<readonly R[]> {
  try {
    return await rows
  } catch (error) {
    if (keys.length === 1 && isUnstorable(error)) return []
    throw error
  }
}
