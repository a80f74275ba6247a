import { loggable } from '../../error-message.js'
import { ContractViolation, InternalError, isError, ownText } from '../../errors.js'

/**
 * What a store rejects with where a database, its driver or Knex has failed. They write statements with their values into their
 * errors, digests of tokens and password hashes among them, and applications log what they catch: nothing of those errors is kept
 * but the name, the code, the SQLSTATE, the frames of the stack, the same of their causes, and a message as `loggableMessage` makes it.
 */
export class DatabaseError extends InternalError {
  override readonly name: string
  /** The driver's code, '40001' or 'ER_DUP_ENTRY' for example; ERR_INTERNAL if it has none, as for a timeout of Knex. */
  override readonly code: string
  /** The number of MySQL and SQLite. */
  declare readonly errno?: number
  /** Five characters of MySQL; on PostgreSQL it is the code. */
  declare readonly sqlState?: string

  constructor(thrown: unknown) {
    const safe: Error & { readonly code?: string; readonly errors?: unknown } = loggable(thrown)
    super(safe.message)
    const { name, code = 'ERR_INTERNAL', stack, cause, errors } = safe
    this.name = name
    this.code = code
    const errno: unknown = isError(thrown) ? Object.getOwnPropertyDescriptor(thrown, 'errno')?.value : undefined
    const sqlState = isError(thrown) ? ownText(thrown, 'sqlState', /^[0-9A-Z]{5}$/) : undefined
    Object.assign(this, {
      stack,
      ...(Number.isSafeInteger(errno) && { errno }),
      ...(sqlState !== undefined && { sqlState }),
      ...(cause !== undefined && { cause }),
      ...(errors !== undefined && { errors }),
    })
  }
}

/** An error as a store may reject with it: one of this library as it is, any other one as a `DatabaseError`. */
export function withoutValues(error: unknown): InternalError | ContractViolation {
  return error instanceof InternalError || error instanceof ContractViolation ? error : new DatabaseError(error)
}
