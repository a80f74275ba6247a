import { accept, refuse } from '../verdict.js'
import { type Credentials, headerValue, isHttpToken, type Source } from './credentials.js'

/**
 * A token in a cookie (RFC 6265 §4.2). A cookie that is sent twice under the same name is `malformed`. A browser adds it to every
 * request to the site by itself: an application that reads one must check where unsafe requests come from.
 *
 * @throws {TypeError} for a name that no cookie can have.
 */
export function cookie(name: string): Credentials {
  if (!isHttpToken(name)) throw new TypeError('name must be a cookie name of RFC 6265')
  return {
    givesUser: false,

    read(source) {
      const [token = '', ...others] = cookieValues(source, name)
      if (others.length > 0) return refuse('malformed', 'cookie_repeated')
      return token === '' ? refuse('missing') : accept({ token })
    },
  }
}

/** The values of all cookies with a name, as they were sent. */
export function cookieValues(source: Source, name: string): readonly string[] {
  const start = `${name}=`
  return (headerValue(source, 'cookie') ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start))
    .map((pair) => pair.slice(start.length))
}
