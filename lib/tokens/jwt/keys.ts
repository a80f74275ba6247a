import { createPrivateKey, createPublicKey, createSecretKey, KeyObject } from 'node:crypto'
import { wholeSpan } from '../../clock.js'
import { MIN_SECRET_BYTES, type Secret, secretList } from '../../crypto.js'

/** The algorithms of RFC 7518 and RFC 8037 that a kind may have: exactly one of them. */
export type JwtAlgorithm = 'HS256' | 'HS384' | 'HS512' | 'RS256' | 'RS384' | 'RS512' | 'ES256' | 'EdDSA'

/** A key of a named set: a secret for HS algorithms, else a PEM or a `KeyObject` of either half. */
export type JwtKeyInput = string | KeyObject

export interface JwtKeyOptions {
  /** 'HS256'. */
  readonly algorithm?: JwtAlgorithm
  /** HS: one secret, or up to five; the first issues, all verify. RFC 7518 §3.2 wants as many bytes as the digest has. */
  readonly secret?: Secret
  /** RS, ES, EdDSA: PEM or `KeyObject`. Without it, tokens are only verified. */
  readonly privateKey?: JwtKeyInput
  /** RS, ES, EdDSA: PEM or `KeyObject`; by default the other half of `privateKey`. */
  readonly publicKey?: JwtKeyInput
  /**
   * Several keys by `kid`: the first issues and puts its name into the header, all verify. A `kid` must not be a whole
   * number such as '2026': JavaScript sorts those, so that the first would not be the one that was written first.
   */
  readonly keys?: Readonly<Record<string, JwtKeyInput>>
  /** Bytes that an HS secret must have at least: those of the digest, or 32 for one that `secretOf` returns. */
  readonly minSecretBytes?: number
}

/** One key that verifies, and also signs if its secret half is known. */
export interface JwtKey {
  readonly kid?: string
  readonly verifying: KeyObject
  readonly signing?: KeyObject
}

const DIGEST_BYTES: Readonly<Partial<Record<JwtAlgorithm, number>>> = { HS256: 32, HS384: 48, HS512: 64 }
const KEY_TYPES: Readonly<Partial<Record<JwtAlgorithm, string>>> = {
  RS256: 'rsa',
  RS384: 'rsa',
  RS512: 'rsa',
  ES256: 'ec',
  EdDSA: 'ed25519',
}

/**
 * The keys of the options, the issuing one first.
 *
 * @throws {TypeError} without a key, for a key of another family than the algorithm (with a PEM as an HS secret, anyone who has
 *   the public key can forge tokens), for an HS secret that is too short, an RSA key of less than 2048 bits, another curve than
 *   P-256, or a `kid` that is a whole number.
 */
export function jwtKeys(options: JwtKeyOptions): readonly JwtKey[] {
  const { secret, privateKey, publicKey } = options
  const algorithm = algorithmOf(options)
  const named = namedKeys(options)
  const digestBytes = DIGEST_BYTES[algorithm]
  if (digestBytes !== undefined) {
    if (privateKey !== undefined || publicKey !== undefined) {
      throw new TypeError(`privateKey and publicKey do not go with ${algorithm}`)
    }
    const { minSecretBytes = digestBytes } = options
    wholeSpan('minSecretBytes', minSecretBytes)
    const byName = named.map(([kid, key]) => ({
      kid,
      ...secretKey(checkSecret('a secret in keys', key, minSecretBytes)),
    }))
    const plain = secret === undefined && named.length > 0 ? [] : secretList(secret, minSecretBytes)
    return [...byName, ...plain.map((one) => secretKey(checkSecret('secret', one, minSecretBytes)))]
  }
  if (secret !== undefined) throw new TypeError(`secret does not go with ${algorithm}`)
  const inKeys = 'a key in keys'
  const byName = named.map(([kid, key]) => ({ kid, ...keyPair(algorithm, inKeys, read(inKeys, key)) }))
  const [first, second] = [readOption('privateKey', privateKey), readOption('publicKey', publicKey)]
  if (first === undefined && second === undefined) {
    if (byName.length === 0) throw new TypeError(`${algorithm} needs privateKey, publicKey or keys`)
    return byName
  }
  return [...byName, keyPair(algorithm, first === undefined ? 'publicKey' : 'privateKey', first, second)]
}

/**
 * The key of each user, made of the secret that `secretOf` returns; null if that cannot be one.
 *
 * @throws {TypeError} at start-up if `secretOf` does not go with the other options.
 */
