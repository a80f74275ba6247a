import { isIP } from 'node:net'
import { codeOf, ContractViolation, InternalError, isError, nameOf, ownText } from './errors.js'

const WORD = '[\\p{L}_][\\p{L}\\p{N}_$-]{0,62}'
const NAME = `${WORD}(?:\\.${WORD}){0,2}`
const TYPE = '[a-z]+(?: [a-z]+){0,3}'

/** A message of a driver and what is said instead of it. `NAME` stands for a table or column, `TYPE` for a type of PostgreSQL. */
type Form = readonly [message: string, said: string]

const COLUMN: readonly Form[] = [
  ['column "NAME" of relation "NAME" does not exist', 'column $1 of table $2 does not exist'],
  ['column "?NAME"? does not exist', 'column $1 does not exist'],
  ['column "NAME" of relation "NAME" already exists', 'column $1 of table $2 exists already'],
]

/**
 * The messages that are understood, by the code of their error, or its name if it has no code. Names of tables, columns and types are
 * not secret; values are, and no form has a place for one. PostgreSQL writes these in the language of the server: in another one
 * only the code is said.
 */
const FORMS: Readonly<Record<string, readonly Form[]>> = {
  // PostgreSQL
  '42P01': [['relation "NAME" does not exist', 'table $1 does not exist']],
  '42703': COLUMN,
  '42501': [['permission denied for (?:table|relation|schema|sequence) NAME', 'permission denied for $1']],
  '3D000': [['database "NAME" does not exist', 'database $1 does not exist']],
  '42883': [['operator does not exist: TYPE = TYPE', 'a column of type $1 was compared with $2']],
  '42804': [
    ['column "NAME" is of type TYPE but expression is of type TYPE', 'column $1 is of type $2 and was given $3'],
  ],
  '22P02': [['invalid input syntax for type TYPE: ".*"', 'a column of type $1 was compared with something else']],
  // MySQL and MariaDB
  ER_NO_SUCH_TABLE: [["Table 'NAME' doesn't exist", 'table $1 does not exist']],
  ER_BAD_FIELD_ERROR: [["Unknown column 'NAME' in '[a-zA-Z ]+'", 'column $1 does not exist']],
  ER_BAD_DB_ERROR: [["Unknown database 'NAME'", 'database $1 does not exist']],
  ER_BAD_NULL_ERROR: [["Column 'NAME' cannot be null", 'column $1 cannot be null']],
  ER_DATA_TOO_LONG: [["Data too long for column 'NAME' at row \\d+", 'a value was too long for column $1']],
  ER_NO_DEFAULT_FOR_FIELD: [["Field 'NAME' doesn't have a default value", 'column $1 was given no value']],
  // SQLite
  SQLITE_ERROR: [
    ['SQLITE_ERROR: no such table: NAME', 'table $1 does not exist'],
    ['SQLITE_ERROR: no such column: NAME', 'column $1 does not exist'],
    ['SQLITE_ERROR: table NAME has no column named NAME', 'column $2 of table $1 does not exist'],
  ],
  SQLITE_CONSTRAINT: [
    ['SQLITE_CONSTRAINT: NOT NULL constraint failed: NAME', 'column $1 cannot be null'],
    ['SQLITE_CONSTRAINT: UNIQUE constraint failed: NAME', 'column $1 has this value already'],
  ],
  // Knex, and a connection of PostgreSQL that was lost, which has no code
  KnexTimeoutError: [
    ['Defined query timeout of (\\d+)ms exceeded when running query\\.', 'a query took longer than $1 ms'],
    ['Knex: Timeout acquiring a connection\\. .*', 'no connection of the pool became free in time'],
  ],
  Error: [['Connection terminated(?: unexpectedly)?', 'the connection to the database was lost']],
}

/**
 * What may be logged of an error instead of its message. Drivers, Knex and JavaScript itself write values into their messages,
 * password hashes and digests of tokens among them, so that no such message is kept: what is said is made of codes, of addresses,
 * and of the names of tables and columns, each in a known form. The message of an error of this library is kept as it is.
 */
