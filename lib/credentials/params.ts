import { parse } from 'node:querystring'
import { accept, refuse } from '../verdict.js'
import type { Credentials, Source } from './credentials.js'
import { checkOptions, type OptionNames } from '../option-names.js'

export interface ParamsOptions {
  /**
   * Whether the query is read, which ends up in logs and histories: true by default; 'links' takes only tokens from it that may
   * stand in a log (an end, a path, and GET as the only method); false takes none.
   */
  readonly query?: boolean | 'links'
}

const OPTIONS = { query: true } as const satisfies OptionNames<ParamsOptions>

/**
 * The parameters `user` and `token` in the body, or in the query: for each of the two the body comes first, as
 * django-tokenapi reads them.
 *
 * A repeated parameter, or one that is not text, is `malformed`. A safe integer in JSON counts as its decimal text. With
 * `query: 'links'` a token from the query is marked `linksOnly`; whether it is a link is checked once it is verified.
 *
 * @throws {TypeError} for another value of `query`.
 */
export function params(options: ParamsOptions = {}): Credentials {
  checkOptions('params', options, OPTIONS)
  const query = Object.hasOwn(options, 'query') ? options.query : true
  if (typeof query !== 'boolean' && query !== 'links') throw new TypeError("query must be true, 'links' or false")
  return {
    givesUser: true,

    read(source) {
      const sent = Object.hasOwn(source, 'body') ? source.body : undefined
      const body = hasBody(source) && isRecord(sent) ? sent : {}
      const inQuery = query === false ? {} : parseQuery(source.url)
      const user = pick('user', body, inQuery)
      const token = pick('token', body, inQuery)
      // Half a pair is not a pair. With a token in it, the request is not one without credentials either.
      if (token === undefined) return refuse('missing')
      if (user === undefined) return { ...refuse('missing'), partial: true }
      if (user === null || token === null) return refuse('malformed')
      const isFromQuery = !Object.hasOwn(body, 'token')
      return accept(query === 'links' && isFromQuery ? { user, token, linksOnly: true } : { user, token })
    },
  }
}

/** Undefined if a parameter is absent or empty, null if it is not one text. An empty one in the body hides the query's. */
function pick(name: string, body: Record<string, unknown>, query: Record<string, unknown>): string | null | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : Object.hasOwn(query, name) ? query[name] : undefined
  if (value === undefined || value === '') return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  return typeof value === 'string' ? value : null
}

/** RFC 9110 §9.3.1: the content of a GET has no meaning. koa-bodyparser reads it anyway, Django and caches do not. */
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
