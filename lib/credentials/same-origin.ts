import { refuse } from '../verdict.js'
import type { Credentials, Source } from './credentials.js'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * A carrier that a browser fills by itself, such as a cookie, for requests that change nothing or that show where they come
 * from: `Sec-Fetch-Site: same-origin` or `none`, or an `Origin` of the very `Host` that was asked (or one of `origins`). Any
 * other request is `malformed`, with the detail `cross_origin`.
 */
export function sameOrigin(reader: Credentials, options: { readonly origins?: readonly string[] } = {}): Credentials {
  const { origins = [] } = options
  return {
    read(source) {
      const offered = reader.read(source)
      if (!offered.ok || SAFE_METHODS.has(source.method ?? '') || isOwn(source, origins)) return offered
      return refuse('malformed', 'cross_origin')
    },
  }
}

function isOwn({ headers }: Source, origins: readonly string[]): boolean {
  const { origin, host } = headers
  if (origin !== undefined && origins.includes(origin)) return true
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  return host !== undefined && (origin === `https://${host}` || origin === `http://${host}`)
}
