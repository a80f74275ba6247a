import { createHash } from 'node:crypto'
import { equalBytes } from '../crypto.js'
import { type Hasher, newSalt } from './hasher.js'
import { checkOptions, type OptionNames } from '../option-names.js'

export interface LegacyOptions {
  /** Reads the unsalted forms too: `md5$$hex`, bare hex of MD5, `sha1$$hex`. */
  readonly unsalted?: boolean
}

const FORM = /^(?:(md5|sha1)\$([^$]*)\$)?([0-9a-f]{32}|[0-9a-f]{40})$/
const DIGITS = { md5: 32, sha1: 40 } as const

const OPTIONS = { unsalted: true } as const satisfies OptionNames<LegacyOptions>

/**
 * Django's oldest formats, `md5$salt$hex` and `sha1$salt$hex`, for users who have not changed their password since. They
 * are only read, not made: they protect no password once the table has leaked, and `needsRehash` is true for each of them.
 */
export function legacy(options: LegacyOptions = {}): Hasher {
  checkOptions('legacy', options, OPTIONS)
  const { unsalted = false } = options
  if (typeof unsalted !== 'boolean') throw new TypeError('unsalted must be true or false')

  return {
    hash: () => Promise.reject(new TypeError('legacy() makes no new hashes: put another hasher first')),

    read(encoded) {
      const [, algorithm = 'md5', salt = '', digits = ''] = FORM.exec(encoded) ?? []
      if (!isAlgorithm(algorithm) || digits.length !== DIGITS[algorithm]) return null
      if (salt === '' && !unsalted) return null
      const key = Buffer.from(digits, 'hex')
      return {
        verify: async (password) =>
          equalBytes(
            createHash(algorithm)
              .update(salt + password)
              .digest(),
            key,
          ),
        cost: algorithm,
        outdated: true,
      }
    },

    decoy: `sha1$${newSalt()}$${'0'.repeat(DIGITS.sha1)}`,
  }
}

function isAlgorithm(text: string): text is keyof typeof DIGITS {
  return Object.hasOwn(DIGITS, text)
}
