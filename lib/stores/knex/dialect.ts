import type { Knex } from 'knex'

/** The three ways in which the statements of the stores are written. */
export type Dialect = 'postgres' | 'mysql' | 'sqlite'

/** @throws {TypeError} for a database whose comparisons have not been tried. */
export function dialectOf(db: Knex): Dialect {
  const name: unknown = (db.client as { dialect?: unknown }).dialect // Knex types its client as any
  if (name === 'postgresql') return 'postgres'
  if (name === 'mysql') return 'mysql'
  if (name === 'sqlite3') return 'sqlite'
  throw new TypeError('db must be a Knex of PostgreSQL, MySQL, MariaDB or SQLite')
}

/** The name of a table or column among the options. @throws {TypeError} that names the option for what cannot be one. */
export function identifier(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) {
    throw new TypeError(`${name} must be the name of a table or column`)
  }
  return value
}

/** A table or column of the application, quoted; its name passes the application's `wrapIdentifier`. */
export function quoted(db: Knex, name: string): string {
  return db.raw('??', [name]).toQuery()
}

/** A name that is not the application's, quoted as it is: it passes no hook. */
export function verbatim(dialect: Dialect, name: string): string {
  const quote = dialect === 'postgres' ? '"' : '`'
  return `${quote}${name.replaceAll(quote, quote + quote)}${quote}`
}

/** A quoted identifier as the catalogue of its database spells it. */
export function unquoted(name: string): string {
  const quote = name.charAt(0)
  return quote === '"' || quote === '`' ? name.slice(1, -1).replaceAll(quote + quote, quote) : name
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
  // PostgreSQL fails at a number that a smaller column cannot hold, unless it compares wider ones.
  if (dialect === 'postgres') return [`${column} = any(${isNumber ? 'cast(? as bigint[])' : '?'})`, [[...values]]]
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

/** A row of a result: a property for each name that its statement gave. */
export type Row = Readonly<Record<string, unknown>>

/** The rows of a raw query, which each driver returns in a shape of its own. */
export function rowsOf(dialect: Dialect, result: unknown): readonly Row[] {
  if (dialect === 'postgres') return (result as { rows: Row[] }).rows
  if (dialect === 'mysql') return (result as [Row[]])[0]
  return result as Row[]
}

/** What mysql2 returns for a statement that writes. */
export interface MysqlHeader {
  readonly affectedRows: number
  readonly insertId: number | string
  /** Rows whose values have changed: not those that an update set to what they held. */
  readonly changedRows?: number
}

/** The header of a raw statement on MySQL. */
export function headerOf(result: unknown): MysqlHeader {
  return (result as [MysqlHeader])[0]
}
