import type { Knex } from 'knex'
import { batch } from '../batch.js'
import { timeoutOption } from '../../deadline.js'
import { InternalError } from '../../errors.js'
import { asText, dialectOf, exactly, headerOf, identifier, oneOf, type Row } from './dialect.js'
import { concernsAllKeys } from './failures.js'
import { isUnstorable } from '../unstorable.js'
import { type IdColumn, type IdTypes, idsOf } from '../ids.js'
import { ownCopy } from '../own-copy.js'
import { tableOf } from './table.js'
import type { UserStore } from '../user-store.js'
import { isUserId } from '../../user.js'
import { checkOptions, type OptionNames } from '../../option-names.js'

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
  /** Seconds that a statement may take, with its retries, before its connection is given up; 5. */
  readonly timeout?: number
}

const OPTIONAL = new Set(['isActive', 'tokenEpoch', 'endedLogins'])

/** A row of `knexUsers`. `password` is not enumerable, so that `ctx.body = ctx.state.user` does not send the hash. */
export type KnexUser<K extends IdColumn = 'integer', Extra extends object = {}> = Extra & {
  id: IdTypes[K]
  username: string
  password: string | null
  isActive?: boolean | 0 | 1 | null
  tokenEpoch?: number | null
  endedLogins?: string | null
}

/** A user store on a table, which can check at start-up that the table is what its options say. */
export interface KnexUserStore<U extends KnexUser<IdColumn>> extends UserStore<U> {
  /**
   * Runs the store's lookups once, for start-up. Nothing is written, and it does not check that the table may be written to.
   *
   * @throws {InternalError} ERR_SCHEMA whose message names a table or column that is missing or has another type, an id that
   *   the option `id` does not allow, or a MySQL server with NO_BACKSLASH_ESCAPES. Any other error of the database
   *   has the driver's code and no values.
   */
  check(): Promise<void>
}

const OPTIONS = { table: true, columns: true, id: true, timeout: true } as const satisfies OptionNames<
  KnexUsersOptions<IdColumn, object>
>

/**
 * Users in a table, through Knex on PostgreSQL, MySQL, MariaDB or SQLite. Lookups of one event-loop tick are sent as one
 * query; nothing is cached. Ids that are not canonical or out of the column's range cause no query. A `bigint` table has
 * bigints as ids. Names of tables and columns pass the `wrapIdentifier` of the application's Knex; its `postProcessResponse`
 * does not apply. Serialization failures and deadlocks are retried until `timeout`.
 *
 * Django's `auth_user` works as it is:
 * `knexUsers(db, { table: 'auth_user', columns: { tokenEpoch: null } })`.
 *
 * @throws {TypeError} at start-up for another database or id type.
 */
