import type { Context } from 'koa'

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
 * their messages, password hashes among them, so that a message is kept only where its kind holds no values.
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
  const stack = error.stack ?? ''
  const message = stack.indexOf(error.message)
  const trace = message === -1 ? stack : stack.slice(message + error.message.length)
  return trace.split('\n').filter((line) => FRAME.test(line))
}

export function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

const OWN_MESSAGES = new Set(['Overloaded', 'DeadlineExceeded', 'KnexTimeoutError', 'TypeError'])

function holdsNoValues(error: Error): boolean {
  return OWN_MESSAGES.has(error.name) || 'syscall' in error
}
