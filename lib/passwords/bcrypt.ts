import { createHash } from 'node:crypto'
import { type Bcrypt, bcryptPackage } from './bcrypt-package.js'
import { type Hasher } from './hasher.js'
import { checkOptions, type OptionNames } from '../option-names.js'

export interface BcryptOptions {
  /** log2 of the rounds of a new hash, 4 to 16; 12. */
  readonly cost?: number
  /**
   * What new hashes look like: `django` (the default) is `bcrypt_sha256$$2b$…`; `raw` is `$2b$…`, for a table that another
   * application reads too. Raw hashes are made of passwords of at most 72 bytes.
   */
  readonly format?: 'django' | 'raw'
}

// The last characters of salt and digest carry 2 and 4 bits: with others set, the packages return false without doing any work.
const FORM =
  /^(bcrypt\$|bcrypt_sha256\$|)\$2[aby](\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26])$/
const MAX_BYTES = 72
const SHA256 = 'bcrypt_sha256$'

const OPTIONS = { cost: true, format: true } as const satisfies OptionNames<BcryptOptions>

/**
 * bcrypt as other packages write it (`$2a$`, `$2b$` and `$2y$`, which are one algorithm for text in UTF-8) and in Django's formats:
 * `bcrypt_sha256$`, which new hashes have (the password's SHA-256 in hex is hashed), and plain `bcrypt$`. Costs of 4 to 16 are read. It uses
 * the first that is installed of `@node-rs/bcrypt`, `bcrypt` and `bcryptjs` (which runs in a worker thread).
 *
 * Of a password, bcrypt itself reads 72 bytes. Where another package made the hash, the rest is ignored as that package ignores it, so
 * that its users can still log in. Django's `bcrypt$` refuses longer passwords, as Django with bcrypt 5 does. Neither takes a
 * password with a NUL. `$2x$` and `$2$`, which mark hashes of faulty versions, are not read.
 *
 * @throws {InternalError} with the code ERR_PACKAGE_MISSING where no package is installed; {TypeError} for a wrong option. `hash`
 *   in the raw format rejects with a TypeError for a password that bcrypt would cut.
 */
export function bcrypt(options: BcryptOptions = {}): Hasher {
  checkOptions('bcrypt', options, OPTIONS)
  return bcryptOn(bcryptPackage(), options)
}

/** The same with a given implementation of bcrypt. */
export function bcryptOn(library: Bcrypt, options: BcryptOptions = {}): Hasher {
  const { cost = 12, format = 'django' } = options
  if (!Number.isInteger(cost) || cost < 4 || cost > 16) throw new TypeError('cost must be a whole number from 4 to 16')
  if (format !== 'django' && format !== 'raw') throw new TypeError("format must be 'django' or 'raw'")
  const prefix = format === 'django' ? SHA256 : ''

  return {
    async hash(password) {
      if (format === 'raw' && !isWhole(password)) {
        throw new TypeError(`password must have at most ${MAX_BYTES} bytes and no NUL for a raw bcrypt hash`)
      }
      const hash = await library.hash(format === 'django' ? sha256(password) : password, cost)
      // Some packages mark their hashes 2y or 2a.
      return `${prefix}$2b${hash.slice('$2b'.length)}`
    },

    read(encoded) {
      const [, stored, rest, rounds] = FORM.exec(encoded) ?? []
      if (stored === undefined || rest === undefined) return null
      return {
        verify: async (password) => {
          const matches = await library.verify(stored === SHA256 ? sha256(password) : password, `$2b${rest}`)
          // Checked after the hash, so that every password costs the same.
          return matches && isReadBy(stored, password)
        },
        cost: `bcrypt ${Number(rounds)}`,
        outdated: (format === 'django' && stored !== SHA256) || Number(rounds) < cost,
      }
    },

    decoy: `${prefix}$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`,
  }
}

function isReadBy(prefix: string, password: string): boolean {
  if (prefix === SHA256) return true
  return prefix === '' ? !password.includes('\0') : isWhole(password)
}

function isWhole(password: string): boolean {
  return Buffer.byteLength(password) <= MAX_BYTES && !password.includes('\0')
}

function sha256(password: string): string {
  return createHash('sha256').update(password).digest('hex')
}
