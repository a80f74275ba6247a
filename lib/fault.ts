/**
 * A fault of ours whose message was written here and holds no value, so that it may be logged as it is. Everything else that
 * is thrown may quote what it was given, a password hash for example.
 */
export class Fault extends Error {
  override readonly name: string = 'Fault'
}

/** The same for a part of the application that does not keep its contract: a store, a clock, a function among the options. */
export class Misuse extends TypeError {}
