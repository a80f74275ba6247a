import { pbkdf2 as nodePbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { equalBytes } from '../crypto.js'
import { type Hasher, isLongSalt, newSalt, readBase64, readCount } from './hasher.js'

export interface Pbkdf2Options {
  /** Rounds of a new hash; 1000000. */
  readonly iterations?: number
}

const MAX_ITERATIONS = 5_000_000
const DIGESTS = { pbkdf2_sha256: ['sha256', 32], pbkdf2_sha1: ['sha1', 20] } as const

const derive = promisify(nodePbkdf2)

/**
 * PBKDF2 (RFC 8018) in Django's format, `pbkdf2_sha256$iterations$salt$base64`; `pbkdf2_sha1` is read. New hashes have
 * Django 5.2's iterations. Reads hashes of up to 5 million iterations.
 *
 * @throws {TypeError} for `iterations` that it could not read back.
 */
export function pbkdf2(options: Pbkdf2Options = {}): Hasher {
  const { iterations = 1_000_000 } = options
  if (!isAffordable(iterations)) throw new TypeError(`iterations must be a whole number from 1 to ${MAX_ITERATIONS}`)
  const encode = (salt: string, key: Buffer): string => `pbkdf2_sha256$${iterations}$${salt}$${key.toString('base64')}`

  return {
    async hash(password) {
      const salt = newSalt()
      return encode(salt, await derive(password, salt, iterations, 32, 'sha256'))
    },

    read(encoded) {
      const [algorithm = '', count, salt, digits, ...rest] = encoded.split('$')
      if (!isAlgorithm(algorithm) || rest.length > 0 || salt === undefined || salt === '') return null
      const [digest, length] = DIGESTS[algorithm]
      const rounds = readCount(count)
      const key = readBase64(digits)
      if (key?.length !== length || !isAffordable(rounds)) return null
      return {
        verify: async (password) => equalBytes(await derive(password, salt, rounds, length, digest), key),
        cost: `${algorithm} ${rounds}`,
        outdated: algorithm !== 'pbkdf2_sha256' || rounds < iterations || !isLongSalt(salt),
      }
    },

    decoy: encode('decoydecoydecoydecoydec', Buffer.alloc(32)),
  }
}

function isAlgorithm(text: string): text is keyof typeof DIGESTS {
  return Object.hasOwn(DIGESTS, text)
}

function isAffordable(iterations: number): boolean {
  return Number.isSafeInteger(iterations) && iterations >= 1 && iterations <= MAX_ITERATIONS
}
