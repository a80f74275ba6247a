import { refuse } from '../verdict.js'
import { type CredentialsRefusal, headerValue, type Source } from './credentials.js'

const NAME = 'authorization'

/** The value of the only Authorization header. A second one is refused, never guessed: RFC 9110 §5.3 does not allow to combine them. */
export function authorizationHeader(source: Source): { ok: true; value: string } | CredentialsRefusal {
  const value = headerValue(source, NAME)
  if (value === undefined) return refuse('missing')
  return isRepeated(NAME, source.rawHeaders) ? refuse('malformed', 'repeated') : { ok: true, value }
}

/** Credentials of a scheme that cannot be read. The refusal names the scheme, so that the challenge can be of that one. */
export function malformed(scheme: string, detail?: string): CredentialsRefusal {
  return { ...refuse('malformed', detail), scheme }
}

/** What follows a scheme (RFC 9110 §11.4: case-insensitive, then one or more blanks); `missing` for another scheme. */
export function afterScheme(header: string, scheme: string): { ok: true; value: string } | CredentialsRefusal {
  if (header.slice(0, scheme.length).toLowerCase() !== scheme.toLowerCase()) return refuse('missing')
  const rest = header.slice(scheme.length)
  if (rest[0] === '\t') return malformed(scheme)
  if (rest !== '' && rest[0] !== ' ') return refuse('missing')
  let start = 0
  while (rest[start] === ' ') start += 1
  return start === rest.length ? malformed(scheme, 'no_credentials') : { ok: true, value: rest.slice(start) }
}

/** Whether a header, named in lower case, was sent more than once. */
export function isRepeated(header: string, rawHeaders: readonly string[] = []): boolean {
  let seen = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === header.length && name.toLowerCase() === header) seen += 1
  }
  return seen > 1
}
