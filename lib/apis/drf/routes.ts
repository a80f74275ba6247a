import { Router } from '@koa/router'
import type { Context, Middleware } from 'koa'
import { headerValue } from '../../credentials/credentials.js'
import type { GuardResponses } from '../../koa/guard.js'
import { route } from '../../koa/routes.js'
import { hasBody, warnOfMissingParser } from '../../koa/source.js'
import { type HttpResponse, response } from '../../response.js'
import { type FieldRule, readFields } from './fields.js'
import { drfNotAllowed } from './responses.js'

/** What a view of Django REST framework describes itself with in its response to OPTIONS. */
export interface ViewDescription {
  readonly name: string
  readonly description: string
  readonly renders: readonly string[]
  readonly parses: readonly string[]
  /** Fields of its response that it describes as well. */
  readonly returned?: readonly string[]
}

/** One address that takes fields by POST. */
export interface DrfRoute {
  readonly path: string
  readonly view: ViewDescription
  readonly fields: readonly FieldRule[]
  readonly responses: Pick<GuardResponses, 'unavailable'>
  /** Called with valid fields. */
  readonly handle: (ctx: Context, values: Readonly<Record<string, string>>) => Promise<HttpResponse>
}

/** The media types that DRF's default parsers take, in the order in which a view lists them. */
export const JSON_FIRST = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'] as const
const ALLOWED = 'POST, OPTIONS'
const MEDIA_TYPES = new Set<string>(JSON_FIRST)

/** Routes with DRF's order of checks: method, media type, shape, fields. With and without the slash at the end, where Django redirects and loses the body. */
export function drfRoutes(routes: readonly DrfRoute[]): Middleware {
  const router = new Router({ sensitive: true, strict: true })
  for (const { path, view, fields, responses, handle } of routes) {
    router.all(
      [path, `${path}/`],
      route(responses, async (ctx) => {
        ctx.set('Allow', ALLOWED)
        if (ctx.method === 'OPTIONS') return response(200, describe(view, fields))
        if (ctx.method !== 'POST') return drfNotAllowed(ctx.method, ALLOWED)
        const type = unreadableType(ctx)
        if (type !== null) return response(415, { detail: `Unsupported media type "${type}" in request.` })
        warnOfMissingParser(ctx)
        const read = readFields(ctx, fields)
        return read.ok ? handle(ctx, read.values) : response(400, read.errors)
      }),
    )
  }
  return router.routes() as Middleware // it sets the params and the router that its type asks for
}

/** The media type of a body that cannot be read, as it was sent; null without a body, or for one that can be read. */
function unreadableType(ctx: Context): string | null {
  if (!hasBody(ctx)) return null
  const type = headerValue(ctx.req, 'content-type') ?? ''
  return MEDIA_TYPES.has((type.split(';')[0] ?? '').trim().toLowerCase()) ? null : type
}

function describe(view: ViewDescription, fields: readonly FieldRule[]): object {
  const { returned = [], ...described } = view
  const typed = fields.map(({ name }) => [name, description(name, { required: true, read_only: false })] as const)
  const read = returned.map((name) => [name, description(name, { required: false, read_only: true })] as const)
  return { ...described, actions: { POST: Object.fromEntries([...typed, ...read]) } }
}

function description(name: string, flags: { readonly required: boolean; readonly read_only: boolean }): object {
  return { type: 'string', ...flags, label: `${name.charAt(0).toUpperCase()}${name.slice(1)}` }
}
