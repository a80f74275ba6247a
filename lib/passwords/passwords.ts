import { argon2 } from './argon2.js'
import { bcrypt } from './bcrypt.js'
import { type Gate, gate, gateWidth } from './gate.js'
import { decoys } from './decoys.js'
import type { Hasher, StoredHash } from './hasher.js'
import { ifInstalled } from './installed.js'
import { legacy } from './legacy.js'
import { pbkdf2 } from './pbkdf2.js'
import { scrypt } from './scrypt.js'
import { formatOf, isUnusable, unreadableWarnings } from './unreadable.js'
import { checkOptions, type OptionNames } from '../option-names.js'

/** What `verify` may be given besides the password and the stored hash. */
export interface VerifyOptions {
  /** Aborted when the client has gone: a hash that still waits is skipped, and the rejection is the signal's reason. */
  readonly signal?: AbortSignal
  /** The exact user name, which chooses the decoy. Without it all unknown users cost the same. */
  readonly name?: string
  /** The account as one text, the same for each spelling of its name: an account that is flooded waits behind others. */
  readonly account?: string
  /** The client's address: an address with many or failed logins waits behind others. */
  readonly address?: string
  /**
   * Called after the work for a stored hash that no hasher reads, with the name of its format where that is certain (`$x$`).
   * Not called where no password logs in on purpose: null, '' and hashes that start with "!".
   */
  readonly onUnreadable?: (format: string | undefined) => void
}

/** Makes and verifies password hashes, behind one gate for the whole process. */
export interface Passwords {
  /**
   * A new hash by the first hasher.
   *
   * @throws {TypeError} for what is not a well-formed string of 1 to 4096 bytes, or ends with a NUL; `Overloaded` when the queue
   *   at the gate is full.
   */
  hash(password: string): Promise<string>
  /**
   * Whether the password is that of a stored hash. It always costs one hash: if there is none to verify (no such user, an
   * unusable password, a format that no hasher reads, a password of more than 4096 bytes), it works on a decoy and the result is
   * false. Nothing is rehashed. The first unreadable hash of each format is a process warning.
   *
   * @throws {Overloaded} when the queue at the gate is full.
   */
  verify(password: string, encoded: string | null, options?: VerifyOptions): Promise<boolean>
  /** Whether the first hasher would make a stronger hash; false if no password logs in. A rewritten hash ends the user's tokens, so nothing does it unasked. */
  needsRehash(encoded: string | null): boolean
}

export interface PasswordsOptions {
  /** The first makes new hashes, all verify. */
  readonly hashers?: readonly Hasher[]
  /** Where hashes wait; one gate for the whole process unless given. */
  readonly gate?: Gate
  /**
   * Chooses what a login of an unknown user costs, in a table with hashes of several costs. Random for each process; several
   * processes that serve the same users should share one secret text, since a name whose cost varies between them is unknown.
   */
  readonly decoyKey?: string
}

const MAX_BYTES = 4096
/** Characters of a stored hash. */
const MAX_ENCODED = 512

/** One gate for the whole process, since libuv's threads are shared by all of it. */
const processGate = gate({ width: gateWidth() })

const OPTIONS = { hashers: true, gate: true, decoyKey: true } as const satisfies OptionNames<PasswordsOptions>

/**
 * Passwords in the formats of the given hashers: the first makes new hashes, all verify. By default scrypt (Django 5.2's
 * parameters) makes them, and PBKDF2, Argon2 and bcrypt (if their packages are installed) and salted MD5 and SHA-1 are read.
 *
 * A login for an unknown user costs what one for a known user may cost: see `decoys`.
 *
 * @throws {TypeError} that names the option that is wrong.
 */
export function passwords(options: PasswordsOptions = {}): Passwords {
  checkOptions('passwords', options, OPTIONS)
  const { hashers = defaultHashers(), gate: hashing = processGate, decoyKey } = options
  const [preferred] = hashers
  if (preferred === undefined || !hashers.every(isHasher)) {
    throw new TypeError('hashers must be a list of at least one hasher: scrypt(), pbkdf2(), …')
  }
  if (decoyKey !== undefined && (typeof decoyKey !== 'string' || decoyKey === '')) {
    throw new TypeError('decoyKey must be a string that is not empty')
  }

  const read = (encoded: string | null): { readonly stored: StoredHash; readonly cost: string } | null => {
    if (typeof encoded !== 'string' || encoded.length > MAX_ENCODED) return null
    for (const [at, hasher] of hashers.entries()) {
      const stored = hasher.read(encoded)
      if (stored !== null) return { stored, cost: `${at} ${stored.cost}` }
    }
    return null
  }

  const first = preferred.read(preferred.decoy)
  if (first === null) throw new TypeError('the first hasher must read its own decoy')
  const decoy = decoys({ first, key: decoyKey })
  const warn = unreadableWarnings()

  return {
    async hash(password) {
      if (!isHashable(password) || password === '') {
        throw new TypeError(`password must be a well-formed string of 1 to ${MAX_BYTES} bytes without a NUL at its end`)
      }
      return hashing.run(() => preferred.hash(password))
    },

    async verify(password, encoded, given = {}) {
      // Without a name, the stored hash stands for it.
      const { name = typeof encoded === 'string' ? encoded.slice(0, MAX_ENCODED) : '', onUnreadable } = given
      const known = read(encoded)
      if (known !== null) decoy.see(name, known)
      const work = known?.stored ?? decoy.for(name)
      const checked = isHashable(password) ? password : ''
      const matches = await hashing.run(() => work.verify(checked), {
        signal: given.signal,
        address: given.address,
        account: given.account,
        isWrong: (isRight) => !isRight,
      })
      if (known === null && !isUnusable(encoded)) {
        const format = formatOf(String(encoded))
        warn(format)
        onUnreadable?.(format)
      }
      return matches && known !== null && checked === password
    },

    needsRehash(encoded) {
      if (isUnusable(encoded)) return false
      return preferred.read(String(encoded))?.outdated ?? true
    },
  }
}

function isHasher(hasher: Hasher | undefined): boolean {
  return typeof hasher?.hash === 'function' && typeof hasher.read === 'function' && typeof hasher.decoy === 'string'
}

/** HMAC pads its key with NULs, so that PBKDF2 and scrypt would take 'x' and 'x\0' for one password. */
function isHashable(password: unknown): boolean {
  if (typeof password !== 'string' || !password.isWellFormed() || password.endsWith('\0')) return false
  return Buffer.byteLength(password) <= MAX_BYTES
}

function defaultHashers(): readonly Hasher[] {
  return [scrypt(), pbkdf2(), ...ifInstalled(argon2), ...ifInstalled(bcrypt), legacy()]
}
