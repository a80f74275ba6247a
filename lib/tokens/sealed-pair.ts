import { type Clock, isInFuture, spanOption, wholeClock } from '../clock.js'
import { chainedTag, deriveKey, equalTexts, field, hmacSha256, type Secret, secretList } from '../crypto.js'
import { type Limits, parseLimits } from '../limits.js'
import { isUserId, type User, userIdText } from '../user.js'
import { accept, refuse } from '../verdict.js'
import { type BoundTo, boundToOption, bumpBoundEpoch, issueBond, verifyBond } from './bond.js'
import { isEnded } from './ended-logins.js'
import { issueOptions } from './issue-options.js'
import { newHead, readToken, type SealedHead, TAG_DIGITS, writeToken } from './sealed-head.js'
import type { TokenKind } from './token-kind.js'
import { checkOptions, type OptionNames } from '../option-names.js'

export interface SealedPairOptions<U extends User = User> {
  /** One secret, or up to five: the first issues, all verify. Each of at least `minSecretBytes` bytes. */
  readonly secret: Secret
  /** Seconds that a token is good for; 604800 (7 days). A purpose has no default. */
  readonly lifetime?: number
  /** Keeps two kinds of user apart; at most 200 bytes. */
  readonly audience?: string
  /** Makes tokens for this purpose only, which no login accepts; at most 200 bytes. */
  readonly purpose?: string
  /** Values that end the user's tokens when they change; by default the stored password hash and the token epoch. */
  readonly boundTo?: BoundTo<U>
  readonly minSecretBytes?: number
  readonly clock?: Clock
}

/** What is known of a sealed pair; times are seconds since 1970. */
export interface SealedPairFacts {
  issuedAt: number
  /** The first second at which it has expired: the earliest of `issuedAt + lifetime` and the ends among its limits. */
  expiresAt: number
  /** When the password was typed; absent if that is not known. */
  loggedInAt?: number
  /** Which login it belongs to; absent if it names none. */
  id?: string
  /** One for each limit in the token, in the order in which they were added. */
  limits: readonly Limits[]
}

const WEEK = 7 * 24 * 60 * 60

const OPTIONS = {
  secret: true,
  lifetime: true,
  audience: true,
  purpose: true,
  boundTo: true,
  minSecretBytes: true,
  clock: true,
} as const satisfies OptionNames<SealedPairOptions>

/**
 * The default token. Nothing is stored; anyone who holds one can narrow it, and no one can widen it.
 *
 *     token = head "-" hex(seal ‖ bond)            head = root *("." limit)            root = iat *("~" claim)
 *     seal₀ = HMAC(sealKey, field(user id) field(root))                         sealᵢ = HMAC(sealᵢ₋₁, field(limitᵢ))
 *     bond₀ = HMAC(bondKey, field(user id) field(root) field(value) …)          bondᵢ = HMAC(bondᵢ₋₁, field(limitᵢ))
 *
 * HMAC is the first 16 bytes of HMAC-SHA-256; the keys are made of the secret by HKDF; field(s) is the length of s in bytes, ":", s.
 *
 * Two tags with two keys: the seal needs no user, so a forged or expired token costs no lookup and says nothing about who exists.
 * The bond covers the values of `boundTo`, so a changed password or a raised epoch ends the token at once; a good seal with a bad
 * bond is `revoked`. A leaked secret by itself forges nothing as long as `boundTo` includes the password hash. Adding a limit takes
 * one HMAC for each tag and no key; removing or changing one takes the tag before it, which cannot be computed back.
 *
 * Order of the checks: readable, sealed, in time (more than 60 s in the future is `invalid`; expired from `expiresAt` on), user
 * exists and is active, login not ended, bonded. Whether its limits allow a request is not checked here. A token is not
 * single-use: it is valid until it expires or a bound value changes.
 *
 * @throws {TypeError} at start-up for a wrong option; from `issue`, one that names `boundTo`, for a user whose bound values
 *   are not all non-empty well-formed strings, safe integers, bigints or booleans, and one for limits that have no text form or no room.
 */
