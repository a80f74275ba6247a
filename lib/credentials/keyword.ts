import { isUtf8 } from 'node:buffer'
import { accept, refuse } from '../verdict.js'
import type { Credentials } from './credentials.js'
import { authorizationHeader, malformed } from './header.js'

/**
 * `Authorization: <scheme> <token>` as Django REST framework reads it: cut at any run of blanks and tabs. The detail of a refusal
 * says what is wrong: `no_credentials`, `spaces`, `encoding` (bytes that are not UTF-8) or `repeated`.
 */
export function keyword(scheme: string): Credentials {
  return {
    givesUser: false,

    read(source) {
      const header = authorizationHeader(source)
      if (!header.ok) return header
      const [first = '', token, ...rest] = header.value.split(/[ \t]+/).filter((part) => part !== '')
      if (first.toLowerCase() !== scheme.toLowerCase()) return refuse('missing')
      if (token === undefined) return malformed(scheme, 'no_credentials')
      if (rest.length > 0) return malformed(scheme, 'spaces')
      // Node.js shows a header's bytes as Latin-1.
      const bytes = Buffer.from(token, 'latin1')
      return isUtf8(bytes) ? accept({ token: bytes.toString('utf8'), scheme }) : malformed(scheme, 'encoding')
    },
  }
}
