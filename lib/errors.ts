/** The stable codes of the errors that a caller may want to tell apart. `code` never changes for one cause; messages may. */
export type ErrorCode =
  | 'ERR_INTERNAL'
  | 'ERR_CONTRACT_VIOLATION'
  | 'ERR_TIMEOUT'
  | 'ERR_OVERLOADED'
  | 'ERR_USER_NOT_FOUND'
  | 'ERR_REVOKE_NOT_SUPPORTED_BY_KIND'
  | 'ERR_NOT_SUPPORTED_BY_STORE'
  | 'ERR_REVOKE_NO_EFFECT'
  | 'ERR_END_LOGIN_NO_EFFECT'
  | 'ERR_SCHEMA'
  | 'ERR_INVALID_LIMITS'
  | 'ERR_INVALID_NEEDS'
  | 'ERR_INVALID_TOKEN'
  | 'ERR_TOO_MANY_LIMITS'
  | 'ERR_TOO_MANY_TOKENS'
  | 'ERR_LIMIT_NOT_SUPPORTED_BY_KIND'
  | 'ERR_INSECURE_CONTEXT'
  | 'ERR_PACKAGE_MISSING'

/**
 * An internal error whose message was written in this library and contains no user data, so it is safe to log. Any other error may
 * quote what it was given, a password hash for example, and only its name and code are logged.
 */
export class InternalError extends Error {
  override readonly name: string = 'InternalError'
  /** One of this library, or that of a driver where a database has failed. */
  readonly code: ErrorCode | (string & {})
  constructor(message: string, code: ErrorCode = 'ERR_INTERNAL') {
    super(message)
    this.code = code
  }
}

/**
 * A part of the application broke its contract: a store, a clock, a function among the options, or a caller without types. Its
 * message contains no user data.
 */
export class ContractViolation extends TypeError {
  readonly code: ErrorCode
  constructor(message: string, code: ErrorCode = 'ERR_CONTRACT_VIOLATION') {
    super(message)
    this.code = code
  }
}

/** Whether a value is an error, of another realm too: a test runner's errors are instances of another `Error`. */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]'
}

/** The code of an error, a driver's included. Undefined if it has none of its own that reads as one: letters, digits, "_", "." and "-". */
export function codeOf(error: unknown): string | undefined {
  return isError(error) ? ownText(error, 'code', /^[\w.-]{1,64}$/) : undefined
}

/** The name of an error, or the type of another value that was thrown. */
export function nameOf(error: unknown): string {
  if (!isError(error)) return error === null ? 'null' : typeof error
  const name: unknown = error.name
  return typeof name === 'string' && /^[A-Za-z_$][\w$]{0,63}$/.test(name) ? name : 'Error'
}

/** A property of an error itself, not of its prototype, if it is text of a given form: a text of another form may hold user data. */
export function ownText(error: Error, property: string, form: RegExp): string | undefined {
  const value: unknown = Object.getOwnPropertyDescriptor(error, property)?.value
  return typeof value === 'string' && form.test(value) ? value : undefined
}