export function userKeys<U>(secretOf: (user: U) => unknown, options: JwtKeyOptions): (user: U) => JwtKey | null {
  const algorithm = algorithmOf(options)
  if (!Object.hasOwn(DIGEST_BYTES, algorithm)) throw new TypeError(`secretOf does not go with ${algorithm}`)
  for (const name of ['secret', 'keys', 'privateKey', 'publicKey'] as const) {
    if (options[name] !== undefined) throw new TypeError(`secretOf does not go with ${name}`)
  }
  const { minSecretBytes = MIN_SECRET_BYTES } = options
  wholeSpan('minSecretBytes', minSecretBytes)
  return (user) => {
    const secret = secretOf(user)
    return typeof secret === 'string' && flawOf(secret, minSecretBytes) === null ? secretKey(secret) : null
  }
}

function algorithmOf({ algorithm = 'HS256' }: JwtKeyOptions): JwtAlgorithm {
  if (typeof algorithm !== 'string' || !(Object.hasOwn(DIGEST_BYTES, algorithm) || Object.hasOwn(KEY_TYPES, algorithm)))
    throw new TypeError('algorithm must be one of HS256, HS384, HS512, RS256, RS384, RS512, ES256, EdDSA')
  return algorithm
}

function namedKeys({ keys = {} }: JwtKeyOptions): readonly (readonly [kid: string, key: JwtKeyInput])[] {
  if (typeof keys !== 'object' || keys === null || Array.isArray(keys))
    throw new TypeError('keys must be an object with a key for each kid')
  const named = Object.entries(keys)
  // JavaScript lists those first and in numerical order, wherever they were written: a key that is not the first would issue.
  if (named.some(([kid]) => /^(0|[1-9]\d*)$/.test(kid)))
    throw new TypeError("keys must not have a kid that is a whole number: write 'k2026' for 2026")
  return named
}

function checkSecret(name: string, secret: unknown, minBytes: number): string {
  const flaw = flawOf(secret, minBytes)
  if (flaw !== null) throw new TypeError(`${name} ${flaw}`)
  return secret as string // flawOf has just checked it
}

function secretKey(secret: string): JwtKey {
  const key = createSecretKey(Buffer.from(secret))
  return { verifying: key, signing: key }
}

function keyPair(algorithm: JwtAlgorithm, name: string, first: KeyObject | undefined, second?: KeyObject): JwtKey {
  const signing = first?.type === 'private' ? first : undefined
  const verifying = toPublic(second ?? first)
  if (verifying.asymmetricKeyType !== KEY_TYPES[algorithm]) throw new TypeError(`${name} must be one for ${algorithm}`)
  const { modulusLength = 2048, namedCurve = 'prime256v1' } = verifying.asymmetricKeyDetails ?? {}
  if (modulusLength < 2048) throw new TypeError(`${name} must have at least 2048 bits`)
  if (namedCurve !== 'prime256v1') throw new TypeError(`${name} must be on the curve P-256`)
  if (signing !== undefined && !toPublic(signing).equals(verifying))
    throw new TypeError('publicKey must be that of privateKey')
  return signing === undefined ? { verifying } : { verifying, signing }
}

function toPublic(key: KeyObject | undefined): KeyObject {
  if (key === undefined) throw new TypeError('publicKey is missing')
  return key.type === 'private' ? createPublicKey(key) : key
}

function readOption(name: string, key: JwtKeyInput | undefined): KeyObject | undefined {
  return key === undefined ? undefined : read(name, key)
}

function read(name: string, key: JwtKeyInput): KeyObject {
  if (key instanceof KeyObject) return key
  if (typeof key !== 'string') throw new TypeError(`${name} must be a PEM or a KeyObject`)
  try {
    return /PRIVATE KEY-----/.test(key) ? createPrivateKey(key) : createPublicKey(key)
  } catch {
    throw new TypeError(`${name} must be a PEM or a KeyObject`) // without the cause, which may show a part of the key
  }
}

/** What is wrong with an HS secret, to follow the name of its option in a message; null if nothing is. It does not quote the secret. */
function flawOf(secret: unknown, minBytes: number): string | null {
  if (typeof secret !== 'string' || !secret.isWellFormed()) return 'must be a well-formed string'
  if (Buffer.byteLength(secret) < minBytes) return `must have at least ${minBytes} bytes (minSecretBytes)`
  return looksAsymmetric(secret) ? 'must not be a PEM or DER key: a public key is no secret' : null
}

function looksAsymmetric(secret: string): boolean {
  if (/-----BEGIN |^ssh-/.test(secret)) return true
  const bytes = Buffer.from(secret, 'base64')
  // DER: a SEQUENCE that is as long as it says, in two bytes, one or none (X.690 §8.1.3): certificates and keys of any kind.
  const [tag, length = 0, next] = bytes
  const isWhole =
    (length === 0x82 && bytes.length > 4 && bytes.readUInt16BE(2) === bytes.length - 4) ||
    (length === 0x81 && next === bytes.length - 3) ||
    length === bytes.length - 2
  return /^[A-Za-z0-9+/=_\s-]+$/.test(secret) && tag === 0x30 && isWhole
}
