import { randomBytes } from 'node:crypto'
import { equalBytes } from '../crypto.js'
import { type Argon2, argon2Package, type Variant, VARIANTS } from './argon2-package.js'
import type { Hasher } from './hasher.js'
import { readPhc, writePhc } from './phc-string.js'
import { checkOptions, type OptionNames } from '../option-names.js'

export interface Argon2Options {
  /** Memory of a new hash in KiB; 102400. */
  readonly memoryCost?: number
  /** Passes; 2. */
  readonly timeCost?: number
  /** Lanes; 8. */
  readonly parallelism?: number
}

/** Django puts it before the PHC string. */
const PREFIX = 'argon2'
const SALT_BYTES = 16
const KEY_BYTES = 32
const MAX_MEMORY_KIB = 256 * 1024
const MAX_TIME = 16
const MAX_LANES = 16

/** The names of the options. */
export const ARGON2_OPTIONS = {
  memoryCost: true,
  timeCost: true,
  parallelism: true,
} as const satisfies OptionNames<Argon2Options>

/**
 * Argon2 (RFC 9106) as a PHC string, `$argon2id$v=19$m=…,t=…,p=…$salt$key`, and in Django's format, which has `argon2` before it and
 * which new hashes have (`phc()` makes them without). New hashes are Argon2id with Django's parameters. Argon2i and Argon2d are
 * read, parameters in any order, a missing version is 16; up to 256 MiB, 16 passes and 16 lanes. `data` and `keyid` are not
 * read. It uses the first that is installed of `@node-rs/argon2` and `argon2`, else `crypto.argon2` of Node 24.7 and later.
 *
 * @throws {InternalError} with the code ERR_PACKAGE_MISSING where there is neither; {TypeError} for parameters that it could
 *   not read back.
 */
export function argon2(options: Argon2Options = {}): Hasher {
  checkOptions('argon2', options, ARGON2_OPTIONS)
  return argon2On(argon2Package(), options)
}

/** The same with a given implementation of Argon2. */
export function argon2On(library: Argon2, options: Argon2Options = {}): Hasher {
  const { memoryCost = 102400, timeCost = 2, parallelism = 8 } = options
  if (!isAffordable(memoryCost, timeCost, parallelism)) {
    throw new TypeError('memoryCost, timeCost and parallelism must be within 256 MiB, 16 and 16')
  }
  const encode = (salt: Buffer, key: Buffer): string =>
    PREFIX +
    writePhc({ name: 'argon2id', version: 19, parameters: { m: memoryCost, t: timeCost, p: parallelism }, salt, key })

  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES)
      const own = {
        variant: 'argon2id',
        version: 19,
        memory: memoryCost,
        passes: timeCost,
        lanes: parallelism,
      } as const
      return encode(salt, await library.derive(password, { ...own, salt, length: KEY_BYTES }))
    },

    read(encoded) {
      const phc = readPhc(encoded.startsWith(`${PREFIX}$`) ? encoded.slice(PREFIX.length) : encoded, ['m', 't', 'p'])
      if (phc === null || !isVariant(phc.name)) return null
      const { name: variant, salt, key, version = 16 } = phc
      if (version !== 19 && !(version === 16 && library.hasVersion16)) return null
      const [memory, passes, lanes] = ['m', 't', 'p'].map((name) => phc.parameters.get(name) ?? NaN) as [
        number,
        number,
        number,
      ] // three names
      if (!isAffordable(memory, passes, lanes)) return null
      const parameters = { variant, version, memory, passes, lanes, salt, length: key.length } as const
      return {
        verify: async (password) => equalBytes(await library.derive(password, parameters), key),
        cost: `argon2 ${memory} ${passes} ${lanes}`,
        outdated: variant !== 'argon2id' || version !== 19 || memory < memoryCost || passes < timeCost,
      }
    },

    decoy: encode(Buffer.alloc(SALT_BYTES), Buffer.alloc(KEY_BYTES)),
  }
}

function isVariant(name: string): name is Variant {
  return (VARIANTS as readonly string[]).includes(name)
}

function isAffordable(memory: number, time: number, lanes: number): boolean {
  if (![memory, time, lanes].every((one) => Number.isSafeInteger(one) && one >= 1)) return false
  return memory >= 8 * lanes && memory <= MAX_MEMORY_KIB && time <= MAX_TIME && lanes <= MAX_LANES
}
