import { refuse } from '../verdict.js'
import type { Credentials, Source } from './credentials.js'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Where requests may come from. */
export interface OriginOptions {
  /** Other origins that are trusted like the own one; none. */
  readonly origins?: readonly string[]
}

/**
 * A carrier that a browser fills by itself, such as a cookie, for requests that change nothing or that show where they come
 * from: `Sec-Fetch-Site: same-origin` or `none`, or an `Origin` of the very `Host` that was asked (or one of `origins`). Any
 * other request is `malformed`, with the detail `cross_origin`. A request to upgrade is never one that changes nothing: other
 * sites' pages may open a WebSocket (RFC 6455 §10.2), which is a GET, and read and write what they like from then on.
 *
 * @throws {TypeError} that names `origins` for anything but a list such as `['https://app.example.org']`: no slash, no 'null'.
 */
export function sameOrigin(reader: Credentials, options: OriginOptions = {}): Credentials {
  const { origins = [] } = options
  if (!Array.isArray(origins) || !origins.every(isOrigin))
    throw new TypeError("origins must be a list of origins such as 'https://app.example.org'")
  return {
    read(source) {
      const offered = reader.read(source)
      if (!offered.ok || isSafe(source) || isOwn(source, origins)) return offered
      return refuse('malformed', 'cross_origin')
    },
  }
}

/** Whether a request shows that it comes from elsewhere; one that shows nothing is that of a client which is no browser. */
export function isForeign(source: Source, options: OriginOptions = {}): boolean {
  const { origin, 'sec-fetch-site': site } = source.headers
  return (origin !== undefined || site !== undefined) && !isOwn(source, options.origins ?? [])
}

function isOrigin(text: unknown): boolean {
  return typeof text === 'string' && URL.canParse(text) && new URL(text).origin === text
}

function isSafe({ method = '', headers }: Source): boolean {
  return SAFE_METHODS.has(method) && headers.upgrade === undefined
}

function isOwn({ headers }: Source, origins: readonly string[]): boolean {
  const { origin, host } = headers
  if (origin !== undefined && origins.includes(origin)) return true
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  return host !== undefined && (origin === `https://${host}` || origin === `http://${host}`)
}
