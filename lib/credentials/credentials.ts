import type { IncomingHttpHeaders } from 'node:http'
import type { Refusal, Verdict } from '../verdict.js'

/** What a request carries, all of it untrusted. A Node.js `IncomingMessage` is one. */
export interface Source {
  readonly method?: string | undefined
  readonly headers: IncomingHttpHeaders
  /** Header names and values alternating, as they came: Node.js keeps only the first of two Authorization headers in `headers`. */
  readonly rawHeaders?: readonly string[]
  /** Path and query. */
  readonly url?: string | undefined
  /** Path and query as they were received, if something on the way here has rewritten `url` (Koa and Express keep them). */
  readonly originalUrl?: string | undefined
  /** What a body parser made of the body. */
  readonly body?: unknown
}

/** A header of the request itself: one on `Object.prototype`, if that was polluted, is not what the client sent. */
export function headerValue({ headers }: Pick<Source, 'headers'>, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  return typeof value === 'string' ? value : undefined
}

/** Whether a text is a token of RFC 9110 §5.6.2, as the scheme of a header and the name of a cookie must be. */
export function isHttpToken(text: unknown): text is string {
  return typeof text === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)
}

/** What a reader refuses: no credentials, or credentials that cannot be read. */
export type CredentialsRefusal = Refusal<'missing' | 'malformed'>

/** The contract of a reader of credentials: `missing` if the request has none, `malformed` if they cannot be read. It reads at once. */
export interface Credentials {
  read(source: Source): Verdict<OfferedCredentials, 'missing' | 'malformed'>
  /** Whether what it reads names a user beside the token. */
  readonly givesUser?: boolean
}

/** A token, the user it is said to belong to, the scheme of the header it came in, and whether only links may come this way. */
export interface OfferedCredentials {
  user?: string
  token: string
  scheme?: string
  linksOnly?: true
}
