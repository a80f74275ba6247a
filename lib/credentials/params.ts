import { parse } from 'node:querystring'
import { accept, refuse } from '../verdict.js'
import type { Credentials, Source } from './credentials.js'

/**
 * The parameters `user` and `token` in the body, or in the query: for each of the two the body comes first, as
 * django-tokenapi reads them. `query: false` switches off the carrier that ends up in logs and histories.
 *
 * A repeated parameter, or one that is not text, is `malformed`. A safe integer in JSON counts as its decimal text.
 */
export function params(options: { readonly query?: boolean } = {}): Credentials {
  const { query = true } = options
  if (typeof query !== 'boolean') throw new TypeError('query must be true or false')
  return {
    read(source) {
      const sent = Object.hasOwn(source, 'body') ? source.body : undefined
      const body = hasBody(source) && isRecord(sent) ? sent : {}
      const inQuery = query ? parseQuery(source.url) : {}
      const user = pick('user', body, inQuery)
      const token = pick('token', body, inQuery)
      // Half a pair is no pair; with a token in it, it is no request without credentials either.
      if (token === undefined) return refuse('missing')
      if (user === undefined) return { ...refuse('missing'), partial: true }
      if (user === null || token === null) return refuse('malformed')
      return accept({ user, token })
    },
  }
}

/** Undefined where a parameter is absent or empty, null where it is no single text. An empty one in the body hides the query's. */
function pick(name: string, body: Record<string, unknown>, query: Record<string, unknown>): string | null | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : Object.hasOwn(query, name) ? query[name] : undefined
  if (value === undefined || value === '') return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  return typeof value === 'string' ? value : null
}

/** RFC 9110 §9.3.1: the content of a GET means nothing. koa-bodyparser reads it all the same, Django and caches do not. */
function hasBody({ method }: Source): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

function isRecord(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body)
}

function parseQuery(url = ''): Record<string, unknown> {
  const mark = url.indexOf('?')
  // Without maxKeys only the first 1000 are read, and a repeated one behind them would go unseen.
  return mark === -1 ? {} : parse(url.slice(mark + 1), '&', '=', { maxKeys: 0 })
}
