/** An HTTP response as data: chosen without a Koa context, and written by the server's own code. `body` is written as JSON. */
export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** Seconds after which a client may repeat a request that met an internal error. */
const RETRY_AFTER = 2

/** Disables caching and the Referer header: in every response to a request that carries or gets a token. */
export const NO_STORE = { 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' } as const

export function response(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return { status, headers, body }
}

/** An internal error: 503 with `Retry-After` (RFC 9110 §10.2.3), and nothing of the cause. */
export function unavailable(body: unknown): HttpResponse {
  return response(503, body, { 'Retry-After': String(RETRY_AFTER), 'Cache-Control': 'no-store' })
}

/** Too many attempts: 429 with the seconds to wait (RFC 6585 §4). */
export function tooManyRequests(body: unknown, retryAfter: number): HttpResponse {
  return response(429, body, { 'Retry-After': String(retryAfter) })
}
