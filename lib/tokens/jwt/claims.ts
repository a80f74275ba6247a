import { isInFuture } from '../../clock.js'
import { idText, type User } from '../../user.js'
import { refuse, type TokenRefusal } from '../../verdict.js'

export type Claims = Readonly<Record<string, unknown>>

export interface JwtFacts {
  /** The claim `iat`, or else `orig_iat`, which is the time of the login also after a refresh. */
  issuedAt?: number
  /** The claim `exp` and the leeway. */
  expiresAt: number
  id?: string
  claims: Claims
}

/** The claims of the ancestor, without those that every token gets. */
export function defaultPayload(user: User): Claims {
  const email: unknown = 'email' in user ? user.email : undefined
  return { user_id: user.id, username: user.username, ...(email === undefined ? {} : { email }) }
}

export function defaultUserOf(claims: Claims): { username: string } | null {
  const username = Object.hasOwn(claims, 'username') ? claims['username'] : undefined
  if (!username) return null
  // What is no text names nobody.
  return { username: typeof username === 'string' ? username : '' }
}

/** Whom an application's `userOf` names: one well-formed text by one name, and else nobody. What it read is somebody's claims. */
export function namedBy(answer: unknown): { id: string } | { username: string } | null {
  if (typeof answer !== 'object' || answer === null) return null
  const { id, username } = answer as { readonly id?: unknown; readonly username?: unknown } // an object may be asked for anything
  if (isText(id)) return username === undefined ? { id } : null
  return isText(username) && id === undefined ? { username } : null
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed()
}

/** A name that somebody else has registered since must not inherit the tokens of its first bearer. */
export function contradicts(claims: Claims, user: User): boolean {
  const id = Object.hasOwn(claims, 'user_id') ? claims['user_id'] : undefined
  if (id === undefined) return false
  // What a JSON number above 2^53 has been rounded to is all that can be compared; an id that is text was never one.
  if (isRounded(id)) return typeof user.id === 'string' || id !== Number(user.id)
  return idText(id) !== String(user.id)
}

export function factsOf(claims: Claims, leeway: number): JwtFacts {
  const { exp, iat, orig_iat, jti } = claims
  const issuedAt = typeof iat === 'number' ? iat : orig_iat
  return {
    ...(typeof issuedAt === 'number' ? { issuedAt } : {}),
    expiresAt: Math.ceil(Number(exp)) + leeway,
    ...(typeof jti === 'string' ? { id: jti } : {}),
    claims: { ...claims },
  }
}

export function claimedId(claims: Claims): { id: string } | { username: string } | null {
  const id = Object.hasOwn(claims, 'user_id') ? claims['user_id'] : undefined
  // Whose a rounded one is, only the name says.
  if (isRounded(id)) return defaultUserOf(claims)
  return typeof id === 'string' || Number.isSafeInteger(id) ? { id: String(id) } : null
}

function isRounded(id: unknown): boolean {
  return Number.isInteger(id) && !Number.isSafeInteger(id)
}

/**
 * Checks the times of a token against now (RFC 7519 §4.1). `leeway` is allowed for `exp` and `nbf`, and at least 60 s for
 * `iat` and `orig_iat`. Null if now is within them.
 */
export function checkTimes(claims: Claims, now: number, leeway: number): TokenRefusal | null {
  const { exp, nbf, iat, orig_iat } = claims
  for (const [time, isAhead] of [
    [exp, () => false],
    [nbf, (at: number) => at > now + leeway],
    [iat, (at: number) => isInFuture(at, now, leeway)],
    [orig_iat, (at: number) => isInFuture(at, now, leeway)],
  ] as const) {
    if (time === undefined) continue
    if (typeof time !== 'number' || !Number.isFinite(time)) return refuse('invalid', 'decode')
    if (isAhead(time)) return refuse('invalid', 'claims')
  }
  return typeof exp === 'number' && !(now < exp + leeway) ? refuse('expired') : null
}

/** Whether a token was made for this audience and by this issuer, where they are set. An audience that nobody expects is refused. */
export function isForUs(
  { aud, iss }: Claims,
  expected: { readonly audience: string | undefined; readonly issuer: string | undefined },
): boolean {
  const { audience, issuer } = expected
  if (issuer !== undefined && iss !== issuer) return false
  if (audience === undefined) return aud === undefined
  return Array.isArray(aud) ? aud.includes(audience) : aud === audience
}
