import type { Knex } from 'knex'
import { InternalError } from '../../errors.js'
import { diagnosed } from './diagnosis.js'
import {
  type Dialect,
  dialectOf,
  headerOf,
  identifier,
  quoted,
  type Row,
  rowsOf,
  unquoted,
  verbatim,
} from './dialect.js'
import { rawOf } from './raw.js'
import { retried } from './retry.js'

export interface TableSettings {
  /** Its name, which may have a schema before a dot. */
  readonly table: string
  /** Property → column. */
  readonly columns: Readonly<Record<string, string>>
  /** How a column is read if not as it is, by its property; given its quoted name. */
  readonly read?: Readonly<Record<string, (column: string) => string>>
  /** Seconds for one statement with all its retries. */
  readonly timeout: number
}

type Bindings = readonly Knex.Value[]

/** A table of the application as a store reads and writes it. Every statement passes here. */
export interface Table {
  readonly dialect: Dialect
  /** Quoted. */
  readonly name: string
  /** The quoted column of a property. */
  column(property: string): string
  /** The rows that a condition (with `order by` and `limit` after it) selects, with each property as an own property. `throwIfAbandoned` runs once there is a connection, which may take long. */
  select(condition: string, bindings: Bindings, throwIfAbandoned?: () => void): Promise<readonly Row[]>
  /** Sends a statement as it is; what comes back has the driver's shape. */
  send(sql: string, bindings: Bindings, throwIfAbandoned?: () => void): Promise<unknown>
  /** Sends an update or a deletion and returns how many rows it matched. */
  change(sql: string, bindings: Bindings): Promise<number>
  /**
   * What the sessions of a server must be like: on MySQL backslashes must escape, since mysql2 writes values into the
   * statement with them and a text could end early. The stores send texts as hexadecimal literals and do not depend on it,
   * the application's own statements do.
   *
   * @throws {InternalError} ERR_SCHEMA if they do not. A server that is not strict is a warning of the process.
   */
  checkSession(): Promise<void>
}

/** @throws {TypeError} for another database, or a name that cannot be one. */
export function tableOf(db: Knex, settings: TableSettings): Table {
  const { table, columns, read = {}, timeout } = settings
  const dialect = dialectOf(db)
  const name = quoted(db, identifier('table', table))
  const raw = rawOf(db)
  const properties = Object.keys(columns)
  const column = (property: string): string => {
    const known = columns[property]
    if (known === undefined) throw new InternalError(`table ${table} has no column for ${property}`)
    return quoted(db, known)
  }
  const words = { table, columns: properties.map((property) => unquoted(column(property))) }
  const selected = properties
    .map((property) => `${(read[property] ?? asItIs)(column(property))} as ${verbatim(dialect, property)}`)
    .join(', ')

  const send: Table['send'] = async (sql, bindings, throwIfAbandoned) => {
    const attempt = (seconds: number): PromiseLike<unknown> => {
      const query = raw(sql, bindings).timeout(Math.ceil(seconds * 1000))
      return throwIfAbandoned === undefined ? query : query.on('start', throwIfAbandoned)
    }
    try {
      // In a transaction of the caller's all of it has failed, and only the caller can run it again.
      return await (db.isTransaction === true ? attempt(timeout) : retried(attempt, { timeout }))
    } catch (error) {
      throw diagnosed(error, words)
    }
  }

  return {
    dialect,
    name,
    column,
    send,

    async select(condition, bindings, throwIfAbandoned) {
      const rows = rowsOf(
        dialect,
        await send(`select ${selected} from ${name} where ${condition}`, bindings, throwIfAbandoned),
      )
      for (const row of rows) {
        const missing = properties.find((property) => !Object.hasOwn(row, property))
        if (missing !== undefined) {
          throw new InternalError(`a row of table ${table} came back without ${missing}`, 'ERR_SCHEMA')
        }
      }
      return rows
    },

    async change(sql, bindings) {
      if (dialect === 'sqlite') return rowsOf(dialect, await send(`${sql} returning 1`, bindings)).length
      const result = await send(sql, bindings)
      return dialect === 'mysql' ? headerOf(result).affectedRows : (result as { rowCount: number }).rowCount
    },

    async checkSession() {
      if (dialect !== 'mysql') return
      const [row] = rowsOf(dialect, await send('select @@sql_mode as mode', []))
      if (typeof row?.['mode'] !== 'string') throw new InternalError('a row came back without mode', 'ERR_SCHEMA')
      const modes = new Set(row['mode'].split(','))
      if (modes.has('NO_BACKSLASH_ESCAPES')) {
        throw new InternalError(
          'sql_mode has NO_BACKSLASH_ESCAPES, in which values can break out of the statements of mysql2: remove it',
          'ERR_SCHEMA',
        )
      }
      if (!modes.has('STRICT_TRANS_TABLES') && !modes.has('STRICT_ALL_TABLES')) {
        process.emitWarning(
          'koa-tokenapi: sql_mode is not strict: the database cuts off what is too long and too large without an error',
        )
      }
    },
  }
}

function asItIs(column: string): string {
  return column
}
