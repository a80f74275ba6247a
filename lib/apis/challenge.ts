import { isHttpToken } from '../credentials/credentials.js'
import type { CheckedNeeds } from '../limits.js'
import type { TokenReason, TokenRefusal } from '../verdict.js'

/** The texts for a token that is valid but not for this request, in every API. */
export const NOT_PERMITTED = {
  insufficient_scope: 'The token does not allow this request.',
  insufficient_user_authentication: 'Please log in again.',
} as const

/** `error` and `error_description` of a challenge (RFC 6750 §3.1, RFC 9470 §3). */
const ERRORS: Readonly<Record<Exclude<TokenReason, 'missing'>, readonly [error: string, description: string]>> = {
  malformed: ['invalid_request', 'The credentials cannot be read'],
  invalid: ['invalid_token', 'The token is not valid for this user'],
  expired: ['invalid_token', 'The token has expired'],
  revoked: ['invalid_token', 'The token has been revoked'],
  inactive: ['invalid_token', 'The account is disabled'],
  insufficient_scope: ['insufficient_scope', 'The token does not allow this request'],
  insufficient_user_authentication: ['insufficient_user_authentication', 'A more recent login is required'],
}

/** Writes the value of `WWW-Authenticate` (RFC 9110 §11.6.1) for a refusal, or for a request without credentials. */
export type Challenger = (refusal?: TokenRefusal, needs?: CheckedNeeds) => string

/** Makes the challenges of one scheme and realm. @throws {TypeError} for a scheme or realm that no header can carry. */
export function challenger(scheme: string, realm: string): Challenger {
  if (!isHttpToken(scheme)) throw new TypeError('scheme must be a token of RFC 9110')
  if (typeof realm !== 'string' || !/^[\x20-\x7e]*$/.test(realm)) throw new TypeError('realm must be printable ASCII')
  const quoted = realm.replace(/["\\]/g, '\\$&')
  const charset = scheme.toLowerCase() === 'basic' ? ', charset="UTF-8"' : ''
  const plain = `${scheme} realm="${quoted}"${charset}`

  return (refusal, needs = {}) => {
    if (refusal === undefined || refusal.reason === 'missing') return plain
    const [error, description] = ERRORS[refusal.reason]
    return `${plain}, error="${error}", error_description="${description}"${neededBy(refusal.reason, needs)}`
  }
}

function neededBy(reason: TokenReason, { scopes, maxAge }: CheckedNeeds): string {
  if (reason === 'insufficient_scope' && scopes !== undefined) return `, scope="${scopes.join(' ')}"`
  return reason === 'insufficient_user_authentication' && maxAge !== undefined ? `, max_age=${maxAge}` : ''
}
