import { type Clock, isInFuture, spanOption, wholeClock } from '../clock.js'
import { deriveKey, equalTexts, field, hmacSha256, type Secret, secretList } from '../crypto.js'
import { isUserId, type User, userIdText } from '../user.js'
import { accept, refuse } from '../verdict.js'
import { type BoundTo, boundToOption, bumpBoundEpoch, issueBond, verifyBond } from './bond.js'
import type { TokenKind } from './token-kind.js'

export interface SealedPairOptions<U extends User = User> {
  /** One secret, or up to five: the first issues, all verify. Each of at least `minSecretBytes` bytes. */
  readonly secret: Secret
  /** Seconds that a token is good for; 604800 (7 days). A purpose has no default. */
  readonly lifetime?: number
  /** Keeps two kinds of user apart; at most 200 bytes. */
  readonly audience?: string
  /** Makes tokens for this purpose alone, which no login accepts; at most 200 bytes. */
  readonly purpose?: string
  /** Values that end the user's tokens when they change; by default the stored password hash and the token epoch. */
  readonly boundTo?: BoundTo<U>
  readonly minSecretBytes?: number
  readonly clock?: Clock
}

export interface SealedPairFacts {
  issuedAt: number
  expiresAt: number
}

const WEEK = 7 * 24 * 60 * 60
const SEAL_DIGITS = 32
const TAG_DIGITS = 64
const MAX_HEAD = 11 // base 36 digits of 2^53 - 1
const TAG = /^[0-9a-f]{64}$/

/**
 * The default token: `iat-hex(seal ‖ bond)`, two HMAC-SHA-256 tags of 16 bytes. The seal covers the user's id and the
 * time, so a forged or expired token costs no look-up and tells nothing about who exists; the bond covers the values of
 * `boundTo`, so a changed password, or a bumped epoch, ends the token at once. Nothing is stored.
 *
 * Order of the checks: readable, sealed, in time, user exists and is active, bonded. A token from more than 60 s in the
 * future is `invalid`; over from `issuedAt + lifetime` on. It is not single-use: it is good until it ends or a bound value changes.
 *
 * @throws {TypeError} at start-up for a wrong option; from `issue`, one that names `boundTo`, for a user whose bound values
 *   are not all non-empty well-formed strings, safe integers, bigints or booleans.
 */
export function sealedPairs<U extends User = User>(options: SealedPairOptions<U>): TokenKind<U, SealedPairFacts> {
  const { secret, audience = '', purpose = '', boundTo = defaultBond, minSecretBytes } = options
  const clock = wholeClock(options.clock)
  if (purpose !== '' && options.lifetime === undefined) throw new TypeError('lifetime must be given with a purpose')
  const lifetime = spanOption(options, 'lifetime', WEEK)
  const info = field('koa-tokenapi/sealed-pair/1') + label('audience', audience) + label('purpose', purpose)
  const keys = secretList(secret, minSecretBytes).map((one) => hmacSha256(deriveKey(one, info)))
  boundToOption(boundTo)
  const issuingKey = keys[0] as Mac // secretList never returns an empty list

  return {
    async issue(user) {
      const id = userIdText(user)
      const issuedAt = clock()
      const head = issuedAt.toString(36)
      const covered = field(id) + field(head)
      const bond = issueBond(user, boundTo, (bound) => bondOf(issuingKey, covered, bound))
      const tag = sealOf(issuingKey, covered) + bond
      return { token: `${head}-${tag}`, issuedAt, expiresAt: issuedAt + lifetime }
    },

    async verify(offered, find) {
      const read = readToken(offered.token)
      if (read === null || offered.user === undefined || !isUserId(offered.user)) return refuse('invalid')
      const { head, issuedAt, tag } = read
      const covered = field(offered.user) + field(head)
      const seal = tag.slice(0, SEAL_DIGITS)
      const key = keys.find((one) => equalTexts(sealOf(one, covered), seal))
      if (key === undefined) return refuse('invalid')

      const now = clock()
      if (isInFuture(issuedAt, now)) return refuse('invalid')
      if (now >= issuedAt + lifetime) return refuse('expired')

      const found = await find({ id: offered.user })
      if (!found.ok) return found
      const bond = tag.slice(SEAL_DIGITS)
      if (!verifyBond(bond, found.value, boundTo, (bound) => bondOf(key, covered, bound))) return refuse('revoked')
      return accept({ user: found.value, token: { issuedAt, expiresAt: issuedAt + lifetime } })
    },

    revokeAll: (user, bumpEpoch) => bumpBoundEpoch(user, boundTo, bumpEpoch),
  }
}

function defaultBond(user: User): readonly unknown[] {
  return [user.password, user.tokenEpoch ?? 0]
}

function label(name: string, text: unknown): string {
  if (typeof text !== 'string' || !text.isWellFormed() || Buffer.byteLength(text) > 200) {
    throw new TypeError(`${name} must be a well-formed string of at most 200 bytes`)
  }
  return field(text)
}

type Mac = ReturnType<typeof hmacSha256>

function sealOf(mac: Mac, covered: string): string {
  return mac(field('seal') + covered).slice(0, SEAL_DIGITS)
}

function bondOf(mac: Mac, covered: string, bound: string): string {
  return mac(field('bond') + covered + bound).slice(0, SEAL_DIGITS)
}

/** Exactly one text per user and second is readable: no claim is defined yet, so a head with one is none of ours. */
function readToken(token: string): { head: string; issuedAt: number; tag: string } | null {
  const dash = token.length - TAG_DIGITS - 1
  if (dash < 1 || dash > MAX_HEAD || token[dash] !== '-') return null
  const head = token.slice(0, dash)
  const issuedAt = Number.parseInt(head, 36)
  if (!Number.isSafeInteger(issuedAt) || issuedAt < 0 || issuedAt.toString(36) !== head) return null
  const tag = token.slice(dash + 1)
  return TAG.test(tag) ? { head, issuedAt, tag } : null
}
