import type { Knex } from 'knex'
import { batch } from '../batch.js'
import { timeoutOption } from '../../deadline.js'
import { InternalError } from '../../errors.js'
import { isUnreadable } from './diagnosis.js'
import { asText, dialectOf, exactly, headerOf, oneOf, type Row, rowsOf } from './dialect.js'
import { concernsAllKeys } from './failures.js'
import { isUnstorable } from '../unstorable.js'
import { tableOf } from './table.js'
import {
  complete,
  LISTED,
  type NewStoredToken,
  type StoredToken,
  type TokenOwner,
  type TokenStore,
} from '../token-store.js'
import { checkOptions, type OptionNames } from '../../option-names.js'

export interface KnexTokensOptions {
  /** 'tokens'. */
  readonly table?: string
  /** Seconds that a statement may take, with its retries, before its connection is given up; 5. */
  readonly timeout?: number
}

/** A token store on a table, which can check at start-up that the table is as `createTokenTable` makes it. */
export interface KnexTokenStore extends TokenStore {
  /**
   * Runs a lookup once, for start-up. Nothing is written, and it does not check that the table may be written to.
   *
   * @throws {InternalError} ERR_SCHEMA whose message names a table or column that is missing or has another type, or a MySQL
   *   server with NO_BACKSLASH_ESCAPES. Any other error of the database has the driver's code and no values.
   */
  check(): Promise<void>
}

/** Rows of one insert. */
const BATCH = 400
/** Property → column. */
const COLUMNS = {
  id: 'id',
  digest: 'digest',
  purpose: 'purpose',
  userId: 'user_id',
  createdAt: 'created_at',
  lastUsedAt: 'last_used_at',
  expiresAt: 'expires_at',
  loggedInAt: 'logged_in_at',
  bound: 'bound',
  limits: 'limits',
  name: 'name',
} as const satisfies Readonly<Record<keyof StoredToken, string>>
/** What an insert writes, in order. */
const WRITTEN = (Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]).filter((property) => property !== 'id') // its own keys
const INTEGER = /^-?[0-9]+$/
const DECIMAL = /^[1-9][0-9]{0,9}$/

/** A condition with its bindings. */
type Condition = readonly [sql: string, bindings: readonly Knex.Value[]]

const OPTIONS = { table: true, timeout: true } as const satisfies OptionNames<KnexTokensOptions>

/**
 * Stored tokens in a table of `createTokenTable`, through Knex on PostgreSQL, MySQL, MariaDB or SQLite. Lookups of one
 * event-loop tick are sent as one query. Rows are removed by their ids, so that concurrent logins do not lock each other's
 * ranges; serialization failures and deadlocks are retried until `timeout`. Names of tables and columns pass the
 * `wrapIdentifier` of the application's Knex; its `postProcessResponse` does not apply.
 */
