import { refuse } from '../verdict.js'
import type { Credentials, CredentialsRefusal } from './credentials.js'

/**
 * Reads the first of several places that has any credentials. If those cannot be read, the others are not tried.
 *
 * @throws {TypeError} for anything except readers, and for none.
 */
export function firstOf(...readers: readonly Credentials[]): Credentials {
  if (readers.length === 0 || !readers.every((reader) => typeof reader?.read === 'function')) {
    throw new TypeError('firstOf needs readers: params(), basic(), …')
  }
  const gives = readers.map((reader) => reader.givesUser)
  const givesUser = gives.includes(true) ? true : gives.every((one) => one === false) ? false : undefined
  return {
    ...(givesUser !== undefined && { givesUser }), // not known if a reader of the application does not say

    read(source) {
      let refusal: CredentialsRefusal = refuse('missing')
      for (const reader of readers) {
        const offered = reader.read(source)
        if (offered.ok || offered.reason !== 'missing') return offered
        if (refusal.partial === undefined) refusal = offered
      }
      return refusal
    },
  }
}
