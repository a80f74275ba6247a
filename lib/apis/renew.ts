import { type Verifier, verifyHolder } from '../authenticate.js'
import type { Issued, Offered, TokenFacts } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import { accept, refuse, type TokenReason, type Verdict } from '../verdict.js'

/**
 * Exchanges a good token for a fresh one of the same login, with the same limits, until `renewFor` seconds after the password was
 * typed. Nothing is written and nothing is revoked: the old token stays good until it expires, so two renewals at once cannot log
 * a user out. Only for the holder of a login, not for a token that is limited to methods or a path (`insufficient_scope`); a token
 * without a known login time is `invalid`, one whose login is too long ago `expired`.
 */
export async function renew<U extends User, T extends TokenFacts>(
  offered: Offered,
  verifier: Verifier<U, U, T>,
  renewFor: number,
): Promise<Verdict<{ user: U; issued: Issued<T> }, TokenReason>> {
  const verdict = await verifyHolder(offered, verifier)
  if (!verdict.ok) return verdict
  const { user, token } = verdict.value
  const { limits = [] } = token
  const [loggedInAt, id] = [own(token, 'loggedInAt'), own(token, 'id')]
  if (loggedInAt === undefined) return refuse('invalid')
  if (!(verifier.now() < loggedInAt + renewFor)) return refuse('expired')
  const login = id === undefined ? { loggedInAt } : { loggedInAt, id }
  return accept({ user, issued: await verifier.tokens.issue(user, { limits, ...login }) })
}

function own<T extends TokenFacts, K extends 'loggedInAt' | 'id'>(token: T, name: K): T[K] | undefined {
  return Object.hasOwn(token, name) ? token[name] : undefined
}
