import { isInFuture } from '../../clock.js'
import { type Limits, scopeList } from '../../limits.js'
import { canonicalUsername, idText, type User } from '../../user.js'
import { refuse, type TokenRefusal } from '../../verdict.js'

export type Claims = Readonly<Record<string, unknown>>

/** What the claims of a token name: a user by id or by user name. */
export type Subject = { id: string } | { username: string }

export interface JwtFacts {
  /** The claim `iat`, or else `orig_iat`, which is the time of the login also after a refresh. */
  issuedAt?: number
  /** The claim `exp` and the leeway. */
  expiresAt: number
  /** The claim `orig_iat`, when the password was typed. */
  loggedInAt?: number
  /** The claim `jti`. */
  id?: string
  /** The scopes of `scopeClaim`, if the token has that claim. */
  limits?: readonly Limits[]
  claims: Claims
}

/** The claims of the ancestor, without those that every token gets. */
export function defaultPayload(user: User): Claims {
  const email: unknown = 'email' in user ? user.email : undefined
  return { user_id: user.id, username: user.username, ...(email === undefined ? {} : { email }) }
}

/** The user whom the claim `username` names. Null without one; a value that is not text names a user that does not exist. */
export function defaultUserOf(claims: Claims): { username: string } | null {
  const username = ownClaim(claims, 'username')
  if (!username) return null
  return { username: typeof username === 'string' ? username : '' }
}

/** The user whom an application's `userOf` names by one well-formed text, under one of two names; null for anything else. */
export function namedBy(result: unknown): Subject | null {
  if (typeof result !== 'object' || result === null) return null
  const { id, username } = result as { readonly id?: unknown; readonly username?: unknown } // any object may be asked for them
  if (isText(id)) return username === undefined ? { id } : null
  return isText(username) && id === undefined ? { username } : null
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed()
}

/** Whether claims name exactly this user, so that a lookup finds the row again. */
export function isSubject(subject: Subject | null, user: User): boolean {
  if (subject === null) return false
  return 'id' in subject
    ? subject.id === idText(user.id)
    : subject.username !== '' && canonicalUsername(subject.username) === user.username
}

/** Whether `user_id` is that of another user: a reused username must not inherit its previous owner's tokens. */
export function contradicts(claims: Claims, user: User): boolean {
  const id = ownClaim(claims, 'user_id')
  if (id === undefined) return false
  // What a JSON number above 2^53 was rounded to is all that can be compared; an id that is text was never a number.
  if (isRounded(id)) return typeof user.id === 'string' || id !== Number(user.id)
  return idText(id) !== String(user.id)
}

/** The user whom `user_id` names. If it was rounded, only the username says whose it is. */
export function claimedId(claims: Claims): Subject | null {
  const id = ownClaim(claims, 'user_id')
  if (isRounded(id)) return defaultUserOf(claims)
  return typeof id === 'string' || Number.isSafeInteger(id) ? { id: String(id) } : null
}

function isRounded(id: unknown): boolean {
  return Number.isInteger(id) && !Number.isSafeInteger(id)
}

function ownClaim(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

export function factsOf(claims: Claims, leeway: number, scopeClaim: string | undefined): JwtFacts {
  const { exp, iat, orig_iat, jti } = claims
  const issuedAt = typeof iat === 'number' ? iat : orig_iat
  const scopes = scopesOf(claims, scopeClaim)
  return {
    ...(typeof issuedAt === 'number' ? { issuedAt } : {}),
    expiresAt: Math.ceil(Number(exp)) + leeway,
    ...(typeof orig_iat === 'number' && orig_iat > 0 ? { loggedInAt: Math.floor(orig_iat) } : {}),
    ...(typeof jti === 'string' ? { id: jti } : {}),
    ...(Array.isArray(scopes) ? { limits: [{ scopes }] } : {}),
    claims: { ...claims },
  }
}

/** The scope-tokens that a token is limited to: undefined if it is not limited, null if the claim is not a text of RFC 6749 §3.3. */
export function scopesOf(claims: Claims, scopeClaim: string | undefined): readonly string[] | null | undefined {
  if (scopeClaim === undefined || !Object.hasOwn(claims, scopeClaim)) return undefined
  const text = claims[scopeClaim]
  return typeof text === 'string' ? scopeList(text) : null
}

/**
 * Checks the times of a token against now (RFC 7519 §4.1). `leeway` is allowed for `exp` and `nbf`, and at least 60 s for
 * `iat` and `orig_iat`. Null if now is within them.
 */
export function checkTimes(claims: Claims, now: number, leeway: number): TokenRefusal | null {
  const { exp, nbf, iat, orig_iat } = claims
  for (const [time, isAhead] of [
    [exp, () => false],
    [nbf, (at: number) => !(at <= now + leeway)],
    [iat, (at: number) => isInFuture(at, now, leeway)],
    [orig_iat, (at: number) => isInFuture(at, now, leeway)],
  ] as const) {
    if (time === undefined) continue
    if (typeof time !== 'number' || !Number.isFinite(time)) return refuse('invalid', 'decode')
    if (isAhead(time)) return refuse('invalid', 'claims')
  }
  return typeof exp === 'number' && !(now < exp + leeway) ? refuse('expired') : null
}

/** Whether a token was made for this audience and by this issuer, if they are set. If no audience is expected, one is refused. */
export function isForUs(
  { aud, iss }: Claims,
  expected: { readonly audience: string | undefined; readonly issuer: string | undefined },
): boolean {
  const { audience, issuer } = expected
  if (issuer !== undefined && iss !== issuer) return false
  if (audience === undefined) return aud === undefined
  return Array.isArray(aud) ? aud.includes(audience) : aud === audience
}
