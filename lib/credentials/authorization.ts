import { accept } from '../verdict.js'
import { type Credentials, isHttpToken } from './credentials.js'
import { afterScheme, authorizationHeader, malformed } from './header.js'

/**
 * `Authorization: <scheme> <token>`, for any scheme (RFC 9110 §11.4). A token with a blank in it is `malformed`.
 *
 * @throws {TypeError} for a scheme that no header can carry.
 */
export function authorization(scheme: string): Credentials {
  if (!isHttpToken(scheme)) throw new TypeError('scheme must be a token of RFC 9110')
  return {
    givesUser: false,

    read(source) {
      const header = authorizationHeader(source)
      if (!header.ok) return header
      const rest = afterScheme(header.value, scheme)
      if (!rest.ok) return rest
      const token = rest.value.trimEnd()
      return /\s/.test(token) ? malformed(scheme, 'spaces') : accept({ token, scheme })
    },
  }
}
