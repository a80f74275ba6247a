import type { GuardResponses } from '../koa/guard.js'
import type { LoginResponses, MethodResponses } from '../koa/routes.js'
import { response } from '../response.js'
import type { SignedFacts } from '../tokens/signed.js'
import type { User } from '../user.js'
import { challenger, NOT_PERMITTED } from './challenge.js'
import { drfNotAllowed, drfThrottled, drfUnavailable } from './drf/responses.js'

/** nap-token-auth's refusal at a guard, and a login in the words of Django's own form, for which the ancestor has no route. */
export function signedResponses<U extends User>(
  realm: string,
): GuardResponses & LoginResponses<U, SignedFacts> & MethodResponses {
  const challenge = challenger('Bearer', realm)
  return {
    tokenRefused(refusal, needs) {
      const { reason } = refusal
      const headers = { 'WWW-Authenticate': challenge(refusal, needs) }
      if (reason === 'insufficient_scope') return response(403, { detail: NOT_PERMITTED[reason] }, headers)
      if (reason === 'insufficient_user_authentication')
        return response(401, { detail: NOT_PERMITTED[reason] }, headers)
      // The same body for every reason, as in the ancestor: the reason is in the challenge.
      return response(401, { detail: 'anonymous' }, headers)
    },
    notAllowed: drfNotAllowed,
    loginRefused(refusal) {
      const { reason } = refusal
      if (reason === 'throttled') return drfThrottled(refusal.retryAfter)
      const isIncomplete = reason === 'missing' || reason === 'malformed'
      const detail = isIncomplete
        ? "Must include 'username' and 'password'."
        : 'Please enter a correct username and password. Note that both fields may be case-sensitive.'
      return response(401, { detail }, { 'WWW-Authenticate': challenge() })
    },
    loggedIn: (_user, { token }) => response(200, { token }),
    unavailable: drfUnavailable,
  }
}
