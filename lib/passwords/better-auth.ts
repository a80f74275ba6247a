import { randomBytes } from 'node:crypto'
import { equalBytes } from '../crypto.js'
import type { Hasher } from './hasher.js'
import { scryptKey } from './scrypt-key.js'

const FORM = /^([0-9a-f]{32}):([0-9a-f]{128})$/
const COSTS = { N: 16384, r: 16, p: 1 }
const KEY_BYTES = 64
const SALT_BYTES = 16

/**
 * scrypt as better-auth writes it, `salt:key` in hex, with better-auth's costs (N = 16384, r = 16, p = 1). The salt is used as
 * text, and the password in Unicode's form NFKC, so that composed and decomposed letters are the same password. The costs are
 * not in the hash: hashes of the same form that were made at other costs never verify, so this is not among the default hashers.
 */
export function betterAuth(): Hasher {
  const derive = (password: string, salt: string): Promise<Buffer> =>
    scryptKey(password.normalize('NFKC'), salt, KEY_BYTES, COSTS)

  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES).toString('hex')
      return `${salt}:${(await derive(password, salt)).toString('hex')}`
    },

    read(encoded) {
      const [, salt, digits] = FORM.exec(encoded) ?? []
      if (salt === undefined || digits === undefined) return null
      const key = Buffer.from(digits, 'hex')
      return {
        verify: async (password) => equalBytes(await derive(password, salt), key),
        cost: `scrypt ${COSTS.N} ${COSTS.r} ${COSTS.p}`,
        outdated: false,
      }
    },

    decoy: `${'0'.repeat(SALT_BYTES * 2)}:${'0'.repeat(KEY_BYTES * 2)}`,
  }
}
