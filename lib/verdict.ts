/** Why a token was refused. Credential readers return `missing` or `malformed`; token kinds and the check of limits return the rest. */
export type TokenReason =
  | 'missing'
  | 'malformed'
  | 'invalid'
  | 'expired'
  | 'revoked'
  | 'inactive'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'

/** Why a login was refused. */
export type LoginReason = 'missing' | 'malformed' | 'invalid' | 'inactive' | 'throttled'

export type Reason = TokenReason | LoginReason

/** Too many attempts; the client may try again after `retryAfter` seconds. */
export interface Throttled {
  readonly ok: false
  readonly reason: 'throttled'
  readonly retryAfter: number
  readonly detail?: never
}

/** A refusal and its reason. */
export interface Refused<R extends Reason> {
  readonly ok: false
  readonly reason: R
  /** A stable code for the texts of one HTTP API. The core never reads it. */
  readonly detail?: string
  /** Half of the credentials was there: a user without a token is a request that offers something, not one without credentials. */
  readonly partial?: true
  /** The token itself is proven, and was refused for what the user's row says. */
  readonly genuine?: true
  /** The authentication scheme that the client used, for the challenge. */
  readonly scheme?: string
}

/** A refusal: one of `Refused`, or `Throttled` where the reasons include it. */
export type Refusal<R extends Reason = Reason> =
  ('throttled' extends R ? Throttled : never) | Refused<Exclude<R, 'throttled'>>

/** A token that was refused. */
export type TokenRefusal = Refusal<TokenReason>

/** A login that was refused. */
export type LoginRefusal = Refusal<LoginReason>

/** The outcome of a check: a value or a refusal. An internal error (a store that is down) is neither: it is a rejection. */
export type Verdict<T, R extends Reason = Reason> = { readonly ok: true; readonly value: T } | Refusal<R>

const REASONS: ReadonlySet<unknown> = new Set<Reason>([
  'missing',
  'malformed',
  'invalid',
  'expired',
  'revoked',
  'inactive',
  'insufficient_scope',
  'insufficient_user_authentication',
  'throttled',
])

/** Whether what a part of the application returned is a verdict at all: a promise, for example, is not. */
export function isVerdict(result: unknown): result is Verdict<object> {
  if (typeof result !== 'object' || result === null || !('ok' in result)) return false
  if (result.ok === true) return 'value' in result && typeof result.value === 'object' && result.value !== null
  return result.ok === false && 'reason' in result && REASONS.has(result.reason)
}

export function accept<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

export function refuse<R extends Exclude<Reason, 'throttled'>>(reason: R, detail?: string): Refused<R> {
  return detail === undefined ? { ok: false, reason } : { ok: false, reason, detail }
}

/** A refusal for too many attempts. */
export function throttled(retryAfter: number): Throttled {
  return { ok: false, reason: 'throttled', retryAfter }
}
