import { isError, nameOf } from '../errors.js'
import { jsonText } from '../json-text.js'

/** What the helpers use of a Koa context, so that a context of any type fits. */
export interface JsonContext {
  status: number
  body: unknown
  readonly app: { emit(event: 'error', error: unknown, ctx: unknown): boolean }
  /** Undefined if it is not set, in Koa 3; '' in Koa 2. */
  readonly response: { get(field: string): string | undefined }
  set(field: string, value: string): void
}

/**
 * Responds with JSON and `success: true`, unless `data` has `errors` or a `success` of its own. Arrays, null and other values are
 * written as they are, undefined as `{"success": true}`, a bigint as a number with all its digits.
 *
 * For data that cannot be written (a circle, a `toJSON` that throws) the response is a 500, and the error is emitted on the app.
 */
export function jsonResponse(ctx: JsonContext, data: unknown = {}, status = 200): void {
  const [text, written] = stringify(ctx, () => withSuccess(ownForm(data)), status)
  send(ctx, text, written)
}

/** Responds with `{"success": false, "errors": …}`; 200 unless a status is given, as in django-tokenapi. */
export function jsonError(ctx: JsonContext, errors: unknown, status = 200): void {
  write(ctx, { success: false, errors }, status)
}

/** `jsonError` with 400. */
export function jsonBadRequest(ctx: JsonContext, errors: unknown): void {
  jsonError(ctx, errors, 400)
}

/** `jsonError` with 401 and, if none is set, the challenge `Basic realm="api"`: RFC 9110 §15.5.2 requires one with every 401. */
export function jsonUnauthorized(ctx: JsonContext, errors: unknown): void {
  if (!ctx.response.get('WWW-Authenticate')) ctx.set('WWW-Authenticate', 'Basic realm="api", charset="UTF-8"')
  jsonError(ctx, errors, 401)
}

/** `jsonError` with 403. */
export function jsonForbidden(ctx: JsonContext, errors: unknown): void {
  jsonError(ctx, errors, 403)
}

/** `jsonError` with 404. */
export function jsonNotFound(ctx: JsonContext, errors: unknown): void {
  jsonError(ctx, errors, 404)
}

/** `jsonError` with 405 and `Allow` (RFC 9110 §15.5.6). */
export function jsonNotAllowed(ctx: JsonContext, errors: unknown, allow: string | readonly string[]): void {
  ctx.set('Allow', typeof allow === 'string' ? allow : allow.join(', '))
  jsonError(ctx, errors, 405)
}

/** `jsonError` with 406. */
export function jsonNotAcceptable(ctx: JsonContext, errors: unknown): void {
  jsonError(ctx, errors, 406)
}

/** JSON as it is, for HTTP APIs with keys of their own. */
export function write(ctx: JsonContext, data: unknown, status: number): void {
  const [text, written] = stringify(ctx, () => data, status)
  send(ctx, text, written)
}

function send(ctx: JsonContext, text: string, status: number): void {
  ctx.status = status
  ctx.set('Content-Type', 'application/json; charset=utf-8')
  ctx.set('X-Content-Type-Options', 'nosniff')
  ctx.body = text
}

function withSuccess(data: unknown): unknown {
  return isRecord(data) && !Object.hasOwn(data, 'errors') ? { success: true, ...data } : data
}

/** The form that an object gives itself for JSON: a spread would ignore a `toJSON` that leaves a secret out. */
function ownForm(data: unknown): unknown {
  return hasOwnForm(data) ? data.toJSON('') : data
}

function hasOwnForm(data: unknown): data is { toJSON(key: string): unknown } {
  return typeof data === 'object' && data !== null && 'toJSON' in data && typeof data.toJSON === 'function'
}

function stringify(ctx: JsonContext, data: () => unknown, status: number): [string, number] {
  try {
    return [jsonText(data() ?? null), status]
  } catch (error) {
    // Koa's own listener throws for anything that is not an error.
    ctx.app.emit('error', isError(error) ? error : new Error(`toJSON threw ${nameOf(error)}`), ctx)
    return [jsonText({ success: false, errors: 'The answer could not be written.' }), 500]
  }
}

function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null && !Array.isArray(data)
}
