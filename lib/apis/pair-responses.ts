import { ContractViolation } from '../errors.js'
import type { GuardResponses } from '../koa/guard.js'
import type { CheckedNeeds } from '../limits.js'
import type { LoginResponses, MethodResponses } from '../koa/routes.js'
import { type HttpResponse, response, tooManyRequests, unavailable } from '../response.js'
import type { TokenFacts } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import type { TokenRefusal } from '../verdict.js'
import { challenger, NOT_PERMITTED } from './challenge.js'
import type { Respond } from './options.js'

/** django-tokenapi's responses: its texts and statuses (tokenapi/views.py, tokenapi/decorators.py), and challenges, which it left out. */
export interface PairResponses<U extends User, T extends TokenFacts>
  extends GuardResponses, LoginResponses<U, T>, MethodResponses {
  checked(): HttpResponse
  checkRefused(refusal: TokenRefusal, needs?: CheckedNeeds): HttpResponse
  /** A field of a login that asks for a narrower token than it could get, and cannot be understood or carried. */
  badRequest(errors: string): HttpResponse
}

/** @param options `scheme` and `realm` of the challenge; `respond`: extra fields of the login's response. */
export function pairResponses<U extends User, T extends TokenFacts>(options: {
  readonly scheme: string
  readonly realm: string
  readonly respond: Respond<U, T>
}): PairResponses<U, T> {
  const { scheme, realm, respond } = options
  const challenge = challenger(scheme, realm)
  const basic = challenger('Basic', realm)
  const bearer = challenger('Bearer', realm)
  const refused = (status: number, errors: string, refusal?: TokenRefusal, needs?: CheckedNeeds): HttpResponse => {
    const used = refusal?.scheme === 'Bearer' ? bearer : refusal?.scheme === 'Basic' ? basic : challenge
    return response(status, failure(errors), { 'WWW-Authenticate': used(refusal, needs) })
  }

  return {
    tokenRefused(refusal, needs) {
      const { reason } = refusal
      if (reason === 'missing' || reason === 'malformed') {
        return refused(401, "Must include 'user' and 'token' parameters with request.", refusal)
      }
      if (reason === 'insufficient_scope') return refused(403, NOT_PERMITTED[reason], refusal, needs)
      if (reason === 'insufficient_user_authentication') return refused(401, NOT_PERMITTED[reason], refusal, needs)
      // The ancestor knows no Bearer, so there RFC 6750 §3.1 holds: 403 is for insufficient_scope only.
      return refused(refusal.scheme === 'Bearer' ? 401 : 403, 'Incorrect user and token pair.', refusal)
    },

    checked: () => response(200, { success: true }),
    checkRefused(refusal, needs) {
      const { reason } = refusal
      const isForbidden = reason === 'insufficient_scope' || reason === 'insufficient_user_authentication'
      return refused(401, isForbidden ? NOT_PERMITTED[reason] : 'Token did not match user.', refusal, needs)
    },

    notAllowed: (_method, allow) => response(405, failure('Must access via a POST request.'), { Allow: allow }),

    async loggedIn(user, issued) {
      const extra: unknown = await respond(user, issued)
      if (typeof extra !== 'object' || extra === null) throw new ContractViolation('respond must return an object')
      const own = { success: true, token: issued.token, user: user.id }
      return response(200, Object.assign({ success: true }, extra, own)) // `success` first, as the ancestor writes it
    },

    loginRefused(refusal) {
      const { reason } = refusal
      if (reason === 'throttled') {
        return tooManyRequests(failure('Too many attempts, please try again later.'), refusal.retryAfter)
      }
      if (reason === 'missing' || reason === 'malformed') {
        return refused(401, "Must include 'username' and 'password' as POST parameters.")
      }
      // One response to an unknown user, a wrong password and a disabled account: it must not show who exists.
      return refused(401, 'Unable to log you in, please try again.')
    },

    badRequest: (errors) => response(400, failure(errors)),

    unavailable: () => unavailable(failure('The service is not available, please try again later.')),
  }
}

function failure(errors: string): object {
  return { success: false, errors }
}
