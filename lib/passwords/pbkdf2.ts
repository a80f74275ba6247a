import { pbkdf2 as nodePbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { equalBytes } from '../crypto.js'
import { type Hasher, isLongSalt, newSalt, readBase64, readCount } from './hasher.js'
import { readPhc } from './phc-string.js'
import { checkOptions, type OptionNames } from '../option-names.js'

export interface Pbkdf2Options {
  /** Rounds of a new hash; 1000000. */
  readonly iterations?: number
}

const MAX_ITERATIONS = 5_000_000
const BYTES = { sha1: 20, sha256: 32, sha512: 64 } as const
type Digest = keyof typeof BYTES

/** What a stored hash says, whatever its format. */
interface Stored {
  readonly digest: Digest
  readonly rounds: number
  readonly salt: string | Buffer
  readonly key: Buffer
  /** Whether new hashes have this format, and the salt is as long as theirs. */
  readonly isCurrent: boolean
}

/** By the name in the hash. */
const DJANGO = new Map<string | undefined, Digest>([
  ['pbkdf2_sha256', 'sha256'],
  ['pbkdf2_sha1', 'sha1'],
])
const PHC = new Map<string | undefined, Digest>([
  ['pbkdf2', 'sha1'],
  ['pbkdf2-sha1', 'sha1'],
  ['pbkdf2-sha256', 'sha256'],
  ['pbkdf2-sha512', 'sha512'],
])
/** As Python's passlib writes it: the rounds without a name, and "." for "+". */
const PASSLIB = /^(\$pbkdf2(?:-sha(?:256|512))?\$)([0-9]+)(\$[A-Za-z0-9./]+\$[A-Za-z0-9./]+)$/

const derive = promisify(nodePbkdf2)

const OPTIONS = { iterations: true } as const satisfies OptionNames<Pbkdf2Options>

/**
 * PBKDF2 (RFC 8018) in Django's format, `pbkdf2_sha256$iterations$salt$base64`; `pbkdf2_sha1` is read, and so are PHC strings
 * (`$pbkdf2-sha256$i=…$salt$key`, with or without `l=`) and those of Python's passlib (`$pbkdf2-sha256$29000$salt$key`), with
 * SHA-1, SHA-256 or SHA-512. New hashes have Django 5.2's iterations. Reads hashes of up to 5 million iterations.
 *
 * @throws {TypeError} for `iterations` that it could not read back.
 */
export function pbkdf2(options: Pbkdf2Options = {}): Hasher {
  checkOptions('pbkdf2', options, OPTIONS)
  const { iterations = 1_000_000 } = options
  if (!isAffordable(iterations)) throw new TypeError(`iterations must be a whole number from 1 to ${MAX_ITERATIONS}`)
  const encode = (salt: string, key: Buffer): string => `pbkdf2_sha256$${iterations}$${salt}$${key.toString('base64')}`

  return {
    async hash(password) {
      const salt = newSalt()
      return encode(salt, await derive(password, salt, iterations, BYTES.sha256, 'sha256'))
    },

    read(encoded) {
      const stored = encoded.startsWith('$') ? readPhcPbkdf2(encoded) : readDjango(encoded)
      if (stored === null || !isAffordable(stored.rounds)) return null
      const { digest, rounds, salt, key, isCurrent } = stored
      return {
        verify: async (password) => equalBytes(await derive(password, salt, rounds, key.length, digest), key),
        cost: `pbkdf2_${digest} ${rounds}`,
        outdated: !isCurrent || rounds < iterations,
      }
    },

    decoy: encode('decoydecoydecoydecoydec', Buffer.alloc(BYTES.sha256)),
  }
}

function readDjango(encoded: string): Stored | null {
  const [algorithm, count, salt, digits, ...rest] = encoded.split('$')
  const digest = DJANGO.get(algorithm)
  if (digest === undefined || rest.length > 0 || salt === undefined || salt === '') return null
  const key = readBase64(digits)
  if (key?.length !== BYTES[digest]) return null
  return { digest, rounds: readCount(count), salt, key, isCurrent: digest === 'sha256' && isLongSalt(salt) }
}

function readPhcPbkdf2(encoded: string): Stored | null {
  const [, start, rounds, rest] = PASSLIB.exec(encoded) ?? []
  const text = start === undefined ? encoded : `${start}i=${rounds}${rest?.replaceAll('.', '+')}`
  const phc = readPhc(text, ['i']) ?? readPhc(text, ['i', 'l'])
  const digest = PHC.get(phc?.name)
  if (phc === null || digest === undefined || phc.version !== undefined) return null
  const { parameters, salt, key } = phc
  // A key longer than the digest would cost its rounds more than once.
  if (key.length > BYTES[digest] || (parameters.get('l') ?? key.length) !== key.length) return null
  return { digest, rounds: parameters.get('i') ?? NaN, salt, key, isCurrent: false }
}

function isAffordable(iterations: number): boolean {
  return Number.isSafeInteger(iterations) && iterations >= 1 && iterations <= MAX_ITERATIONS
}
