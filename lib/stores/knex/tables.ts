import type { Knex } from 'knex'
import { InternalError } from '../../errors.js'
import { type Dialect, dialectOf, identifier, quoted, rowsOf, unquoted } from './dialect.js'
import { rawOf } from './raw.js'
import { checkOptions, type OptionNames } from '../../option-names.js'

/**
 * Creates a user table for `knexUsers`: id, username (unique), password, is_active, token_epoch, ended_logins. Call it from a
 * migration of the application; it does not check whether the table exists. On MySQL and MariaDB user names are compared by
 * their bytes, as they are on the other databases.
 *
 * @param options `table`: its name, 'users'.
 */
export async function createUserTable(db: Knex, options: { readonly table?: string } = {}): Promise<void> {
  checkOptions('createUserTable', options, { table: true } satisfies OptionNames<typeof options>)
  const table = identifier('table', options.table ?? 'users')
  const exact = dialectOf(db) === 'mysql'
  await db.schema.createTable(table, (columns) => {
    columns.increments('id')
    const username = columns.string('username', 254).notNullable().unique()
    if (exact) username.collate('utf8mb4_bin')
    columns.string('password', 255)
    columns.boolean('is_active').notNullable().defaultTo(true)
    columns.integer('token_epoch').notNullable().defaultTo(0)
    columns.text('ended_logins') // no varchar: MySQL cuts one off silently if it is not strict
  })
}

export interface TokenTableOptions {
  /** 'tokens'. */
  readonly table?: string
  /**
   * The user table, for a foreign key: the database deletes a user's tokens with the user's row, and `user_id` has the type of
   * the column that it refers to. SQLite enforces it only on connections with `pragma foreign_keys = on`. None by default:
   * then `user_id` is text, and the application calls `revokeAll` before it deletes a user.
   */
  readonly users?: {
    /** 'users'. */
    readonly table?: string
    /** The column that `knexUsers` reads as `id`; 'id'. */
    readonly column?: string
  }
}

const TOKEN_TABLE_OPTIONS = { table: true, users: true } as const satisfies OptionNames<TokenTableOptions>
const REFERENCE_OPTIONS = { table: true, column: true } as const satisfies OptionNames<
  NonNullable<TokenTableOptions['users']>
>

/**
 * Creates a token table for `knexTokens`: only digests of tokens, in a column that compares bytes, with the user's id, times
 * in whole seconds, what a token is bound and limited to, and its name. Call it from a migration of the application; it does
 * not check whether the table exists.
 *
 * @throws {InternalError} ERR_SCHEMA if the column that `users` names does not exist.
 */
export async function createTokenTable(db: Knex, options: TokenTableOptions = {}): Promise<void> {
  checkOptions('createTokenTable', options, TOKEN_TABLE_OPTIONS)
  const table = identifier('table', options.table ?? 'tokens')
  const exact = dialectOf(db) === 'mysql'
  const { users } = options
  if (users !== undefined) checkOptions('users', users, REFERENCE_OPTIONS)
  const usersTable = identifier('users.table', users?.table ?? 'users')
  const usersId = identifier('users.column', users?.column ?? 'id')
  const typeOfId = users === undefined ? undefined : await columnType(db, usersTable, usersId)
  await db.schema.createTable(table, (columns) => {
    columns.increments('id')
    const digest = columns.string('digest', 64).notNullable().unique()
    const purpose = columns.string('purpose', 100).notNullable()
    const userId = typeOfId === undefined ? columns.string('user_id', 255) : columns.specificType('user_id', typeOfId)
    userId.notNullable()
    if (exact) {
      digest.collate('ascii_bin')
      purpose.collate('utf8mb4_bin')
      if (typeOfId === undefined) userId.collate('utf8mb4_bin')
    }
    columns.bigInteger('created_at').notNullable()
    columns.bigInteger('last_used_at')
    columns.bigInteger('expires_at').notNullable()
    columns.bigInteger('logged_in_at')
    const bound = columns.string('bound', 64)
    const limits = columns.string('limits', 1024)
    if (exact) for (const ascii of [bound, limits]) ascii.collate('ascii_bin')
    const name = columns.string('name', 200)
    if (exact) name.collate('utf8mb4_bin') // whatever the database's own character set is
    columns.index(['purpose', 'user_id', 'expires_at'])
    columns.index(['purpose', 'expires_at'])
    if (users !== undefined) columns.foreign('user_id').references(usersId).inTable(usersTable).onDelete('CASCADE')
    if (typeOfId !== undefined) columns.index(['user_id']) // for the deletion of a user
  })
}

/** A column's type, as the definition of another column takes it: a foreign key needs the same one, on MySQL to the sign. */
async function columnType(db: Knex, table: string, column: string): Promise<string> {
  const dialect = dialectOf(db)
  const name = unquoted(quoted(db, column))
  const { sql, bindings = [] } = TYPE_OF[dialect](quoted(db, table), name)
  const found = rowsOf(dialect, await rawOf(db)(sql, bindings))
  const of = found.map(withLowerCaseKeys).find((row) => row['name'] === name || row['field'] === name)
  if (of === undefined) throw new InternalError(`column ${column} of table ${table} does not exist`, 'ERR_SCHEMA')
  const collation = of['collation']
  return `${String(of['type'])}${typeof collation === 'string' ? ` collate ${collation}` : ''}`
}

/** The statements that show the columns of a table, by the catalogue of each database. */
const TYPE_OF: Readonly<Record<Dialect, (table: string, column: string) => { sql: string; bindings?: string[] }>> = {
  postgres: (table, column) => ({
    sql: `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = to_regclass(?) and attname = ? and not attisdropped`,
    bindings: [table, column],
  }),
  mysql: (table) => ({ sql: `show full columns from ${table}` }),
  sqlite: (table) => ({ sql: `pragma table_info(${table})` }),
}

/** MySQL writes the headings of its own tables with a capital. */
function withLowerCaseKeys(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key.toLowerCase(), value]))
}