export function knexTokens(db: Knex, options: KnexTokensOptions = {}): KnexTokenStore {
  checkOptions('knexTokens', options, OPTIONS)
  const { table = 'tokens' } = options
  const timeout = timeoutOption(options)
  const dialect = dialectOf(db)
  // With a foreign key the column has the type of the user table's ids.
  const read = { userId: (column: string) => asText(dialect, column) }
  const tokens = tableOf(db, { table, columns: COLUMNS, read, timeout })
  const column = (property: keyof StoredToken): string => tokens.column(property)
  const [id, digest, lastUsedAt, expiresAt] = [
    column('id'),
    column('digest'),
    column('lastUsedAt'),
    column('expiresAt'),
  ]

  /** Compares bytes: on MySQL and MariaDB 'ann ' is 'ann' in a column of utf8mb4_bin too. */
  const ownedBy = (of: Pick<TokenOwner, 'purpose'> & Partial<TokenOwner>): Condition => {
    const purpose = exactly(dialect, column('purpose'), of.purpose)
    return of.userId === undefined ? purpose : and(purpose, exactly(dialect, column('userId'), of.userId))
  }
  const remove = (of: Condition): Promise<number> => tokens.change(`delete from ${tokens.name} where ${of[0]}`, of[1])
  const removeByIds = async (rows: readonly Row[]): Promise<void> => {
    if (rows.length > 0)
      await remove([`${id} in (${rows.map(() => '?').join(', ')})`, rows.map((row) => Number(row['id']))])
  }
  const insertInto = `${tokens.name} (${WRITTEN.map(column).join(', ')}) values`
  const places = `(${WRITTEN.map(() => '?').join(', ')})`
  // The ids of `createTokenTable` are unsigned on MySQL only, and PostgreSQL fails at what no column of its type can hold.
  const maxId = dialect === 'mysql' ? 2 ** 32 - 1 : 2 ** 31 - 1

  const byDigest = batch(async (digests) => {
    const rows = await tokens.select(...oneOf(dialect, digest, digests, false))
    return new Map(rows.map((row) => [String(row['digest']), present(row)]))
  }, concernsAllKeys)

  return {
    async add(token) {
      const returning = dialect === 'mysql' ? '' : ` returning ${id} as id`
      const result = await tokens.send(`insert into ${insertInto} ${places}${returning}`, valuesOf(token))
      return String(dialect === 'mysql' ? headerOf(result).insertId : rowsOf(dialect, result)[0]?.['id'])
    },

    async addMissing(added) {
      const byDigests = [...new Map(added.map((token) => [token.digest, token])).values()]
      let count = 0
      for (let at = 0; at < byDigests.length; at += BATCH) {
        const some = byDigests.slice(at, at + BATCH)
        const there = await tokens.select(
          ...oneOf(
            dialect,
            digest,
            some.map((token) => token.digest),
            false,
          ),
        )
        const known = new Set(there.map((row) => row['digest']))
        const missing = some.filter((token) => !known.has(token.digest))
        if (missing.length === 0) continue
        // Another process may be adding the same ones.
        const rows = `${insertInto} ${missing.map(() => places).join(', ')}`
        const insert =
          dialect === 'mysql' ? `insert ignore into ${rows}` : `insert into ${rows} on conflict (${digest}) do nothing`
        count += await tokens.change(insert, missing.flatMap(valuesOf))
      }
      return count
    },

    find: (text) => byDigest(text),

    async slide(text, { expiresAt: to, lastUsedAt: at, unusedSince, latest }) {
      const isMoved = latest === undefined ? `${expiresAt} <= ?` : `(${expiresAt} <= ? or ${expiresAt} > ?)`
      await tokens.change(
        `update ${tokens.name} set ${expiresAt} = ?, ${lastUsedAt} = ?
          where ${digest} = ? and ${isMoved} and (${lastUsedAt} is null or ${lastUsedAt} <= ?)`,
        [to, at, text, to, ...(latest === undefined ? [] : [latest]), unusedSince],
      )
    },

    remove: async (text) => (await remove([`${digest} = ?`, [text]])) > 0,

    async removeOne(owner, text) {
      if (!DECIMAL.test(text) || Number(text) > maxId) return false
      return (await ofOwner(0, remove(and(ownedBy(owner), [`${id} = ?`, [Number(text)]])))) > 0
    },

    async removeAll(owner) {
      await ofOwner(0, remove(ownedBy(owner)))
    },

    async removeSurplus(owner, keep, now) {
      const [live, bindings] = and(ownedBy(owner), [`${expiresAt} > ?`, [now]])
      let surplus: readonly Row[]
      do {
        surplus = await ofOwner(
          [],
          tokens.select(`${live} order by ${id} desc limit ? offset ?`, [...bindings, BATCH, keep]),
        )
        await removeByIds(surplus)
      } while (surplus.length === BATCH)
    },

    async removeExpired(of, now, most) {
      const [expired, bindings] = and(ownedBy(of), [`${expiresAt} <= ?`, [now]])
      const rows = await ofOwner([], tokens.select(`${expired} limit ?`, [...bindings, most]))
      await removeByIds(rows)
      return rows.length
    },

    async list(owner, now, most = LISTED) {
      const [live, bindings] = and(ownedBy(owner), [`${expiresAt} > ?`, [now]])
      const rows = await ofOwner([], tokens.select(`${live} order by ${id} desc limit ?`, [...bindings, most]))
      return rows.map(present)
    },

    async check() {
      await tokens.checkSession()
      await tokens.select(`${digest} = ? and ${column('purpose')} = ? and ${expiresAt} > ?`, ['', '', 0])
    },
  }
}

function and(one: Condition, other: Condition): Condition {
  return [`${one[0]} and ${other[0]}`, [...one[1], ...other[1]]]
}

/** The result of a statement for one owner, or `none` if `user_id` has a type that cannot hold the owner's id: no token has it. */
async function ofOwner<T>(none: T, result: Promise<T>): Promise<T> {
  try {
    return await result
  } catch (error) {
    if (isUnstorable(error) || isUnreadable(error)) return none
    throw error
  }
}

function valuesOf(token: NewStoredToken): Knex.Value[] {
  const whole = complete(token)
  return WRITTEN.map((property) => whole[property])
}

function present(row: Row): StoredToken {
  return {
    id: String(row['id']),
    digest: String(row['digest']),
    purpose: String(row['purpose']),
    userId: String(row['userId']),
    createdAt: time(row, 'createdAt'),
    lastUsedAt: orNull(row, 'lastUsedAt', time),
    expiresAt: time(row, 'expiresAt'),
    loggedInAt: orNull(row, 'loggedInAt', time),
    bound: orNull(row, 'bound', text),
    limits: orNull(row, 'limits', text),
    name: orNull(row, 'name', text),
  }
}

type Read<T> = (row: Row, property: keyof StoredToken) => T

/** Drivers return integers of 64 bits as numbers, texts or bigints. */
const time: Read<number> = (row, property) => {
  const value = row[property]
  const seconds = typeof value === 'string' && INTEGER.test(value) ? Number(value) : value
  const number = typeof seconds === 'bigint' ? Number(seconds) : seconds
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number
  throw new InternalError(`a stored token has a ${COLUMNS[property]} that is not a whole number`, 'ERR_SCHEMA')
}

const text: Read<string> = (row, property) => String(row[property])

function orNull<T>(row: Row, property: keyof StoredToken, read: Read<T>): T | null {
  return row[property] === null ? null : read(row, property)
}
