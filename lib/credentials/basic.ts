import { isUtf8 } from 'node:buffer'
import { accept } from '../verdict.js'
import { CONTROL_CHARACTER } from '../user.js'
import type { Credentials } from './credentials.js'
import { afterScheme, authorizationHeader, malformed } from './header.js'

const SCHEME = 'Basic'

/**
 * `Authorization: Basic base64(user ":" token)` (RFC 7617, charset UTF-8): canonical base64, the first colon splits, control
 * characters are `malformed`.
 */
export function basic(): Credentials {
  return {
    givesUser: true,

    read(source) {
      const header = authorizationHeader(source)
      if (!header.ok) return header
      const encoded = afterScheme(header.value, SCHEME)
      if (!encoded.ok) return encoded
      const bytes = Buffer.from(encoded.value, 'base64')
      // Decoding is lenient, so that only what encodes to the same text again is accepted.
      if (bytes.toString('base64') !== encoded.value || !isUtf8(bytes)) return malformed(SCHEME)
      const pair = bytes.toString('utf8')
      const colon = pair.indexOf(':')
      if (colon < 1 || colon === pair.length - 1 || CONTROL_CHARACTER.test(pair)) return malformed(SCHEME)
      return accept({ user: pair.slice(0, colon), token: pair.slice(colon + 1), scheme: SCHEME })
    },
  }
}
