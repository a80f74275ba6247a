import { scrypt as nodeScrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { equalBytes } from '../crypto.js'
import { type Hasher, isLongSalt, newSalt, readBase64, readCount } from './hasher.js'

export interface ScryptOptions {
  /** N, a power of two; 16384. */
  readonly cost?: number
  /** r; 8. */
  readonly blockSize?: number
  /** p; 5. */
  readonly parallelization?: number
}

const KEY_BYTES = 64
const MAX_MEMORY = 256 * 1024 * 1024
const MAX_PARALLELIZATION = 16

const derive = promisify<string, string, number, object, Buffer>(nodeScrypt)

/**
 * scrypt (RFC 7914) in Django's format, `scrypt$N$salt$r$p$base64`, with Django 5.2's parameters for new hashes. Reads
 * hashes of up to 256 MiB and p = 16.
 *
 * @throws {TypeError} for parameters that it could not read back.
 */
export function scrypt(options: ScryptOptions = {}): Hasher {
  const { cost = 16384, blockSize = 8, parallelization = 5 } = options
  if (!isAffordable(cost, blockSize, parallelization)) {
    throw new TypeError('cost must be a power of two, and cost, blockSize and parallelization within 256 MiB and 16')
  }
  const encode = (salt: string, key: Buffer): string =>
    `scrypt$${cost}$${salt}$${blockSize}$${parallelization}$${key.toString('base64')}`

  return {
    async hash(password) {
      const salt = newSalt()
      return encode(salt, await derive(password, salt, KEY_BYTES, nodeOptions(cost, blockSize, parallelization)))
    },

    read(encoded) {
      const [algorithm, n, salt, r, p, digits, ...rest] = encoded.split('$')
      if (algorithm !== 'scrypt' || rest.length > 0 || salt === undefined || salt === '') return null
      const [N, R, P, key] = [readCount(n), readCount(r), readCount(p), readBase64(digits)]
      if (key?.length !== KEY_BYTES || !isAffordable(N, R, P)) return null
      return {
        verify: async (password) => equalBytes(await derive(password, salt, KEY_BYTES, nodeOptions(N, R, P)), key),
        cost: `scrypt ${N} ${R} ${P}`,
        outdated: N < cost || R < blockSize || P < parallelization || !isLongSalt(salt),
      }
    },

    decoy: encode('decoydecoydecoydecoydec', Buffer.alloc(KEY_BYTES)),
  }
}

/** Node's default ceiling of 32 MiB refuses N = 2^15 with r = 8, so that it is derived from the parameters. */
function nodeOptions(N: number, r: number, p: number): object {
  return { N, r, p, maxmem: memory(N, r, p) + 1024 * 1024 }
}

function memory(N: number, r: number, p: number): number {
  return 128 * r * (N + p + 2)
}

function isAffordable(N: number, r: number, p: number): boolean {
  const counts = [N, r, p]
  if (!counts.every((one) => Number.isSafeInteger(one) && one >= 1) || N < 2 || !Number.isInteger(Math.log2(N)))
    return false
  // RFC 7914 §2 has N below 2^(16 r), and OpenSSL throws for what is not.
  return N < 2 ** (16 * r) && p <= MAX_PARALLELIZATION && memory(N, r, p) <= MAX_MEMORY
}
