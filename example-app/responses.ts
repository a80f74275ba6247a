import { STATUS_CODES } from 'node:http'
import type { Context, Next } from 'koa'
import { jsonBadRequest, jsonError } from 'koa-tokenapi'

/** Turns what a later middleware throws into JSON: 4xx for a body that cannot be read, 503 for everything else. */
export async function respondToErrors(ctx: Context, next: Next): Promise<void> {
  try {
    await next()
  } catch (error) {
    const status = statusOf(error)
    if (status === 400) return jsonBadRequest(ctx, 'The body cannot be read.')
    if (status !== null) return jsonError(ctx, STATUS_CODES[status] ?? 'The request cannot be read.', status)
    // After the body, what can fail is a store. Its message may hold the values of a query, so only its kind is logged.
    ctx.set('Retry-After', '2')
    jsonError(ctx, 'The service is not available, please try again later.', 503)
    ctx.app.emit('error', new Error(`a handler failed: ${kindOf(error)}`), ctx)
  }
}

/** Gives a JSON body to every error that has none: an unknown path, or a method that a route does not have. */
export async function respondToUnhandled(ctx: Context, next: Next): Promise<void> {
  await next()
  const { status } = ctx
  if (ctx.body !== undefined && ctx.body !== null) return
  if (status >= 400) jsonError(ctx, STATUS_CODES[status] ?? 'Not Found', status)
}

/** The status that a body parser gives a client's error; null for any other error. */
function statusOf(error: unknown): number | null {
  const status: unknown = error instanceof Error && 'status' in error ? error.status : undefined
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null
}

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const code = 'code' in error ? String(error.code) : ''
  return `${error.name} ${code}`.trim()
}
