import type { Context } from 'koa'
import { type HttpResponse, NO_STORE } from '../response.js'
import { type JsonContext, write } from './json.js'

/** Writes a response that was chosen without a context. Headers that earlier middleware set stay. */
export function writeResponse(ctx: Context, { status, headers, body }: HttpResponse): void {
  for (const [name, value] of Object.entries(headers)) {
    if (name === 'Set-Cookie') ctx.append(name, value)
    else ctx.set(name, value)
  }
  write(ctx, body, status)
}

/** Disables caching and the Referer header. */
export function noStore(ctx: Pick<JsonContext, 'set'>): void {
  for (const [name, value] of Object.entries(NO_STORE)) ctx.set(name, value)
}
