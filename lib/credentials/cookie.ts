import { accept, refuse } from '../verdict.js'
import { type Credentials, isHttpToken } from './credentials.js'

/**
 * A token in a cookie (RFC 6265 §4.2). A cookie that is sent twice, under the same name, is `malformed`. A browser sends it
 * to every address of the site by itself: whoever reads one must check where unsafe requests come from.
 */
export function cookie(name: string): Credentials {
  if (!isHttpToken(name)) throw new TypeError('name must be a cookie name of RFC 6265')
  const start = `${name}=`
  return {
    read(source) {
      const values = (source.headers.cookie ?? '')
        .split(';')
        .map((pair) => pair.trim())
        .filter((pair) => pair.startsWith(start))
        .map((pair) => pair.slice(start.length))
      const [token = '', ...others] = values
      if (others.length > 0) return refuse('malformed', 'cookie_repeated')
      return token === '' ? refuse('missing') : accept({ token })
    },
  }
}
