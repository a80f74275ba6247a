import type { Context } from 'koa'
import { loggable } from '../error-message.js'
import type { HttpResponse } from '../response.js'
import { writeResponse } from './responses.js'

/** Writes the response to an internal error, and emits its cause on the app in a form that is safe to log. */
export function writeInternalError(ctx: Context, error: unknown, unavailable: HttpResponse): void {
  writeResponse(ctx, unavailable)
  ctx.app.emit('error', loggable(error), ctx)
}

/** The client closed its connection before there was a response; there is no one to respond to. */
export class ClientGone extends Error {}
