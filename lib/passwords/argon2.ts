import { createRequire } from 'node:module'
import type * as NodeRsArgon2 from '@node-rs/argon2'
import { type Hasher, readCount } from './hasher.js'

export interface Argon2Options {
  /** Memory of a new hash in KiB; 102400. */
  readonly memoryCost?: number
  /** Passes; 2. */
  readonly timeCost?: number
  /** Lanes; 8. */
  readonly parallelism?: number
}

const FORM =
  /^argon2\$(argon2(?:id|i|d)\$v=(?:16|19)\$m=([0-9]+),t=([0-9]+),p=([0-9]+)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86}))$/
const MAX_MEMORY_KIB = 256 * 1024
const MAX_TIME = 16
const MAX_LANES = 16

/**
 * Argon2 (RFC 9106) in Django's format, `argon2$` before the PHC string, through the optional package `@node-rs/argon2`.
 * New hashes are Argon2id with Django's parameters. Reads hashes of up to 256 MiB, 16 passes and 16 lanes.
 *
 * @throws {Error} where `@node-rs/argon2` is not installed; {TypeError} for parameters that it could not read back.
 */
export function argon2(options: Argon2Options = {}): Hasher {
  const { memoryCost = 102400, timeCost = 2, parallelism = 8 } = options
  if (!isAffordable(memoryCost, timeCost, parallelism)) {
    throw new TypeError('memoryCost, timeCost and parallelism must be within 256 MiB, 16 and 16')
  }
  // Loaded here and not at the top, so that the package stays optional and its absence shows at start-up.
  const library = createRequire(import.meta.url)('@node-rs/argon2') as typeof NodeRsArgon2

  return {
    async hash(password) {
      return `argon2${await library.hash(password, { memoryCost, timeCost, parallelism })}`
    },

    read(encoded) {
      const [, phc, m, t, p, salt = '', key = ''] = FORM.exec(encoded) ?? []
      const [memory, time, lanes] = [readCount(m), readCount(t), readCount(p)]
      if (!isAffordable(memory, time, lanes) || !isCanonical(salt) || !isCanonical(key)) return null
      return {
        verify: (password) => library.verify(`$${phc}`, password),
        cost: `argon2 ${memory} ${time} ${lanes}`,
        outdated: !encoded.startsWith('argon2$argon2id$v=19$') || memory < memoryCost || time < timeCost,
      }
    },

    decoy: `argon2$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`,
  }
}

function isAffordable(memory: number, time: number, lanes: number): boolean {
  if (![memory, time, lanes].every((one) => Number.isSafeInteger(one) && one >= 1)) return false
  return memory >= 8 * lanes && memory <= MAX_MEMORY_KIB && time <= MAX_TIME && lanes <= MAX_LANES
}

/** The PHC string format has base64 without padding. */
function isCanonical(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64').replaceAll('=', '') === text
}
