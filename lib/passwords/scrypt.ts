import { equalBytes } from '../crypto.js'
import { type Hasher, isLongSalt, newSalt, readBase64, readCount, type StoredHash } from './hasher.js'
import { readPhc } from './phc-string.js'
import { isAffordable, type ScryptCosts, scryptKey } from './scrypt-key.js'
import { checkOptions, type OptionNames } from '../option-names.js'

export interface ScryptOptions {
  /** N, a power of two; 16384. */
  readonly cost?: number
  /** r; 8. */
  readonly blockSize?: number
  /** p; 5. */
  readonly parallelization?: number
}

const KEY_BYTES = 64
const PHC_SALT_BYTES = 16

/** What a stored hash says, whatever its format. */
interface Stored extends ScryptCosts {
  readonly salt: string | Buffer
  readonly key: Buffer
  readonly isSalted: boolean
}

/** The names of the options. */
export const SCRYPT_OPTIONS = {
  cost: true,
  blockSize: true,
  parallelization: true,
} as const satisfies OptionNames<ScryptOptions>

/**
 * scrypt (RFC 7914) in Django's format, `scrypt$N$salt$r$p$base64`, with Django 5.2's parameters for new hashes. PHC strings,
 * `$scrypt$ln=…,r=…,p=…$salt$key`, are read too (`phc()` makes them). Reads hashes of up to 256 MiB and p = 16.
 *
 * @throws {TypeError} for parameters that it could not read back.
 */
export function scrypt(options: ScryptOptions = {}): Hasher {
  checkOptions('scrypt', options, SCRYPT_OPTIONS)
  const own = ownCosts(options)
  const encode = (salt: string, key: Buffer): string =>
    `scrypt$${own.N}$${salt}$${own.r}$${own.p}$${key.toString('base64')}`

  return {
    async hash(password) {
      const salt = newSalt()
      return encode(salt, await scryptKey(password, salt, KEY_BYTES, own))
    },

    read(encoded): StoredHash | null {
      const stored = encoded.startsWith('$') ? readPhcScrypt(encoded) : readDjango(encoded)
      if (stored === null || !isAffordable(stored)) return null
      const { N, r, p, salt, key, isSalted } = stored
      return {
        verify: async (password) => equalBytes(await scryptKey(password, salt, key.length, { N, r, p }), key),
        cost: `scrypt ${N} ${r} ${p}`,
        outdated: N < own.N || r < own.r || p < own.p || !isSalted,
      }
    },

    decoy: encode('decoydecoydecoydecoydec', Buffer.alloc(KEY_BYTES)),
  }
}

/** The costs of new hashes, checked. */
export function ownCosts(options: ScryptOptions): ScryptCosts {
  const { cost: N = 16384, blockSize: r = 8, parallelization: p = 5 } = options
  if (!isAffordable({ N, r, p })) {
    throw new TypeError('cost must be a power of two, and cost, blockSize and parallelization within 256 MiB and 16')
  }
  return { N, r, p }
}

function readDjango(encoded: string): Stored | null {
  const [algorithm, n, salt, r, p, digits, ...rest] = encoded.split('$')
  if (algorithm !== 'scrypt' || rest.length > 0 || salt === undefined || salt === '') return null
  const key = readBase64(digits)
  if (key?.length !== KEY_BYTES) return null
  return { N: readCount(n), r: readCount(r), p: readCount(p), salt, key, isSalted: isLongSalt(salt) }
}

function readPhcScrypt(encoded: string): Stored | null {
  const phc = readPhc(encoded, ['ln', 'r', 'p'])
  if (phc?.name !== 'scrypt' || phc.version !== undefined) return null
  const { parameters, salt, key } = phc
  const of = (name: string): number => parameters.get(name) ?? NaN
  return { N: 2 ** of('ln'), r: of('r'), p: of('p'), salt, key, isSalted: salt.length >= PHC_SALT_BYTES }
}
