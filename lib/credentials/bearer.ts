import { accept } from '../verdict.js'
import type { Credentials } from './credentials.js'
import { afterScheme, authorizationHeader, malformed } from './header.js'

const SCHEME = 'Bearer'
const PAIR = /^([A-Za-z0-9_-]{1,200})\.([A-Za-z0-9._~+/=-]+)$/ // the characters of RFC 6750 §2.1

/**
 * `Authorization: Bearer <user>.<token>` (RFC 6750 §2.1), for tokens that mean nothing without their user. The first "." splits; an id
 * is 1 to 200 of [A-Za-z0-9_-]. Anything else is `malformed`. For a token by itself use `authorization('Bearer')`.
 */
export function bearer(): Credentials {
  return {
    givesUser: true,

    read(source) {
      const header = authorizationHeader(source)
      if (!header.ok) return header
      const text = afterScheme(header.value, SCHEME)
      if (!text.ok) return text
      const [, user, token] = PAIR.exec(text.value) ?? []
      return user === undefined || token === undefined ? malformed(SCHEME) : accept({ user, token, scheme: SCHEME })
    },
  }
}
