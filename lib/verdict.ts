/** Why a request was refused. Credential readers answer `missing` or `malformed`; token kinds and logins answer the rest. */
export type Reason = 'missing' | 'malformed' | 'invalid' | 'expired' | 'revoked' | 'inactive' | 'throttled'

/** A refusal: its reason, a stable code for one wire's texts (`detail`), and the seconds to wait (`retryAfter`). */
export interface Refusal {
  readonly ok: false
  readonly reason: Reason
  readonly detail?: string
  readonly retryAfter?: number
}

/** The outcome of a check: a value, or a reason. A fault (a store that is down) is neither: it is a rejection. */
export type Verdict<T> = { readonly ok: true; readonly value: T } | Refusal

const REASONS: ReadonlySet<unknown> = new Set<Reason>([
  'missing',
  'malformed',
  'invalid',
  'expired',
  'revoked',
  'inactive',
  'throttled',
])

/** Whether what a part of the application has answered is a verdict at all: a promise, for example, is none. */
export function isVerdict(answer: unknown): answer is Verdict<object> {
  if (typeof answer !== 'object' || answer === null || !('ok' in answer)) return false
  if (answer.ok === true) return 'value' in answer && typeof answer.value === 'object' && answer.value !== null
  return answer.ok === false && 'reason' in answer && REASONS.has(answer.reason)
}

export function accept<T>(value: T): Verdict<T> {
  return { ok: true, value }
}

export function refuse(reason: Reason, detail?: string): Refusal {
  return detail === undefined ? { ok: false, reason } : { ok: false, reason, detail }
}
