import { headerValue, isHttpToken, type Source } from '../credentials/credentials.js'

/** How a token is put into a cookie: never readable by scripts, only over TLS, and not sent along by other sites' forms. */
export interface TokenCookie {
  readonly name: string
  /** The path that it is sent to; '/'. */
  readonly path?: string
  readonly domain?: string
  /**
   * Whether the cookie is sent over TLS only; true. `false` is for development: it leaves `Secure` out of cookies for
   * `localhost`, `*.localhost`, 127.0.0.0/8 and [::1], and of no others.
   */
  readonly secure?: boolean
}

/**
 * The value of `Set-Cookie` for a token until it ends (RFC 6265 §4.1): HttpOnly, Secure, SameSite=Lax. Written here, since
 * Koa's cookies refuse `Secure` behind a proxy that terminates TLS.
 *
 * @param seconds How long the token is valid; 0 to clear the cookie.
 */
export function tokenCookie(cookie: TokenCookie, token: string, seconds: number, source: Source): string {
  const { name, path = '/', domain, secure = true } = cookie
  const parts = [`${name}=${token}`, `Path=${path}`, `Max-Age=${seconds}`, 'HttpOnly']
  if (secure || !isLocal(source)) parts.push('Secure')
  parts.push('SameSite=Lax')
  if (domain !== undefined) parts.push(`Domain=${domain}`)
  return parts.join('; ')
}

const LOCAL = /^(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?$/i

/** Whether a request is for this machine itself, which browsers do not look up elsewhere (RFC 6761 §6.3). */
function isLocal(source: Source): boolean {
  return LOCAL.test(headerValue(source, ':authority') ?? headerValue(source, 'host') ?? '')
}

/**
 * @throws {TypeError} for what is not an object, for a name, path or domain that would break the header, for a `secure` that is
 *   not a boolean, and for names that browsers take only with certain attributes (`__Host-`, `__Secure-`) and that lack them.
 */
export function checkTokenCookie(cookie: TokenCookie): void {
  if (typeof cookie !== 'object' || cookie === null) throw new TypeError('cookie must be an object with a name')
  const { name, path = '/', domain = '', secure = true } = cookie
  if (!isHttpToken(name)) throw new TypeError('cookie.name must be a cookie name of RFC 6265')
  if (typeof path !== 'string' || !/^\/[^;\s]*$/.test(path)) throw new TypeError('cookie.path must start with a slash')
  if (typeof domain !== 'string' || !/^[0-9A-Za-z.-]*$/.test(domain))
    throw new TypeError('cookie.domain must be a host name')
  if (typeof secure !== 'boolean') throw new TypeError('cookie.secure must be true or false')
  if (/^__(?:host|secure)-/i.test(name) && !secure)
    throw new TypeError('cookie.secure must be true for a name that starts with __Host- or __Secure-')
  if (/^__host-/i.test(name) && (path !== '/' || domain !== ''))
    throw new TypeError("cookie.path must be '/', and there is no cookie.domain, for a name that starts with __Host-")
}
