import type { IncomingHttpHeaders } from 'node:http'
import type { Verdict } from '../verdict.js'

/** What a request carries, all of it untrusted. A Node.js `IncomingMessage` is one. */
export interface Source {
  readonly method?: string | undefined
  readonly headers: IncomingHttpHeaders
  /** Header names and values in turn, as they came: Node.js keeps only the first of two Authorization headers in `headers`. */
  readonly rawHeaders?: readonly string[]
  /** Path and query. */
  readonly url?: string | undefined
  /** What a body parser made of the body. */
  readonly body?: unknown
}

/** The port that every carrier of credentials fills: `missing` where it carries none, `malformed` where they cannot be read. */
export interface Credentials {
  read(source: Source): Verdict<{ user?: string; token: string }>
}
