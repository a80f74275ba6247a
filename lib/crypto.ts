import {
  createHash,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

/** One secret, or up to five: the first issues, all verify. `undefined` compiles, so that `process.env.X` can be written, and throws. */
export type Secret = string | readonly string[] | undefined

/** RFC 2104 needs a key as long as the digest; 32 bytes is that of SHA-256. */
export const MIN_SECRET_BYTES = 32

/**
 * The secrets of an option, checked.
 *
 * @throws {TypeError} for none, more than five, an empty or ill-formed one, or one of less than `minSecretBytes` UTF-8 bytes.
 */
export function secretList(secret: Secret, minSecretBytes: number = MIN_SECRET_BYTES): readonly [string, ...string[]] {
  if (!Number.isSafeInteger(minSecretBytes) || minSecretBytes < 1) {
    throw new TypeError('minSecretBytes must be a whole number of at least 1')
  }
  const list: readonly unknown[] = Array.isArray(secret) ? secret : [secret]
  if (list.length < 1 || list.length > 5) throw new TypeError('secret must be a string, or one to five of them')
  for (const one of list) {
    if (typeof one !== 'string' || !one.isWellFormed()) throw new TypeError('secret must be a well-formed string')
    if (Buffer.byteLength(one) < minSecretBytes) {
      throw new TypeError(`secret must have at least ${minSecretBytes} bytes (minSecretBytes)`)
    }
  }
  return [...list] as [string, ...string[]] // every entry was just seen to be a string
}

/** A text that cannot be confused with its neighbours: its length in UTF-8 bytes, ":", the text. */
export function field(text: string): string {
  return `${Buffer.byteLength(text)}:${text}`
}

/** HKDF-SHA-256 (RFC 5869) with an empty salt: a key of 32 bytes for one purpose. */
export function deriveKey(secret: string, info: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', info, 32)))
}

export function hmac(algorithm: 'sha1' | 'sha256', key: KeyObject, text: string): Buffer {
  return createHmac(algorithm, key).update(text).digest()
}

const BLOCK = 64 // bytes

/**
 * HMAC-SHA-256 (RFC 2104) with a key of at most 64 bytes, in lower-case hex, for tags that are made at each request. It is
 * written out over `hash`, which leaves no object for the garbage collector: less than half the time of `createHmac`.
 */
export function hmacSha256(key: KeyObject): (text: string) => string {
  const padded = Buffer.alloc(BLOCK)
  if (key.export().copy(padded) !== key.symmetricKeySize) throw new TypeError(`key must have at most ${BLOCK} bytes`)
  const inner = padded.map((byte) => byte ^ 0x36)
  const outer = padded.map((byte) => byte ^ 0x5c)
  return (text) => hashed(outer, hashed(inner, text, 'utf8', 'binary'), 'binary', 'hex')
}

// Memory of its own, since the keys that pass through must not stay in the pool that other buffers are cut from.
let scratch = Buffer.allocUnsafeSlow(1024)

function hashed(pad: Uint8Array, text: string, from: 'utf8' | 'binary', to: 'binary' | 'hex'): string {
  const length = BLOCK + Buffer.byteLength(text, from)
  if (length > scratch.length) scratch = Buffer.allocUnsafeSlow(length)
  scratch.set(pad)
  scratch.write(text, BLOCK, from)
  return hash('sha256', scratch.subarray(0, length), to)
}

/** The key of `django.utils.crypto.salted_hmac`: the digest of salt and secret, run together. */
export function saltedKey(algorithm: 'sha1' | 'sha256', salt: string, secret: string): KeyObject {
  return createSecretKey(
    createHash(algorithm)
      .update(salt + secret)
      .digest(),
  )
}

/** The digest under which a random token is stored. */
export function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** 256 random bits, in 43 characters that are safe in a URL and a header. */
export function randomToken(): string {
  return randomBytes(32).toString('base64url')
}

/** Constant-time comparison. Lengths are no secret: every tag here has a fixed one. */
export function equalTexts(a: string, b: string): boolean {
  return equalBytes(Buffer.from(a), Buffer.from(b))
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
