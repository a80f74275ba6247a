import { accept, refuse } from '../verdict.js'
import { type Credentials, headerValue, isHttpToken } from './credentials.js'
import { isRepeated } from './header.js'

/**
 * A token in a header of its own, for clients that keep `Authorization` for something else; `X-API-Key` by default. An empty
 * header, a repeated one and a value with a blank in it are `malformed`.
 *
 * @throws {TypeError} for a name that no header can have.
 */
export function apiKey(header = 'X-API-Key'): Credentials {
  if (!isHttpToken(header)) throw new TypeError('header must be the name of a header of RFC 9110')
  const name = header.toLowerCase()
  return {
    givesUser: false,

    read(source) {
      const token = headerValue(source, name)
      if (token === undefined) return refuse('missing')
      if (isRepeated(name, source.rawHeaders)) return refuse('malformed', 'repeated')
      if (token === '') return refuse('malformed', 'no_credentials')
      return /\s/.test(token) ? refuse('malformed', 'spaces') : accept({ token })
    },
  }
}
