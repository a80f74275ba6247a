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

export function accept<T>(value: T): Verdict<T> {
  return { ok: true, value }
}

export function refuse(reason: Reason, detail?: string): Refusal {
  return detail === undefined ? { ok: false, reason } : { ok: false, reason, detail }
}
