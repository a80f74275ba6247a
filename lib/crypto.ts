import {
  createHash,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
  randomInt,
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
  if (secret === undefined) throw new TypeError('secret is missing')
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
const DIGEST = 32
const INNER = 0x36
const OUTER = 0x5c

/** The two blocks of an HMAC (RFC 2104 §2): the key is XORed into the start of each, and what is hashed is written behind it. */
interface Blocks {
  inner: Buffer
  readonly outer: Buffer
}

/** Memory of its own, since keys must not stay in the pool that other buffers are cut from. */
function newBlocks(): Blocks {
  return { inner: Buffer.allocUnsafeSlow(512).fill(INNER), outer: Buffer.allocUnsafeSlow(BLOCK + DIGEST).fill(OUTER) }
}

/** Writes a key at the start of the inner block into both. */
function pad({ inner, outer }: Blocks, bytes: number): void {
  for (let at = 0; at < bytes; at += 1) {
    const byte = inner[at] as number // both blocks are longer
    inner[at] = byte ^ INNER
    outer[at] = byte ^ OUTER
  }
}

/**
 * HMAC-SHA-256 in lower-case hex, written out over `hash`, which leaves no object for the garbage collector: a third of the time
 * of `createHmac`, for tags that are made for each request.
 */
function tagOf(blocks: Blocks, text: string): string {
  const most = BLOCK + 3 * text.length // UTF-8 takes at most 3 bytes for each unit of UTF-16
  if (most > blocks.inner.length) {
    const longer = Buffer.allocUnsafeSlow(most)
    blocks.inner.copy(longer, 0, 0, BLOCK)
    blocks.inner = longer
  }
  const length = BLOCK + blocks.inner.write(text, BLOCK)
  blocks.outer.write(hash('sha256', blocks.inner.subarray(0, length), 'binary'), BLOCK, 'binary')
  return hash('sha256', blocks.outer, 'hex')
}

/** HMAC-SHA-256 (RFC 2104) with a key of at most 64 bytes, in lower-case hex. @throws {TypeError} for a longer key. */
export function hmacSha256(key: KeyObject): (text: string) => string {
  const blocks = newBlocks()
  const bytes = key.export()
  if (bytes.length > BLOCK) throw new TypeError(`key must have at most ${BLOCK} bytes`)
  blocks.inner.fill(0, 0, BLOCK)
  bytes.copy(blocks.inner)
  pad(blocks, BLOCK)
  return (text) => tagOf(blocks, text)
}

const CHAINED = 16 // bytes of a tag that is the key of the next one
const chained = newBlocks()

/** The next tag of a chain: the first 16 bytes of HMAC-SHA-256 of a text, with the tag before as the key. Tags are 32 digits of lower-case hex. */
export function chainedTag(tag: string, text: string): string {
  chained.inner.write(tag, 'hex')
  pad(chained, CHAINED)
  return tagOf(chained, text).slice(0, CHAINED * 2)
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

/** Names one login of a user: 10 random digits of base 36. */
export function randomLoginId(): string {
  return randomDigits() + randomDigits() // randomInt has a range of 2^48, less than 36^10
}

function randomDigits(): string {
  return randomInt(36 ** 5)
    .toString(36)
    .padStart(5, '0')
}

/** Constant-time comparison. Lengths are no secret: every tag here has a fixed one. */
export function equalTexts(a: string, b: string): boolean {
  return equalBytes(Buffer.from(a), Buffer.from(b))
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
