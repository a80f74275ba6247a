import { refuse } from '../verdict.js'
import { type Credentials, headerValue, type Source } from './credentials.js'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Where requests may come from. */
export interface OriginOptions {
  /** Other origins that are trusted like the request's own; none. */
  readonly origins?: readonly string[]
}

/**
 * A reader of something that a browser sends by itself, such as a cookie, for requests that change nothing or that show where they
 * come from: `Sec-Fetch-Site: same-origin` or `none`, or an `Origin` of the same host that the request is for (or one of
 * `origins`). Any other request is `malformed`, with the detail `cross_origin`. A request to upgrade never counts as one that changes
 * nothing: pages of other sites may open a WebSocket (RFC 6455 §10.2), which is a GET, and then read and write through it.
 *
 * @throws {TypeError} that names `origins` for anything except a list such as `['https://app.example.org']`: no slash, no 'null'.
 */
export function sameOrigin(reader: Credentials, options: OriginOptions = {}): Credentials {
  const { origins = [] } = options
  if (!Array.isArray(origins) || !origins.every(isOrigin))
    throw new TypeError("origins must be a list of origins such as 'https://app.example.org'")
  return {
    ...reader,
    read(source) {
      const offered = reader.read(source)
      if (!offered.ok || isSafe(source) || isOwn(source, origins)) return offered
      return refuse('malformed', 'cross_origin')
    },
  }
}

/** Whether a request shows that it comes from another site. One that shows nothing is from a client that is not a browser. */
export function isForeign(source: Source, options: OriginOptions = {}): boolean {
  const [origin, site] = [headerValue(source, 'origin'), headerValue(source, 'sec-fetch-site')]
  const trusted = Object.hasOwn(options, 'origins') ? options.origins : undefined
  return (origin !== undefined || site !== undefined) && !isOwn(source, trusted ?? [])
}

function isOrigin(text: unknown): boolean {
  return typeof text === 'string' && URL.canParse(text) && new URL(text).origin === text
}

function isSafe(source: Source): boolean {
  return SAFE_METHODS.has(source.method ?? '') && headerValue(source, 'upgrade') === undefined
}

function isOwn(source: Source, origins: readonly string[]): boolean {
  const origin = headerValue(source, 'origin')
  if (origin !== undefined && origins.includes(origin)) return true
  const site = headerValue(source, 'sec-fetch-site')
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  // HTTP/2 has `:authority` where HTTP/1.1 has `Host`, and it comes first if both are there (RFC 9113 §8.3.1).
  const host = headerValue(source, ':authority') ?? headerValue(source, 'host')
  return host !== undefined && (origin === `https://${host}` || origin === `http://${host}`)
}
