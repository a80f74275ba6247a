import type { Context } from 'koa'
import { ContractViolation } from '../errors.js'
import type { Issued, TokenFacts } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import type { ApiOptions } from './token-api-contract.js'

/** The option `respond`: fields of the response to a login. */
export type Respond<U extends User, T extends TokenFacts> = (user: U, issued: Issued<T>) => object | Promise<object>

/** Whose address a login counts for. */
export function addressReader(options: Pick<ApiOptions<User>, 'throttle'>): (ctx: Context) => string {
  const { throttle: limits = {} } = options
  const addressOf = limits === false ? undefined : limits?.addressOf
  // Koa has no address of a client that has gone, or that came by a Unix socket: those share one counter.
  if (addressOf === undefined) return (ctx) => (ctx.ip === '' ? 'unknown' : ctx.ip)
  if (typeof addressOf !== 'function') throw new TypeError('throttle.addressOf must be a function of the context')
  return (ctx) => {
    const address: unknown = addressOf(ctx)
    if (typeof address !== 'string' || address === '')
      throw new ContractViolation('throttle.addressOf must give a text')
    return address
  }
}

/** Where an API's routes are, '' by default. @throws {TypeError} that names `prefix`, unless it is '' or starts with a slash and does not end with one. */
export function pathPrefix(prefix: unknown = ''): string {
  if (typeof prefix !== 'string' || !/^(?:\/[^/\s]+)*$/.test(prefix)) {
    throw new TypeError("prefix must be '' or a path such as '/token'")
  }
  return prefix
}

/** A function among the options. @throws {TypeError} that names it for anything else. */
export function functionOption<F>(name: string, value: F): F {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function`)
  return value
}
