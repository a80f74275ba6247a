import { argon2 } from './argon2.js'
import { bcrypt } from './bcrypt.js'
import { type Gate, gate, gateWidth } from './gate.js'
import type { Hasher, StoredHash } from './hasher.js'
import { legacy } from './legacy.js'
import { pbkdf2 } from './pbkdf2.js'
import { scrypt } from './scrypt.js'

/** Makes and checks password hashes, one gate for the whole process. */
export interface Passwords {
  /**
   * A new hash by the first hasher.
   *
   * @throws {TypeError} for what is not a well-formed string of 1 to 4096 bytes, or ends with a NUL; `Overloaded` when the line at the gate is full.
   */
  hash(password: string): Promise<string>
  /**
   * Whether the password is that of a stored hash. It always costs one hash: where there is none to check (no such user,
   * an unusable password, a format that no hasher reads, a password of more than 4096 bytes), a decoy is worked on and
   * the answer is false. Nothing is rehashed.
   */
  verify(password: string, encoded: string | null, options?: { readonly signal?: AbortSignal }): Promise<boolean>
  /** Whether the first hasher would make a stronger hash; false where no password logs in. A rewritten hash ends the user's tokens, so nothing does it unasked. */
  needsRehash(encoded: string | null): boolean
}

const MAX_BYTES = 4096

/** One line for the whole process, since libuv's threads are shared by all of it. */
const processGate = gate({ width: gateWidth() })

/**
 * Passwords in the formats of the given hashers: the first makes new hashes, all verify. By default scrypt (Django 5.2's
 * parameters) makes them, and PBKDF2, Argon2 and bcrypt (where their packages are installed) and salted MD5 and SHA-1 are read.
 *
 * The decoy costs what the last stored hash cost, or what the first hasher's would before one was seen, so that a login for
 * nobody takes as long as one for a user of this application.
 */
export function passwords(options: { readonly hashers?: readonly Hasher[]; readonly gate?: Gate } = {}): Passwords {
  const { hashers = defaultHashers(), gate: door = processGate } = options
  const [preferred] = hashers
  if (preferred === undefined || !hashers.every(isHasher)) {
    throw new TypeError('hashers must be a list of at least one hasher: scrypt(), pbkdf2(), …')
  }

  const readable = (encoded: string | null): StoredHash | null => {
    if (typeof encoded !== 'string' || encoded.length > 512) return null
    for (const hasher of hashers) {
      const stored = hasher.read(encoded)
      if (stored !== null) return stored
    }
    return null
  }

  let decoy = preferred.read(preferred.decoy)
  if (decoy === null) throw new TypeError('the first hasher must read its own decoy')

  return {
    async hash(password) {
      if (!isHashable(password) || password === '') {
        throw new TypeError(`password must be a well-formed string of 1 to ${MAX_BYTES} bytes without a NUL at its end`)
      }
      return door.run(() => preferred.hash(password))
    },

    async verify(password, encoded, { signal } = {}) {
      const stored = readable(encoded)
      if (stored !== null) decoy = stored
      const work = decoy as StoredHash // set above, and only ever replaced by another one
      const checked = isHashable(password) ? password : ''
      const matches = await door.run(() => work.verify(checked), signal)
      return matches && stored !== null && checked === password
    },

    needsRehash(encoded) {
      // Nobody has a password for an account without one, or with one that Django marks as unusable.
      if (encoded === null || encoded === '' || encoded.startsWith('!')) return false
      return preferred.read(encoded)?.outdated ?? true
    },
  }
}

/** HMAC pads its key with NULs, so that PBKDF2 and scrypt would take 'x' and 'x\0' for one password. */
function isHasher(hasher: Hasher | undefined): boolean {
  return typeof hasher?.hash === 'function' && typeof hasher.read === 'function' && typeof hasher.decoy === 'string'
}

function isHashable(password: unknown): boolean {
  if (typeof password !== 'string' || !password.isWellFormed() || password.endsWith('\0')) return false
  return Buffer.byteLength(password) <= MAX_BYTES
}

function defaultHashers(): readonly Hasher[] {
  return [scrypt(), pbkdf2(), ...installed(argon2), ...installed(bcrypt), legacy()]
}

function installed(hasher: () => Hasher): readonly Hasher[] {
  try {
    return [hasher()]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return []
    throw error
  }
}
