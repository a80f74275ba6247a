import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { type Secret, secretList } from '../crypto.js'

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
  /** Several keys by `kid`: the first issues and puts its name into the header, all verify. */
  readonly keys?: Readonly<Record<string, JwtKeyInput>>
  readonly minSecretBytes?: number
}

/** One key that verifies, and signs where its secret half is known. */
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
 * @throws {TypeError} for none, for a key of another family than the algorithm (a PEM as an HS secret is how a public key
 *   becomes a forger's), for an HS secret that is too short, an RSA key of less than 2048 bits or another curve than P-256.
 */
export function jwtKeys(options: JwtKeyOptions): readonly JwtKey[] {
  const { algorithm = 'HS256', secret, privateKey, publicKey, keys = {}, minSecretBytes } = options
  const named = Object.entries(keys)
  if (typeof algorithm !== 'string' || !(Object.hasOwn(DIGEST_BYTES, algorithm) || Object.hasOwn(KEY_TYPES, algorithm)))
    throw new TypeError('algorithm must be one of HS256, HS384, HS512, RS256, RS384, RS512, ES256, EdDSA')
  if (algorithm in DIGEST_BYTES) {
    if (privateKey !== undefined || publicKey !== undefined) {
      throw new TypeError(`privateKey and publicKey do not go with ${algorithm}`)
    }
    const least = minSecretBytes ?? DIGEST_BYTES[algorithm] ?? 32
    const byName = named.map(([kid, key]) => ({ kid, ...secretKey(key, least) }))
    const plain =
      secret === undefined && named.length > 0 ? [] : secretList(secret, least).map((one) => secretKey(one, least))
    return [...byName, ...plain]
  }
  if (secret !== undefined) throw new TypeError(`secret does not go with ${algorithm}`)
  const byName = named.map(([kid, key]) => ({ kid, ...keyPair(algorithm, key, undefined) }))
  const pair = privateKey === undefined && publicKey === undefined ? [] : [keyPair(algorithm, privateKey, publicKey)]
  if (byName.length + pair.length === 0) throw new TypeError(`${algorithm} needs privateKey, publicKey or keys`)
  return [...byName, ...pair]
}

/** A secret as a key. @throws {TypeError} for one that is too short, or that is an asymmetric key in disguise. */
export function secretKey(secret: JwtKeyInput, minSecretBytes: number): JwtKey {
  if (typeof secret !== 'string') throw new TypeError('secret must be a string')
  secretList(secret, minSecretBytes)
  if (looksAsymmetric(secret)) throw new TypeError('secret must not be a PEM or DER key: a public key is no secret')
  const key = createSecretKey(Buffer.from(secret))
  return { verifying: key, signing: key }
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

function keyPair(algorithm: JwtAlgorithm, first: JwtKeyInput | undefined, publicKey: JwtKeyInput | undefined): JwtKey {
  const given = first === undefined ? undefined : read('privateKey', first)
  const signing = given?.type === 'private' ? given : undefined
  const verifying = publicKey === undefined ? toPublic(given) : toPublic(read('publicKey', publicKey))
  if (verifying.asymmetricKeyType !== KEY_TYPES[algorithm]) throw new TypeError(`the key must be one for ${algorithm}`)
  const { modulusLength = 2048, namedCurve = 'prime256v1' } = verifying.asymmetricKeyDetails ?? {}
  if (modulusLength < 2048) throw new TypeError('an RSA key must have at least 2048 bits')
  if (namedCurve !== 'prime256v1') throw new TypeError('ES256 needs a key on the curve P-256')
  if (signing !== undefined && !toPublic(signing).equals(verifying))
    throw new TypeError('publicKey must be that of privateKey')
  return signing === undefined ? { verifying } : { verifying, signing }
}

function toPublic(key: KeyObject | undefined): KeyObject {
  if (key === undefined) throw new TypeError('publicKey is missing')
  return key.type === 'private' ? createPublicKey(key) : key
}

function read(name: string, key: JwtKeyInput): KeyObject {
  if (typeof key !== 'string') return key
  try {
    return /PRIVATE KEY-----/.test(key) ? createPrivateKey(key) : createPublicKey(key)
  } catch {
    throw new TypeError(`${name} must be a PEM or a KeyObject`) // without the cause, which may show a part of the key
  }
}
