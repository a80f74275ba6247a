import type { Knex } from 'knex'
import { ContractViolation, InternalError } from '../../errors.js'

/** The three ways to write what the stores ask. */
export type Dialect = 'postgres' | 'mysql' | 'sqlite'

/** @throws {TypeError} for a database whose comparisons have not been tried. */
export function dialectOf(db: Knex): Dialect {
  const name: unknown = (db.client as { dialect?: unknown }).dialect // Knex types its client as any
  if (name === 'postgresql') return 'postgres'
  if (name === 'mysql') return 'mysql'
  if (name === 'sqlite3') return 'sqlite'
  throw new TypeError('db must be a Knex of PostgreSQL, MySQL, MariaDB or SQLite')
}

/** The name of a table or column among the options. @throws {TypeError} that names the option for what can be none. */
export function identifier(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) {
    throw new TypeError(`${name} must be the name of a table or column`)
  }
  return value
}

/** An identifier, quoted for its database. */
export function quoted(db: Knex, name: string): string {
  return db.raw('??', [name]).toQuery()
}

/** An integer column as text, since some drivers round what is above 2^53. */
export function asText(dialect: Dialect, column: string): string {
  return `cast(${column} as ${dialect === 'mysql' ? 'char' : 'text'})`
}

/** A condition that a column has one of some values, and the bindings for it. */
export function oneOf(
  dialect: Dialect,
  column: string,
  values: readonly string[],
  isNumber: boolean,
): [string, Knex.Value[]] {
  if (dialect === 'postgres') return [`${column} = any(?)`, [[...values]]]
  // MySQL compares a number with a text as floating-point numbers, which are not exact above 2^53.
  const place = dialect === 'mysql' && isNumber ? 'cast(? as signed)' : '?'
  return [`${column} in (${values.map(() => place).join(', ')})`, [...values]]
}

/** A condition that a column, read as text, has one value: for statements whose rows are not compared afterwards. */
export function exactly(dialect: Dialect, column: string, text: string): [string, Knex.Value[]] {
  // MySQL takes 'ANN' and 'ann ' for 'ann', and SQLite '01' for 1 in a column of integers. The first half is for the index.
  const bytes = dialect === 'mysql' ? `binary cast(${column} as char character set utf8mb4)` : asText(dialect, column)
  return [`${column} = ? and ${bytes} = ?`, [text, text]]
}

/** The rows of a query, wherever its driver puts them. */
export function rowsOf(dialect: Dialect, result: unknown): readonly Record<string, unknown>[] {
  if (dialect === 'postgres') return (result as { rows: Record<string, unknown>[] }).rows
  if (dialect === 'mysql') return (result as [Record<string, unknown>[]])[0]
  return result as Record<string, unknown>[]
}

const UNSTORABLE = new Set([
  '22021', // PostgreSQL: character_not_in_repertoire, a NUL for example
  '22P05', // PostgreSQL: untranslatable_character, in a database that is not UTF-8
  'ER_CANT_AGGREGATE_2COLLATIONS', // MySQL: an emoji against a column of utf8mb3, anything foreign against latin1
  'ER_CANT_AGGREGATE_3COLLATIONS',
  'ER_CANT_AGGREGATE_NCOLLATIONS',
])

/** Whether a query failed since its text has characters that the column cannot hold, so that no row has it. */
export function isUnstorable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNSTORABLE.has(String(error.code))
}

/**
 * Whether a query failed for a reason that no single value in it causes: a timeout, a lost connection, a missing table. The
 * rest are data exceptions (SQLSTATE class 22) such as a number out of a column's range, and errors that no database raised.
 */
export function concernsAllKeys(error: unknown): boolean {
  if (isTimeout(error)) return true
  if (!(error instanceof Error) || error instanceof InternalError || error instanceof ContractViolation) return false
  const { code, sqlState = code } = error as { readonly code?: unknown; readonly sqlState?: unknown } // mysql2 has both
  return typeof code === 'string' && !isUnstorable(error) && !String(sqlState).startsWith('22')
}

/** Whether a query, or the wait for a connection, took too long. */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'KnexTimeoutError'
}

const DEADLOCKS = new Set(['40P01', 'ER_LOCK_DEADLOCK'])
const ATTEMPTS = 6

/**
 * Runs one statement, and again where the database has ended it since two waited for each other: it is undone as a whole
 * then, and both manuals say to send it once more (PostgreSQL §13.3.4, MySQL §17.7.5.3).
 */
export async function retried<T>(statement: () => PromiseLike<T>): Promise<T> {
  for (let left = ATTEMPTS - 1; ; left -= 1) {
    try {
      return await statement()
    } catch (error) {
      if (left === 0 || !(error instanceof Error && 'code' in error && DEADLOCKS.has(String(error.code)))) throw error
    }
  }
}
