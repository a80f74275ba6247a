import { Router } from '@koa/router'
import type { Context, Middleware } from 'koa'
import type { Answers } from '../../koa/responses.js'
import { write } from '../../koa/json.js'
import { answering } from '../../koa/routes.js'
import { warnOfMissingParser } from '../../koa/source.js'
import { type FieldRule, hasBody, readFields } from './fields.js'

/** What a view of Django REST framework tells of itself when it is asked with OPTIONS. */
export interface ViewDescription {
  readonly name: string
  readonly description: string
  readonly renders: readonly string[]
  readonly parses: readonly string[]
  /** Fields of its answer that it tells of as well. */
  readonly answered?: readonly string[]
}

/** One address that takes fields by POST. */
export interface DrfRoute {
  readonly path: string
  readonly view: ViewDescription
  readonly fields: readonly FieldRule[]
  readonly answers: Pick<Answers, 'unavailable'>
  /** Called with good fields. */
  readonly handle: (ctx: Context, values: Readonly<Record<string, string>>) => Promise<void>
}

/** The media types that DRF's default parsers take, in the order in which a view tells them. */
export const JSON_FIRST = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'] as const
const MEDIA_TYPES = new Set<string>(JSON_FIRST)

/** Routes with DRF's order of checks: method, media type, shape, fields. With and without the slash at the end, where Django redirects and loses the body. */
export function drfRoutes(routes: readonly DrfRoute[]): Middleware {
  const router = new Router({ sensitive: true, strict: true })
  for (const route of routes) {
    const { path, view, fields, answers, handle } = route
    router.all(
      [path, `${path}/`],
      answering(answers, async (ctx) => {
        ctx.set('Allow', 'POST, OPTIONS')
        if (ctx.method === 'OPTIONS') return write(ctx, describe(view, fields), 200)
        if (ctx.method !== 'POST') return write(ctx, { detail: `Method "${ctx.method}" not allowed.` }, 405)
        const type = unreadableType(ctx)
        if (type !== null) return write(ctx, { detail: `Unsupported media type "${type}" in request.` }, 415)
        warnOfMissingParser(ctx)
        const read = readFields(ctx, fields)
        if (!read.ok) return write(ctx, read.errors, 400)
        await handle(ctx, read.values)
      }),
    )
  }
  return router.routes() as Middleware // it sets the params and the router that its type asks for
}

/** The media type of a body that nobody can read, as it was sent; null where there is no body, or one that can be read. */
function unreadableType(ctx: Context): string | null {
  if (!hasBody(ctx)) return null
  const type = ctx.req.headers['content-type'] ?? ''
  return MEDIA_TYPES.has((type.split(';')[0] ?? '').trim().toLowerCase()) ? null : type
}

function describe(view: ViewDescription, fields: readonly FieldRule[]): object {
  const { answered = [], ...described } = view
  const typed = fields.map(({ name }) => [name, description(name, { required: true, read_only: false })] as const)
  const read = answered.map((name) => [name, description(name, { required: false, read_only: true })] as const)
  return { ...described, actions: { POST: Object.fromEntries([...typed, ...read]) } }
}

function description(name: string, flags: { readonly required: boolean; readonly read_only: boolean }): object {
  return { type: 'string', ...flags, label: `${name.charAt(0).toUpperCase()}${name.slice(1)}` }
}
