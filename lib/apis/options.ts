import type { Context } from 'koa'
import { ContractViolation } from '../errors.js'
import type { Issued, TokenFacts } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import type { ApiOptions, GuardOptions } from './token-api-contract.js'
import { checkOptions, type OptionNames } from '../option-names.js'
import { THROTTLE_OPTIONS } from '../throttle.js'

/** The option `respond`: fields of the response to a login. */
export type Respond<U extends User, T extends TokenFacts> = (user: U, issued: Issued<T>) => object | Promise<object>

/** The names of the options that every ready-made API has. */
export const GUARD_OPTIONS = {
  users: true,
  primary: true,
  onEvent: true,
  timeout: true,
} as const satisfies OptionNames<GuardOptions<User>>

/** The names of the options that every ready-made API with a login has. */
export const API_OPTIONS = {
  ...GUARD_OPTIONS,
  passwords: true,
  throttle: true,
} as const satisfies OptionNames<ApiOptions<User>>

/** Reads the address that a login is counted for. */
export function addressReader(options: Pick<ApiOptions<User>, 'throttle'>): (ctx: Context) => string {
  const { throttle: limits = {} } = options
  if (limits !== false) checkOptions('throttle', limits, { ...THROTTLE_OPTIONS, addressOf: true })
  const addressOf = limits === false ? undefined : limits.addressOf
  // Koa has no address of a client that has closed its connection or that uses a Unix socket: those share one counter.
  if (addressOf === undefined) return (ctx) => (ctx.ip === '' ? 'unknown' : ctx.ip)
  if (typeof addressOf !== 'function') throw new TypeError('throttle.addressOf must be a function of the context')
  return (ctx) => {
    const address: unknown = addressOf(ctx)
    if (typeof address !== 'string' || address === '')
      throw new ContractViolation('throttle.addressOf must return a text')
    return address
  }
}

/** A segment that is one or two dots, as they stand or encoded. */
const DOTS = /\/(?:\.|%2e){1,2}(?:\/|$)/i

/**
 * Where the routes of an API are, '' by default.
 *
 * @throws {TypeError} that names `prefix`, unless it is '' or starts with a slash and does not end with one. Characters with which
 *   the router writes patterns (`:` `*` `{` `}` `(` `)` `[` `]` `+` `?` `!` `\`) are refused, and those that no path has unencoded.
 *   So are the segments "." and "..", also encoded, which clients resolve before they send a path (RFC 3986 §5.2.4).
 */
export function pathPrefix(prefix: unknown = ''): string {
  if (typeof prefix !== 'string' || !/^(?:\/[A-Za-z0-9._~%$&',;=@-]+)*$/.test(prefix) || DOTS.test(prefix)) {
    throw new TypeError("prefix must be '' or a plain path such as '/token'")
  }
  return prefix
}

/**
 * The options of `routes`; `check` is true by default.
 *
 * @throws {TypeError} that names what is wrong.
 */
export function routesOptions(options: { readonly check?: boolean } = {}): { readonly check: boolean } {
  checkOptions('routes', options, { check: true } satisfies OptionNames<typeof options>)
  const { check = true } = options
  if (typeof check !== 'boolean') throw new TypeError('check must be true or false')
  return { check }
}

/** A function among the options. @throws {TypeError} that names it for anything else. */
export function functionOption<F>(name: string, value: F): F {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function`)
  return value
}
