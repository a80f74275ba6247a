import { codeOf, InternalError, isError } from '../../errors.js'
import { withoutValues } from './database-error.js'

/** The words of a schema that a message may hold: they are the application's, and no secrets. */
export interface SchemaWords {
  readonly table: string
  /** As the database spells them. */
  readonly columns: readonly string[]
}

/** A table that is not what the options of its store say. */
export class SchemaError extends InternalError {
  readonly driverCode: string
  constructor(what: string, driverCode: string) {
    super(`${what} (${driverCode})`, 'ERR_SCHEMA')
    this.driverCode = driverCode
  }
}

const NO_TABLE = new Set(['42P01', '3F000', 'ER_NO_SUCH_TABLE', 'ER_BAD_DB_ERROR'])
const NO_COLUMN = new Set(['42703', 'ER_BAD_FIELD_ERROR'])
const DENIED = new Set(['42501', 'ER_TABLEACCESS_DENIED_ERROR', 'ER_COLUMNACCESS_DENIED_ERROR'])
const UNREADABLE = new Set(['22P02', '22003']) // PostgreSQL: a text that is no value of the column's type
const OTHER_TYPE = new Set([...UNREADABLE, '42804', '42883'])

/**
 * The internal error to throw for an error of a driver: for a table or column that is missing, closed or of another type one
 * that names it, for any other a `DatabaseError`; an error of this library as it is. The driver's message only says which of the
 * known words it is: it quotes the values of the query, too, and no part of it is kept.
 */
export function diagnosed(error: unknown, words: SchemaWords): Error {
  const safe = withoutValues(error)
  const code = codeOf(error)
  if (safe === error || !isError(error) || code === undefined) return safe
  const { table } = words
  const said = ownWords(error)
  const schemaError = (what: string): SchemaError => new SchemaError(what, code)
  if (NO_TABLE.has(code) || (isSqlite(code) && /no such table: /.test(said))) {
    return schemaError(`table ${table} does not exist`)
  }
  if (NO_COLUMN.has(code) || (isSqlite(code) && /no such column: |has no column named /.test(said))) {
    return schemaError(`column ${mentioned(said, words.columns)} of table ${table} does not exist`)
  }
  if (DENIED.has(code)) return schemaError(`the database user may not use table ${table} as the store does`)
  if (OTHER_TYPE.has(code)) return schemaError(`a column of table ${table} has another type than the options say`)
  return safe
}

/** Whether a query failed because a text in it is no value of the column's type. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof SchemaError && UNREADABLE.has(error.driverCode)
}

function isSqlite(code: string): boolean {
  return code === 'SQLITE_ERROR'
}

/** What the database said, without the statement that Knex puts before it. */
function ownWords(error: Error): string {
  if ('sqlMessage' in error && typeof error.sqlMessage === 'string') return error.sqlMessage
  return error.message.slice(error.message.lastIndexOf(' - ') + 1)
}

/** Which of some names a text is about: one in quotes or after a colon, else the longest, since a server may speak any language. */
function mentioned(text: string, names: readonly string[]): string {
  const marked = names.find(
    (name) => text.includes(`"${name}"`) || text.includes(`'${name}'`) || text.endsWith(`: ${name}`),
  )
  const longestFirst = names.toSorted((a, b) => b.length - a.length)
  return marked ?? longestFirst.find((name) => text.includes(name)) ?? `(one of ${names.join(', ')})`
}