export function knexUsers<Extra extends object = {}, K extends IdColumn = 'integer'>(
  db: Knex,
  options: KnexUsersOptions<K, Extra> = {},
): KnexUserStore<KnexUser<K, Extra>> {
  type User = KnexUser<K, Extra>
  checkOptions('knexUsers', options, OPTIONS)
  const { table = 'users' } = options
  const timeout = timeoutOption(options)
  const type = options.id ?? ('integer' as K) // K is 'integer' where no id was given
  const columns = columnsOf(options.columns)
  const ids = idsOf(type)
  const isNumber = type === 'integer' || type === 'bigint'
  const dialect = dialectOf(db)
  const read = type === 'bigint' ? { id: (column: string) => asText(dialect, column) } : {}
  const users = tableOf(db, { table, columns, read, timeout })
  const [id, username] = [users.column('id'), users.column('username')]

  const byId = batch(async (keys, throwIfAbandoned) => {
    const values = keys.flatMap((key) => ids.bindings(key))
    const rows = await orNone(keys, users.select(...oneOf(dialect, id, values, isNumber), throwIfAbandoned))
    return new Map(rows.map((row) => [String(ids.present(row['id'])), row]))
  }, concernsAllKeys)
  const byUsername = batch(async (keys, throwIfAbandoned) => {
    const rows = await orNone(keys, users.select(...oneOf(dialect, username, keys, false), throwIfAbandoned))
    return new Map(rows.map((row) => [String(row['username']), row]))
  }, concernsAllKeys)
  /** Each caller gets an object of its own, also where one row is for several of them. */
  const present = (row: Row | null): User | null => {
    if (row === null) return null
    const user = ownCopy<Record<string, unknown>>(row)
    user['id'] = ids.present(row['id'])
    const text = String(user['id'])
    if (!isUserId(text) || !ids.isCanonical(text)) {
      throw new InternalError(`table ${table} has an id that the option id: '${type}' does not allow`, 'ERR_SCHEMA')
    }
    if ('isActive' in user) user['isActive'] = withoutBigInt(user['isActive'])
    if ('tokenEpoch' in user) user['tokenEpoch'] = asNumber(user['tokenEpoch'])
    return user as unknown as User // the columns are as the options say
  }
  /** The condition of a statement that writes one row. @throws {InternalError} ERR_USER_NOT_FOUND for a text that is not an id. */
  const idIs = (text: string): [string, Knex.Value[]] => {
    if (!ids.isCanonical(text)) throw userNotFound()
    return type === 'text' ? exactly(dialect, id, text) : oneOf(dialect, id, ids.bindings(text), isNumber)
  }

  const store: KnexUserStore<User> = {
    findById: async (text, asker) => (ids.isCanonical(text) ? present(await byId(text, asker)) : null),
    findByUsername: async (name, asker) => present(await byUsername(name, asker)),
    async check() {
      await users.checkSession()
      await users.select(...oneOf(dialect, id, ids.bindings(ids.sample), isNumber))
      await users.select(...oneOf(dialect, username, ['ann'], false))
      const [some] = await users.select('1 = 1 limit 1', [])
      present(some ?? null)
    },
  }
  if (columns['tokenEpoch'] === undefined) return store
  const epoch = users.column('tokenEpoch')
  const raised = `coalesce(${epoch}, 0) + 1`
  const bumping: KnexUserStore<User> = {
    ...store,
    async bumpEpoch(text) {
      const [isUser, bindings] = idIs(text)
      const update = `update ${users.name} set ${epoch} = ${raised} where ${isUser}`
      if (dialect !== 'mysql') {
        if ((await users.change(update, bindings)) === 0) throw userNotFound()
        return
      }
      const { affectedRows, changedRows } = headerOf(await users.send(update, bindings))
      if (affectedRows === 0) throw userNotFound()
      // Where sql_mode is not strict, a column that is at its largest value stays there, and no token ends.
      if (changedRows === 0) {
        throw new InternalError(
          `column ${columns['tokenEpoch']} of table ${table} cannot be raised`,
          'ERR_REVOKE_NO_EFFECT',
        )
      }
    },
  }
  if (columns['endedLogins'] === undefined) return bumping
  const ended = users.column('endedLogins')
  const length = `${dialect === 'mysql' ? 'char_length' : 'length'}(coalesce(${ended}, ''))`
  const appended = dialect === 'mysql' ? `concat(${ended}, ' ', ?)` : `${ended} || ' ' || ?`
  const entryText = dialect === 'postgres' ? 'cast(? as text)' : '?'
  return {
    ...bumping,

    async appendEndedLogin(text, entry, most) {
      const [isUser, bindings] = idIs(text)
      const isFull = `case when ${length} = 0 then 0 else ${length} + 1 end + ? > ?`
      const size = [entry.length, most]
      // MySQL assigns from left to right, so that the epoch must come before the text on which it depends.
      const changed = await users.change(
        `update ${users.name} set ${epoch} = case when ${isFull} then ${raised} else ${epoch} end,
          ${ended} = case when ${isFull} then null when ${length} = 0 then ${entryText} else ${appended} end where ${isUser}`,
        [...size, ...size, entry, entry, ...bindings],
      )
      if (changed === 0) throw userNotFound()
    },

    async dropEndedLogins(text, from, to) {
      const [isUser, bindings] = idIs(text)
      const [isStill, same] = exactly(dialect, ended, from)
      await users.change(`update ${users.name} set ${ended} = ? where ${isUser} and ${isStill}`, [
        to,
        ...bindings,
        ...same,
      ])
    },
  }
}

/** The columns that a table has. @throws {TypeError} that names the one that cannot be the name of a column. */
function columnsOf(given: Readonly<Record<string, string | null>> = {}): Readonly<Record<string, string>> {
  const all: Readonly<Record<string, string | null>> = {
    id: 'id',
    username: 'username',
    password: 'password',
    isActive: 'is_active',
    tokenEpoch: 'token_epoch',
    endedLogins: given['tokenEpoch'] === null ? null : 'ended_logins',
    ...given,
  }
  for (const [property, column] of Object.entries(all)) {
    if (column !== null || !OPTIONAL.has(property)) identifier(`columns.${property}`, column)
  }
  if (all['tokenEpoch'] === null && all['endedLogins'] !== null) {
    throw new TypeError('columns.endedLogins needs columns.tokenEpoch: all logins end when the text is full')
  }
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null))
}

function userNotFound(): InternalError {
  return new InternalError('there is no such user', 'ERR_USER_NOT_FOUND')
}

/** Drivers may return whole numbers as bigints. */
function withoutBigInt(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

/** An integer as a number: pg returns those of 64 bits as text. One above 2^53 stays what it is. */
function asNumber(value: unknown): unknown {
  const number = typeof value === 'bigint' || (typeof value === 'string' && value !== '') ? Number(value) : Number.NaN
  return Number.isSafeInteger(number) ? number : value
}

/** No row has a text that the column cannot hold. Among several texts the query fails, and each is looked up by itself. */
async function orNone<R>(keys: readonly string[], rows: Promise<readonly R[]>): Promise<readonly R[]> {
  try {
    return await rows
  } catch (error) {
    if (keys.length === 1 && isUnstorable(error)) return []
    throw error
  }
}
