import { accept, refuse } from '../verdict.js'
import type { Credentials } from './credentials.js'

/**
 * A token in a cookie (RFC 6265 §4.2). A cookie that is sent twice, under the same name, is `malformed`. A browser sends it
 * to every address of the site by itself: whoever reads one must check where unsafe requests come from.
 */
export function cookie(name: string): Credentials {
  if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
    throw new TypeError('name must be a cookie name of RFC 6265')
  const start = `${name}=`
  return {
    read(source) {
      const values = (source.headers.cookie ?? '')
        .split(';')
        .map((pair) => pair.trim())
        .filter((pair) => pair.startsWith(start))
        .map((pair) => pair.slice(start.length))
      const [token = '', ...others] = values
      if (others.length > 0) return refuse('malformed', 'repeated')
      return token === '' ? refuse('missing') : accept({ token })
    },
  }
}
