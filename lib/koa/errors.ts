import type { Context } from 'koa'
import { codeOf, ContractViolation, InternalError } from '../errors.js'

/** Seconds after which a client may try again. */
const RETRY_AFTER = 2

/** Sets what every 503 has: RFC 9110 §10.2.3 tells the client when to come back. */
export function askToRetry(ctx: Context): void {
  ctx.status = 503
  ctx.set('Retry-After', String(RETRY_AFTER))
  ctx.set('Cache-Control', 'no-store')
}

/**
 * The cause of a fault, as it may be logged: its name, code and stack. Knex and the drivers write a query's values into
 * their messages, and JavaScript what an operation was tried on, password hashes among them, so that a message is kept only
 * where its kind holds no values.
 */
export function loggable(fault: unknown): Error {
  if (!(fault instanceof Error)) return new Error(`rejected with ${fault === null ? 'null' : typeof fault}`)
  const code = codeOf(fault)
  const safe = new Error(holdsNoValues(fault) ? fault.message : `${fault.name}${code === undefined ? '' : ` ${code}`}`)
  safe.name = fault.name
  if (code !== undefined) Object.assign(safe, { code })
  safe.stack = [`${safe.name}: ${safe.message}`, ...framesOf(fault)].join('\n')
  return safe
}

const FRAME = /^\s+at (?:[^()]+ \()?(?:file:|node:|[/\\]|[A-Za-z]:)[^()]*:[0-9]+:[0-9]+\)?$/

/** Where it happened. A message may have lines that look like it, and stands before. */
function framesOf(error: Error): readonly string[] {
  const stack: unknown = error.stack
  if (typeof stack !== 'string') return []
  const message = stack.indexOf(error.message)
  const trace = message === -1 ? stack : stack.slice(message + error.message.length)
  return trace.split('\n').filter((line) => FRAME.test(line))
}

/** Faults of this library; Knex waiting for its pool; Node's own errors of connections and files, which name an address. */
function holdsNoValues(error: Error): boolean {
  const { name } = error
  return (
    error instanceof InternalError ||
    error instanceof ContractViolation ||
    name === 'KnexTimeoutError' ||
    'syscall' in error
  )
}
