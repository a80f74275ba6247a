import { type Cancellable, timeoutOption, withDeadline } from '../deadline.js'
import { codeOf, ContractViolation, InternalError } from '../errors.js'
import { checkOptions, type OptionNames } from '../option-names.js'
import { canonicalUsername, isUserId, type User } from '../user.js'
import { batch } from './batch.js'
import { type IdColumn, type IdTypes, idsOf } from './ids.js'
import { ownCopy } from './own-copy.js'
import { isUnstorable } from './unstorable.js'
import { userRow } from './user-row.js'
import type { UserStore } from './user-store.js'

/** Queries of an application's own database code. Ids have the type that the option `id` says: number, bigint or text. */
export interface BatchedUsersOptions<U extends User, K extends IdColumn = 'integer'> {
  /**
   * The users with these ids, 1 to 500, in any order; without those that do not exist. Rows are plain objects with the names of
   * `User`, also `tokenEpoch` and `endedLogins` if the methods below write them. The signal is aborted after `timeout`.
   */
  readonly findByIds: (ids: readonly IdTypes[K][], options: Cancellable) => Promise<readonly U[]>
  /** The users with these names, likewise. Rows of other names, which a database may find equal, are ignored. */
  readonly findByUsernames: (usernames: readonly string[], options: Cancellable) => Promise<readonly U[]>
  /** As of `UserStore`; a result of 0 (rows changed) counts as an unknown user. */
  readonly bumpEpoch?: (id: IdTypes[K]) => Promise<number | void>
  /** As of `UserStore`; a result of 0 (rows changed) counts as an unknown user. */
  readonly appendEndedLogin?: (id: IdTypes[K], entry: string, most: number) => Promise<number | void>
  /** As of `UserStore`. */
  readonly dropEndedLogins?: (id: IdTypes[K], from: string, to: string | null) => Promise<unknown>
  /** How the table keeps its ids; 'integer'. */
  readonly id?: K
  /** Seconds that a query for several users may take; 5. */
  readonly timeout?: number
}

const OPTIONS = {
  findByIds: true,
  findByUsernames: true,
  bumpEpoch: true,
  appendEndedLogin: true,
  dropEndedLogins: true,
  id: true,
  timeout: true,
} as const satisfies OptionNames<BatchedUsersOptions<User>>
const REQUIRED = ['findByIds', 'findByUsernames'] as const
const WRITES = ['bumpEpoch', 'appendEndedLogin', 'dropEndedLogins'] as const

/**
 * A user store on an application's own queries, through any ORM or driver, as fast and as careful as `knexUsers`: lookups of
 * one event-loop tick are one query, nothing is cached, texts that are no canonical id or name cause no query, each lookup
 * returns an object of its own whose `password` is not enumerable, and a name or id that differs is not found. A query that
 * fails is repeated in halves if a character in one of its names or ids may be the cause.
 *
 * It does not check that the writes are atomic, or that `findByIds` reads what they have written: hold your store to the
 * contract suite.
 *
 * @throws {TypeError} at start-up that names an option which is wrong. Lookups reject with {ContractViolation} for rows without
 *   a property that is needed, and with {InternalError} ERR_SCHEMA for a row with an id that the option `id` does not allow.
 */
