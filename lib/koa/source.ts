import type { Context } from 'koa'
import type { Source } from '../credentials/credentials.js'

/** What a Koa request carries, as the credential readers see it. */
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

/** What a body parser left, or undefined. Its shape is the client's choice. */
export function bodyOf(ctx: Context): unknown {
  return (ctx.request as { body?: unknown }).body // koa-bodyparser and @koa/bodyparser both put it there
}

/** An own property of the body, or undefined. */
export function bodyField(ctx: Context, name: string): unknown {
  const body = bodyOf(ctx)
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body) && Object.hasOwn(body, name)
  return isObject ? (body as Record<string, unknown>)[name] : undefined
}

const warned = new WeakSet<object>()

/** Tells the app's error listeners, once, that a body came which nobody has parsed. */
export function warnOfMissingParser(ctx: Context): void {
  if (bodyOf(ctx) !== undefined || warned.has(ctx.app)) return
  // Parsers leave bodies of other methods, whose content means nothing, and other media types.
  if (!['POST', 'PUT', 'PATCH'].includes(ctx.method) || !ctx.is('urlencoded', 'json')) return
  warned.add(ctx.app)
  ctx.app.emit(
    'error',
    new Error(
      `${ctx.method} ${ctx.path} has a body that nothing has parsed: app.use(bodyParser()) of koa-bodyparser before the routes`,
    ),
    ctx,
  )
}
