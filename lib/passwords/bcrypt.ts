import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import type * as NodeRsBcrypt from '@node-rs/bcrypt'
import { type Hasher } from './hasher.js'

export interface BcryptOptions {
  /** log2 of the rounds of a new hash, 4 to 16; 12. */
  readonly cost?: number
}

// The last characters of salt and digest carry 2 and 4 bits: with others set, the library says no without doing any work.
const FORM =
  /^(bcrypt|bcrypt_sha256)\$(\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26])$/
const MAX_BYTES = 72

/**
 * bcrypt in Django's formats, through the optional package `@node-rs/bcrypt`: `bcrypt_sha256$` (the password's SHA-256 in
 * hex is hashed), which new hashes have, and plain `bcrypt$`. The prefixes 2a, 2b and 2y are read alike. Plain bcrypt knows
 * only the first 72 bytes and stops at a NUL: such a password is refused, where libraries would take any tail.
 *
 * @throws {Error} where `@node-rs/bcrypt` is not installed; {TypeError} for a `cost` that it could not read back.
 */
export function bcrypt(options: BcryptOptions = {}): Hasher {
  const { cost = 12 } = options
  if (!Number.isInteger(cost) || cost < 4 || cost > 16) throw new TypeError('cost must be a whole number from 4 to 16')
  // Loaded here and not at the top, so that the package stays optional and its absence shows at start-up.
  const library = createRequire(import.meta.url)('@node-rs/bcrypt') as typeof NodeRsBcrypt

  return {
    async hash(password) {
      const hash = await hashBy(library, sha256(password), cost)
      // Version 1 marks its hashes 2y, another name of the same algorithm; Django writes 2b.
      return `bcrypt_sha256$$2b$${hash.slice('$2b$'.length)}`
    },

    read(encoded) {
      const [, algorithm, hash, rounds] = FORM.exec(encoded) ?? []
      if (hash === undefined) return null
      const verify =
        algorithm === 'bcrypt_sha256'
          ? (password: string) => library.verify(sha256(password), hash)
          : async (password: string) => (await library.verify(password, hash)) && isWhole(password)
      return {
        verify,
        cost: `bcrypt ${Number(rounds)}`,
        outdated: algorithm !== 'bcrypt_sha256' || Number(rounds) < cost,
      }
    },

    decoy: `bcrypt_sha256$$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`,
  }
}

/** Version 2 of the package, which knows `parseOptions`, takes an object where version 1 took the number. */
function hashBy(library: typeof NodeRsBcrypt, text: string, cost: number): Promise<string> {
  const newer = library as unknown as { hash(text: string, options: { cost: number }): Promise<string> }
  return 'parseOptions' in library ? newer.hash(text, { cost }) : library.hash(text, cost)
}

function sha256(password: string): string {
  return createHash('sha256').update(password).digest('hex')
}

/** Asked after the hash, so that a password of any length costs the same. */
function isWhole(password: string): boolean {
  return Buffer.byteLength(password) <= MAX_BYTES && !password.includes('\0')
}
