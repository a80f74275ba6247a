import { randomBytes } from 'node:crypto'
import { checkOptions } from '../option-names.js'
import { argon2, ARGON2_OPTIONS, type Argon2Options } from './argon2.js'
import type { Hasher } from './hasher.js'
import { ifInstalled } from './installed.js'
import { pbkdf2 } from './pbkdf2.js'
import { writePhc } from './phc-string.js'
import { ownCosts, scrypt, SCRYPT_OPTIONS, type ScryptOptions } from './scrypt.js'
import { scryptKey } from './scrypt-key.js'

/** What new hashes are made with, scrypt by default, and at what cost; the defaults are those of `scrypt()` and `argon2()`. */
export type PhcOptions =
  ({ readonly algorithm?: 'scrypt' } & ScryptOptions) | ({ readonly algorithm: 'argon2id' } & Argon2Options)

const SALT_BYTES = 16
const KEY_BYTES = 32

/**
 * Hashes in the PHC string format, which other languages and packages read: new ones are `$scrypt$ln=…,r=…,p=…$salt$key`, or
 * `$argon2id$…` with `algorithm: 'argon2id'`. It reads the PHC strings that `scrypt()`, `pbkdf2()` and `argon2()` read (the last
 * where its package is installed), and no other format: put those hashers after it for Django's.
 *
 * @throws {TypeError} for a wrong option; {InternalError} as `argon2()` where it is asked for.
 */
export function phc(options: PhcOptions = {}): Hasher {
  const names = options?.algorithm === 'argon2id' ? ARGON2_OPTIONS : SCRYPT_OPTIONS // of the other one none would do anything
  checkOptions('phc', options, { algorithm: true, ...names })
  const own = ownHasher(options)
  const others = [scrypt(), pbkdf2(), ...ifInstalled(argon2)]

  return {
    ...own,
    read(encoded) {
      if (!encoded.startsWith('$')) return null
      const stored = own.read(encoded)
      if (stored !== null) return stored
      for (const hasher of others) {
        const other = hasher.read(encoded)
        if (other !== null) return { ...other, outdated: true }
      }
      return null
    },
  }
}

function ownHasher(options: PhcOptions): Hasher {
  if (options.algorithm === 'argon2id') {
    const { algorithm: _, ...costs } = options
    const hasher = argon2(costs)
    return {
      ...hasher,
      hash: async (password) => withoutPrefix(await hasher.hash(password)),
      decoy: withoutPrefix(hasher.decoy),
    }
  }
  if (options.algorithm !== undefined && options.algorithm !== 'scrypt') {
    throw new TypeError("algorithm must be 'scrypt' or 'argon2id'")
  }
  const { algorithm: _, ...own } = options
  const costs = ownCosts(own)
  const encode = (salt: Buffer, key: Buffer): string =>
    writePhc({ name: 'scrypt', parameters: { ln: Math.log2(costs.N), r: costs.r, p: costs.p }, salt, key })
  return {
    ...scrypt(own),
    async hash(password) {
      const salt = randomBytes(SALT_BYTES)
      return encode(salt, await scryptKey(password, salt, KEY_BYTES, costs))
    },
    decoy: encode(Buffer.alloc(SALT_BYTES), Buffer.alloc(KEY_BYTES)),
  }
}

/** Django's format is the PHC string with `argon2` before it. */
function withoutPrefix(encoded: string): string {
  return encoded.slice(encoded.indexOf('$'))
}
