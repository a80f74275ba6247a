import * as crypto from 'node:crypto'
import { promisify } from 'node:util'
import { firstInstalled, isMissingPackage, type OptionalPackage, type Require } from './installed.js'

export const VARIANTS = ['argon2d', 'argon2i', 'argon2id'] as const
export type Variant = (typeof VARIANTS)[number]

/** Everything that decides the key but the password. */
export interface Argon2Parameters {
  readonly variant: Variant
  /** 19, or 16 for hashes of before 2016. */
  readonly version: 16 | 19
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly lanes: number
  readonly salt: Buffer
  /** Bytes of the key. */
  readonly length: number
}

/** Argon2 itself (RFC 9106). */
export interface Argon2 {
  /** Whether it has version 16 as well as 19. */
  readonly hasVersion16: boolean
  derive(password: string, parameters: Argon2Parameters): Promise<Buffer>
}

interface NodeRs {
  hashRaw(password: string, options: object): Promise<Buffer>
}

interface Native {
  hash(password: string, options: object): Promise<Buffer>
}

/** As it is typed since Node 24.7. */
type BuiltIn = (variant: Variant, parameters: object, done: (error: Error | null, key: Buffer) => void) => void

const PACKAGES: readonly OptionalPackage<Argon2>[] = [
  [
    '@node-rs/argon2',
    (require) => {
      const library = require('@node-rs/argon2') as NodeRs
      return {
        hasVersion16: true,
        derive: (password, { variant, version, memory, passes, lanes, salt, length }) =>
          library.hashRaw(password, {
            algorithm: VARIANTS.indexOf(variant),
            version: version === 16 ? 0 : 1,
            memoryCost: memory,
            timeCost: passes,
            parallelism: lanes,
            salt,
            outputLen: length,
          }),
      }
    },
  ],
  [
    'argon2',
    (require) => {
      const library = require('argon2') as Native
      return {
        hasVersion16: true,
        derive: (password, { variant, version, memory, passes, lanes, salt, length }) =>
          library.hash(password, {
            raw: true,
            type: VARIANTS.indexOf(variant),
            version,
            memoryCost: memory,
            timeCost: passes,
            parallelism: lanes,
            salt,
            hashLength: length,
          }),
      }
    },
  ],
]

/**
 * The Argon2 of the first package that is installed, else Node's own (from 24.7 on, where OpenSSL has it): it is several times
 * slower than the packages, and does not have version 16.
 *
 * @throws {InternalError} if no package is installed.
 */
export function argon2Package(require?: Require, builtIn: unknown = Reflect.get(crypto, 'argon2')): Argon2 {
  try {
    return firstInstalled('argon2', PACKAGES, require)
  } catch (error) {
    if (isMissingPackage(error) && typeof builtIn === 'function') return ofNode(builtIn as BuiltIn) // as Node documents it
    throw error
  }
}

function ofNode(builtIn: BuiltIn): Argon2 {
  const derive = promisify(builtIn)
  return {
    hasVersion16: false,
    derive: (password, { variant, memory, passes, lanes, salt, length }) =>
      derive(variant, { message: password, nonce: salt, parallelism: lanes, tagLength: length, memory, passes }),
  }
}
