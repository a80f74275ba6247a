import { refuse } from '../verdict.js'
import { type CredentialsRefusal, headerValue, type Source } from './credentials.js'

const NAME = 'authorization'

/** The value of the only Authorization header. A second one is refused, never guessed: RFC 9110 §5.3 does not allow to combine them. */
export function authorizationHeader(source: Source): { ok: true; value: string } | CredentialsRefusal {
  const value = headerValue(source, NAME)
  if (value === undefined) return refuse('missing')
  return isRepeated(source.rawHeaders) ? refuse('malformed', 'repeated') : { ok: true, value }
}

/** What follows a scheme (RFC 9110 §11.4: case-insensitive, then one or more blanks); `missing` for another scheme. */
export function afterScheme(header: string, scheme: string): { ok: true; value: string } | CredentialsRefusal {
  if (header.slice(0, scheme.length).toLowerCase() !== scheme.toLowerCase()) return refuse('missing')
  const rest = header.slice(scheme.length)
  if (rest !== '' && rest[0] !== ' ') return refuse(rest[0] === '\t' ? 'malformed' : 'missing')
  let start = 0
  while (rest[start] === ' ') start += 1
  return start === rest.length ? refuse('malformed', 'no_credentials') : { ok: true, value: rest.slice(start) }
}

function isRepeated(rawHeaders: readonly string[] = []): boolean {
  let seen = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === NAME.length && name.toLowerCase() === NAME) seen += 1
  }
  return seen > 1
}