export function loggableMessage(error: Error): string {
  if (error instanceof InternalError || error instanceof ContractViolation) return error.message
  return systemMessage(error) ?? [summary(error), databaseMessage(error)].filter((part) => part !== '').join(': ')
}

function summary(error: Error): string {
  const code = codeOf(error)
  return code === undefined ? nameOf(error) : `${nameOf(error)} ${code}`
}

/** "connect ECONNREFUSED 127.0.0.1:5432", from the properties that Node.js gives errors of connections; null for others. */
function systemMessage(error: Error): string | null {
  const syscall = ownText(error, 'syscall', /^[a-z_]{1,20}$/i)
  if (syscall === undefined) return null
  const parts = [syscall, codeOf(error), ownText(error, 'hostname', /^[\w.-]{1,253}$/), addressOf(error)]
  return parts.filter((part) => part !== undefined).join(' ')
}

/** The other end of a connection: an IP address and a port, or the path of a Unix socket. */
function addressOf(error: Error): string | undefined {
  const address = ownText(error, 'address', /^[\w.:%/-]{1,108}$/)
  if (address === undefined || !(isIP(address) > 0 || address.startsWith('/'))) return undefined
  const port: unknown = Object.getOwnPropertyDescriptor(error, 'port')?.value
  return Number.isSafeInteger(port) ? `${address}:${String(port)}` : address
}

/** What is understood of a database's message; '' for nothing. */
function databaseMessage(error: Error): string {
  const key = codeOf(error) ?? nameOf(error)
  const forms = Object.hasOwn(FORMS, key) ? FORMS[key] : undefined
  // Knex puts the statement in front, in which MySQL and SQLite have their values. The end is the database's own.
  const text = ownText(error, 'sqlMessage', /^/) ?? error.message
  for (const [message, said] of forms ?? []) {
    const pattern = message.replaceAll('NAME', `(${NAME})`).replaceAll('TYPE', `(${TYPE})`)
    const found = new RegExp(`(?:^| - )${pattern}$`, 'su').exec(text)
    if (found !== null) return said.replace(/\$(\d)/g, (_, place: string) => found[Number(place)] ?? '')
  }
  return ''
}

/**
 * An internal error as it may be logged: its name, its code, a message without values (see `loggableMessage`), the frames of its
 * stack, and the same of its `cause` and of the `errors` of an `AggregateError`. No other property is kept.
 */
export function loggable(thrown: unknown, seen: Set<unknown> = new Set()): Error {
  if (!isError(thrown)) return new Error(`rejected with ${nameOf(thrown)}`)
  seen.add(thrown)
  const isNew = (one: unknown): boolean => one !== undefined && !seen.has(one)
  const parts = errorsOf(thrown)
    .filter(isNew)
    .map((one) => loggable(one, seen))
  const safe = new Error([loggableMessage(thrown), ...parts.map(({ message }) => message)].join('; '))
  safe.name = nameOf(thrown)
  const code = codeOf(thrown)
  if (code !== undefined) Object.assign(safe, { code })
  if (parts.length > 0) Object.assign(safe, { errors: parts })
  if (isNew(thrown.cause)) safe.cause = loggable(thrown.cause, seen)
  // The callbacks of sqlite3 have no stack: then the place where the error was caught is better than none.
  const frames = framesOf(thrown)
  safe.stack = [`${safe.name}: ${safe.message}`, ...(frames.length > 0 ? frames : framesOf(safe))].join('\n')
  return safe
}

/** One connection that was tried at several addresses fails with one error for each. */
function errorsOf(error: Error): readonly unknown[] {
  return error instanceof AggregateError && Array.isArray(error.errors) ? error.errors : []
}

const FRAME = /^\s+at (?:[^()]+ \()?(?:file:|node:|[/\\]|[A-Za-z]:)[^()]*:[0-9]+:[0-9]+\)?$/

/** Where it happened. A message may have lines that look like frames, and stands before them: if it is not found, no line is kept. */
function framesOf({ name, message, stack }: Error): readonly string[] {
  if (typeof stack !== 'string') return []
  const head = message === '' ? `${name}\n` : message
  const at = stack.indexOf(head)
  if (at === -1) return []
  return stack
    .slice(at + head.length)
    .split('\n')
    .filter((line) => FRAME.test(line))
}
