import type { Context } from 'koa'
import { loggableMessage } from '../error-message.js'
import { codeOf, isError, nameOf } from '../errors.js'
import type { HttpResponse } from '../response.js'
import { writeResponse } from './responses.js'

/** Writes the response to an internal error, and emits its cause on the app in a form that is safe to log. */
export function writeInternalError(ctx: Context, error: unknown, unavailable: HttpResponse): void {
  writeResponse(ctx, unavailable)
  ctx.app.emit('error', loggable(error), ctx)
}

/** The client closed its connection before there was a response; there is no one to respond to. */
export class ClientGone extends Error {}

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
