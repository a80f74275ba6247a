import { randomInt } from 'node:crypto'

/** A stored hash that a hasher has read and found well-formed and within its ceilings. Nothing has been computed yet. */
export interface StoredHash {
  /** Does the work of one hash. The password is well-formed text of at most 4096 bytes. */
  verify(password: string): Promise<boolean>
  /** Whether new hashes of this hasher are stronger. */
  readonly outdated: boolean
  /**
   * A label of what its work costs, such as 'scrypt 16384 8 5': two hashes with one label take the same time. Without it, all
   * hashes of the hasher are taken to cost the same. It contains nothing of the salt or digest.
   */
  readonly cost?: string
}

/** A password format: how to make a hash, and how to read a stored one. */
export interface Hasher {
  /** A new hash of well-formed text of 1 to 4096 bytes. */
  hash(password: string): Promise<string>
  /**
   * Null for a hash of another format, a malformed one, or one beyond the hasher's ceilings: stored hashes are input too, and a
   * row that an attacker wrote must not make a login allocate gigabytes or run for minutes.
   */
  read(encoded: string): StoredHash | null
  /** A well-formed hash at this hasher's own cost that no password is known for: the work of a login for an unknown user. */
  readonly decoy: string
}

const SALT_CHARACTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const SALT_LENGTH = 22

/** 22 letters and digits: the first length with 128 random bits, as Django counts since 3.2. */
export function newSalt(): string {
  return Array.from({ length: SALT_LENGTH }, () => SALT_CHARACTERS[randomInt(SALT_CHARACTERS.length)]).join('')
}

/** Whether a salt in letters and digits is as long as a new one. */
export function isLongSalt(salt: string): boolean {
  return salt.length >= SALT_LENGTH
}

/** A decimal number as stored hashes write it, or NaN: no sign, no leading zero, no blank. */
export function readCount(text: string | undefined): number {
  return text !== undefined && /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : NaN
}

/** Bytes of canonical base64 with padding, as Django writes it, or null. */
export function readBase64(text: string | undefined): Buffer | null {
  if (text === undefined || text === '') return null
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : null
}

/** Bytes of canonical base64 without padding, as PHC strings have it, or null. */
export function readUnpaddedBase64(text: string | undefined): Buffer | null {
  if (text === undefined || text.includes('=')) return null
  return readBase64(text + '='.repeat((4 - (text.length % 4)) % 4))
}
