import type { GuardResponses } from '../koa/guard.js'
import { response, unavailable } from '../response.js'
import type { TokenReason } from '../verdict.js'
import { challenger, NOT_PERMITTED } from './challenge.js'

const TEXTS: Readonly<Record<TokenReason, string>> = {
  missing: 'Must include an API key with request.',
  malformed: 'The API key cannot be read.',
  invalid: 'The API key is not valid.',
  expired: 'The API key has expired.',
  revoked: 'The API key has been revoked.',
  inactive: 'The account is disabled.',
  ...NOT_PERMITTED,
}

/**
 * The responses of `apiKeys`: RFC 6750 §3.1, 403 only for what a key does not allow, 401 for everything else. The challenge is that
 * of Bearer also where a key came in a header of its own, which has no scheme.
 */
export function apiKeyResponses(realm: string): GuardResponses {
  const challenge = challenger('Bearer', realm)
  return {
    tokenRefused(refusal, needs) {
      const { reason } = refusal
      const status = reason === 'insufficient_scope' ? 403 : 401
      const body = { success: false, errors: TEXTS[reason] }
      return response(status, body, { 'WWW-Authenticate': challenge(refusal, needs) })
    },
    unavailable: () => unavailable({ success: false, errors: 'The service is not available, please try again later.' }),
  }
}
