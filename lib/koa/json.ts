import { jsonText } from '../json-text.js'

/** What the helpers use of a Koa context, so that any typed context fits. */
export interface Answerable {
  status: number
  body: unknown
  readonly app: { emit(event: 'error', error: unknown, ctx: unknown): boolean }
  /** Undefined where it is not set, in Koa 3; '' in Koa 2. */
  readonly response: { get(field: string): string | undefined }
  set(field: string, value: string): void
}

/**
 * Answers with JSON and `success: true`, unless `data` has `errors` or its own `success`; arrays, null and other values go
 * out as they are, undefined as `{"success": true}`. A bigint is written as a number with all its digits.
 *
 * What cannot be written (a circle, a `toJSON` that throws) is answered with 500 and told to the app's error listeners.
 */
export function jsonResponse(ctx: Answerable, data: unknown = {}, status = 200): void {
  const [text, written] = stringify(ctx, () => withSuccess(ownForm(data)), status)
  send(ctx, text, written)
}

/** Answers `{"success": false, "errors": …}`; 200 unless a status is given, as django-tokenapi does. */
export function jsonError(ctx: Answerable, errors: unknown, status = 200): void {
  write(ctx, { success: false, errors }, status)
}

/** `jsonError` with 400. */
export function jsonBadRequest(ctx: Answerable, errors: unknown): void {
  jsonError(ctx, errors, 400)
}

/** `jsonError` with 401 and, where none is set, the challenge `Basic realm="api"`: RFC 9110 §15.5.2 wants one with every 401. */
export function jsonUnauthorized(ctx: Answerable, errors: unknown): void {
  if (!ctx.response.get('WWW-Authenticate')) ctx.set('WWW-Authenticate', 'Basic realm="api", charset="UTF-8"')
  jsonError(ctx, errors, 401)
}

/** `jsonError` with 403. */
export function jsonForbidden(ctx: Answerable, errors: unknown): void {
  jsonError(ctx, errors, 403)
}

/** `jsonError` with 404. */
export function jsonNotFound(ctx: Answerable, errors: unknown): void {
  jsonError(ctx, errors, 404)
}

/** `jsonError` with 405 and `Allow` (RFC 9110 §15.5.6). */
export function jsonNotAllowed(ctx: Answerable, errors: unknown, allow: string | readonly string[]): void {
  ctx.set('Allow', typeof allow === 'string' ? allow : allow.join(', '))
  jsonError(ctx, errors, 405)
}

/** `jsonError` with 406. */
export function jsonNotAcceptable(ctx: Answerable, errors: unknown): void {
  jsonError(ctx, errors, 406)
}

/** JSON as it stands, for wires with keys of their own. */
export function write(ctx: Answerable, data: unknown, status: number): void {
  const [text, written] = stringify(ctx, () => data, status)
  send(ctx, text, written)
}

function send(ctx: Answerable, text: string, status: number): void {
  ctx.status = status
  ctx.set('Content-Type', 'application/json; charset=utf-8')
  ctx.set('X-Content-Type-Options', 'nosniff')
  ctx.body = text
}

function withSuccess(data: unknown): unknown {
  return isRecord(data) && !Object.hasOwn(data, 'errors') ? { success: true, ...data } : data
}

/** What an object wants to be written as: a spread would go past a `toJSON` that leaves a secret out. */
function ownForm(data: unknown): unknown {
  return hasOwnForm(data) ? data.toJSON('') : data
}

function hasOwnForm(data: unknown): data is { toJSON(key: string): unknown } {
  return typeof data === 'object' && data !== null && 'toJSON' in data && typeof data.toJSON === 'function'
}

function stringify(ctx: Answerable, data: () => unknown, status: number): [string, number] {
  try {
    return [jsonText(data() ?? null), status]
  } catch (error) {
    ctx.app.emit('error', error, ctx)
    return [jsonText({ success: false, errors: 'The answer could not be written.' }), 500]
  }
}

function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === 'object' && data !== null && !Array.isArray(data)
}
