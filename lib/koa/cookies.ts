import { isHttpToken } from '../credentials/credentials.js'

/** How a token is put into a cookie: never readable by scripts, only over TLS, and not sent along by other sites' forms. */
export interface TokenCookie {
  readonly name: string
  /** The path that it is sent to; '/'. */
  readonly path?: string
  readonly domain?: string
}

/**
 * The value of `Set-Cookie` for a token until it ends (RFC 6265 §4.1): HttpOnly, Secure, SameSite=Lax. Written here, since
 * Koa's cookies refuse `Secure` behind a proxy that terminates TLS.
 */
export function tokenCookie(cookie: TokenCookie, token: string, seconds: number): string {
  const { name, path = '/', domain } = cookie
  const parts = [`${name}=${token}`, `Path=${path}`, `Max-Age=${seconds}`, 'HttpOnly', 'Secure', 'SameSite=Lax']
  if (domain !== undefined) parts.push(`Domain=${domain}`)
  return parts.join('; ')
}

/** @throws {TypeError} for what is no object, and for a name, path or domain that would break the header. */
export function checkTokenCookie(cookie: TokenCookie): void {
  if (typeof cookie !== 'object' || cookie === null) throw new TypeError('cookie must be an object with a name')
  const { name, path = '/', domain = '' } = cookie
  if (!isHttpToken(name)) throw new TypeError('cookie.name must be a cookie name of RFC 6265')
  if (typeof path !== 'string' || !/^\/[^;\s]*$/.test(path)) throw new TypeError('cookie.path must start with a slash')
  if (typeof domain !== 'string' || !/^[0-9A-Za-z.-]*$/.test(domain))
    throw new TypeError('cookie.domain must be a host name')
}
