import type { Context } from 'koa'
import { headerValue, type Source } from '../credentials/credentials.js'

/** A Koa request as the readers of credentials see it. */
export function sourceOf(ctx: Context): Source {
  return {
    method: ctx.method,
    headers: ctx.req.headers,
    rawHeaders: ctx.req.rawHeaders,
    url: ctx.url,
    originalUrl: originalUrlOf(ctx),
    body: bodyOf(ctx),
  }
}

/** What the client asked for: Express and Connect, which Koa may be mounted in, keep it on the Node.js request. */
function originalUrlOf(ctx: Context): string {
  const outer: unknown = Object.hasOwn(ctx.req, 'originalUrl')
    ? (ctx.req as { originalUrl?: unknown }).originalUrl
    : undefined
  return typeof outer === 'string' ? outer : ctx.originalUrl
}

/** What a body parser made of the body, or undefined. Its shape is the client's choice. */
export function bodyOf({ request }: Context): unknown {
  // koa-bodyparser and @koa/bodyparser both put it there. A `body` of Object.prototype, if that was polluted, is not the client's.
  return Object.hasOwn(request, 'body') ? (request as { body?: unknown }).body : undefined
}

/** Whether a request has a body that is not empty. HTTP/2 needs neither of the two headers for one (RFC 9113 §8.1.1). */
export function hasBody({ req }: Context): boolean {
  if (headerValue(req, 'transfer-encoding') !== undefined) return true
  const length = headerValue(req, 'content-length')
  if (length !== undefined) return Number(length) > 0
  const { stream } = req as { stream?: { endAfterHeaders?: boolean } } // there in Node's HTTP/2 only
  return stream?.endAfterHeaders === false
}

/** An own property of the body, or undefined. */
export function bodyField(ctx: Context, name: string): unknown {
  const body = bodyOf(ctx)
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body) && Object.hasOwn(body, name)
  return isObject ? (body as Record<string, unknown>)[name] : undefined
}

const warned = new WeakSet<object>()
const PARSED_METHODS = new Set(['POST', 'PUT', 'PATCH'])
const PARSED_TYPES = new Set(['application/json', 'application/x-www-form-urlencoded'])

/** Emits one error for each app, if a request has a body that no middleware has parsed. */
export function warnOfMissingParser(ctx: Context): void {
  const hint = hintOf(ctx)
  if (hint === null || warned.has(ctx.app)) return
  // Parsers ignore bodies of other methods, whose content means nothing, and other media types.
  if (!PARSED_METHODS.has(ctx.method) || !PARSED_TYPES.has(mediaType(ctx)) || !hasBody(ctx)) return
  warned.add(ctx.app)
  ctx.app.emit('error', new Error(`${ctx.method} ${ctx.path} has a body that no middleware has parsed: ${hint}`), ctx)
}

/** What to do about a body that was not parsed; null if it was. */
function hintOf(ctx: Context): string | null {
  const body = bodyOf(ctx)
  if (body === undefined) return 'app.use(bodyParser()) of koa-bodyparser before the routes'
  // koa-bodyparser leaves {} for what it does not read, and its `type-is` takes HTTP/2 without content-length for "no body".
  const isEmpty = typeof body === 'object' && body !== null && Object.keys(body).length === 0
  if (!isEmpty || ctx.req.readableDidRead || ctx.req.readableEnded) return null
  return 'the parser left it unread (koa-bodyparser does so with a form over HTTP/2 without content-length: use @koa/bodyparser)'
}

/** The media type of the body, without its parameters; '' if none was sent. */
export function mediaType({ req }: Context): string {
  return (headerValue(req, 'content-type')?.split(';')[0] ?? '').trim().toLowerCase()
}