export function sealedPairs<U extends User = User>(options: SealedPairOptions<U>): TokenKind<U, SealedPairFacts> {
  checkOptions('sealedPairs', options, OPTIONS)
  const { secret, audience = '', purpose = '', boundTo = defaultBond, minSecretBytes } = options
  const clock = wholeClock(options.clock)
  if (purpose !== '' && options.lifetime === undefined) throw new TypeError('lifetime must be given with a purpose')
  const lifetime = spanOption(options, 'lifetime', WEEK)
  const use = label('audience', audience) + label('purpose', purpose)
  const keys = secretList(secret, minSecretBytes).map((one) => ({
    seal: hmacSha256(deriveKey(one, field('koa-tokenapi/sealed-pair/2/seal') + use)),
    bond: hmacSha256(deriveKey(one, field('koa-tokenapi/sealed-pair/2/bond') + use)),
  }))
  boundToOption(boundTo)
  const [issuing] = keys as [Keys] // secretList never returns an empty list

  return {
    carries: 'esmp',
    keepsLoginTime: true,
    needsUser: true,
    lifetime,

    async issue(user, said) {
      const userId = userIdText(user)
      const issuedAt = clock()
      const { limits, loggedInAt, id } = issueOptions(said, issuedAt, 'esmp')
      const head = newHead(issuedAt, loggedInAt, id, limits)
      const covered = field(userId) + field(head.root)
      const seal = chain(issuing.seal(covered), limits)
      const bond = issueBond(user, boundTo, (bound) => chain(issuing.bond(covered + bound), limits))
      const facts = factsOf(head, lifetime) as SealedPairFacts // the limits were just written
      return { token: writeToken(head, seal + bond), ...facts }
    },

    async verify(offered, find) {
      const read = readToken(offered.token)
      if (read === null || offered.user === undefined || !isUserId(offered.user)) return refuse('invalid')
      const { head, seal, bond } = read
      const { limits } = head
      const covered = field(offered.user) + field(head.root)
      const key = keys.find((one) => equalTexts(chain(one.seal(covered), limits), seal))
      const facts = key === undefined ? null : factsOf(head, lifetime)
      if (key === undefined || facts === null) return refuse('invalid')

      const now = clock()
      if (isInFuture(facts.issuedAt, now)) return refuse('invalid')
      if (!(now < facts.expiresAt)) return refuse('expired')

      const found = await find({ id: offered.user })
      if (!found.ok) return { ...found, genuine: true }
      const user = found.value
      if (facts.id !== undefined && isEnded(user.endedLogins, facts.id)) return { ...refuse('revoked'), genuine: true }
      if (!verifyBond(bond, user, boundTo, (bound) => chain(key.bond(covered + bound), limits)))
        return { ...refuse('revoked'), genuine: true }
      return accept({ user, token: facts })
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
type Keys = Readonly<Record<'seal' | 'bond', Mac>>

/** The tag after the last limit. It covers the text of the limits as it stands, so that nothing of it is read before it is proven. */
function chain(mac: string, limits: readonly string[]): string {
  return limits.reduce((tag, limit) => chainedTag(tag, field(limit)), mac.slice(0, TAG_DIGITS))
}

/** The facts of a token that is proven; null if a limit in it is not one: anyone who holds a token can chain any text. */
function factsOf({ issuedAt, loggedInAt, id, limits: texts }: SealedHead, lifetime: number): SealedPairFacts | null {
  const limits = parseLimits(texts)
  if (limits === null) return null
  const expiresAt = Math.min(issuedAt + lifetime, ...limits.map((limit) => limit.expiresAt ?? Infinity))
  return {
    issuedAt,
    expiresAt,
    ...(loggedInAt !== undefined && { loggedInAt }),
    ...(id !== undefined && { id }),
    limits,
  }
}