export function batchedUsers<U extends User, K extends IdColumn = 'integer'>(
  options: BatchedUsersOptions<U, K>,
): UserStore<U> {
  checkOptions('batchedUsers', options, OPTIONS)
  for (const name of REQUIRED)
    if (typeof options[name] !== 'function') throw new TypeError(`${name} must be a function`)
  for (const name of WRITES) {
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw new TypeError(`${name} must be a function`)
  }
  if (options.appendEndedLogin !== undefined && options.bumpEpoch === undefined) {
    throw new TypeError('appendEndedLogin needs bumpEpoch: all logins end when the text is full')
  }
  const timeout = timeoutOption(options)
  const type = options.id ?? ('integer' as K) // K is 'integer' where no id was given
  const ids = idsOf(type)

  const byId = batch(async (keys, throwIfAbandoned) => {
    throwIfAbandoned()
    const rows = await query(keys, (call) =>
      options.findByIds(
        keys.map((key) => ids.present(key)),
        call,
      ),
    )
    return new Map(rows.map((row) => [String(ids.present(row.id)), row]))
  }, concernsAll)
  const byUsername = batch(async (keys, throwIfAbandoned) => {
    throwIfAbandoned()
    const rows = await query(keys, (call) => options.findByUsernames(keys, call))
    return new Map(rows.map((row) => [row.username, row]))
  }, concernsAll)

  const query = async (keys: readonly string[], run: (call: Cancellable) => Promise<readonly U[]>) => {
    try {
      const rows: unknown = await withDeadline(timeout, run)
      if (Array.isArray(rows) && rows.every(isObject)) return rows as readonly U[] // as far as it can be seen here
    } catch (error) {
      if (keys.length === 1 && isUnstorable(sourceOf(error))) return []
      throw error
    }
    throw new ContractViolation('findByIds and findByUsernames must resolve to lists of rows')
  }

  /** Each caller gets an object of its own, also where one row is for several of them. */
  const present = (row: U | null): U | null => {
    if (row === null) return null
    if (!Object.hasOwn(row, 'password')) {
      throw new ContractViolation('a row has no own property password: ask the ORM for plain objects')
    }
    for (const [method, property] of [
      ['bumpEpoch', 'tokenEpoch'],
      ['appendEndedLogin', 'endedLogins'],
    ] as const) {
      if (options[method] !== undefined && row[property] === undefined) {
        throw new ContractViolation(`a row has no ${property}, which ${method} writes`)
      }
    }
    const id = ids.present(row.id)
    if (!isUserId(String(id)) || !ids.isCanonical(String(id))) {
      throw new InternalError(`a row has an id that the option id: '${type}' does not allow`, 'ERR_SCHEMA')
    }
    return userRow(ownCopy({ ...row, id, password: row.password }))
  }

  const isId = (text: string): boolean => isUserId(text) && ids.isCanonical(text)
  /** Runs a write for a user. @throws {InternalError} ERR_USER_NOT_FOUND for a text that is no id, and if no row was changed. */
  const change = async (text: string, write: (id: IdTypes[K]) => Promise<number | void>): Promise<void> => {
    if (!isId(text) || (await write(ids.present(text))) === 0) {
      throw new InternalError('there is no such user', 'ERR_USER_NOT_FOUND')
    }
  }

  const { bumpEpoch, appendEndedLogin, dropEndedLogins } = options
  return {
    findById: async (text, asker) => (isId(text) ? present(await byId(text, asker)) : null),
    findByUsername: async (name, asker) =>
      canonicalUsername(name) === name ? present(await byUsername(name, asker)) : null,
    ...(bumpEpoch && { bumpEpoch: (text) => change(text, (id) => bumpEpoch(id)) }),
    ...(appendEndedLogin && {
      appendEndedLogin: (text, entry, most) => change(text, (id) => appendEndedLogin(id, entry, most)),
    }),
    ...(dropEndedLogins && {
      dropEndedLogins: async (text, from, to) => {
        if (isId(text)) await dropEndedLogins(ids.present(text), from, to)
      },
    }),
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

/**
 * Whether a query failed for a reason that no single key causes: a timeout, a lost connection, a missing table. Data exceptions
 * (SQLSTATE class 22) are another matter, and so are errors without a code, which the application's own code may throw for an id.
 */
function concernsAll(error: unknown): boolean {
  if (error instanceof InternalError || error instanceof ContractViolation) return true
  const source = sourceOf(error)
  const code = codeOf(source)
  if (code === undefined || isUnstorable(source)) return false
  const { sqlState = code } = source as { readonly sqlState?: unknown } // mysql2 has both
  return !String(sqlState).startsWith('22')
}

/** Where ORMs keep the driver's error: Drizzle and Kysely pass it on or as the cause, Sequelize and TypeORM under these names. */
const SOURCES = ['cause', 'original', 'driverError'] as const
const MAX_DEPTH = 5

/** The driver's error within that of an ORM: the first that has a code. */
function sourceOf(error: unknown): unknown {
  let source = error
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    if (!(source instanceof Error) || codeOf(source) !== undefined) return source
    const within = source as unknown as Readonly<Record<string, unknown>> // read by name
    source = SOURCES.map((name) => within[name]).find((value) => value instanceof Error)
  }
  return source
}
