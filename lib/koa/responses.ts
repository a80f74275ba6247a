import type { Context } from 'koa'
import { isHttpToken } from '../credentials/credentials.js'
import type { TokenReason, TokenRefusal } from '../verdict.js'
import type { Answerable } from './json.js'

/** How one wire says what was decided. The only places that choose a status are those that fill this. */
export interface Answers {
  /** A guarded route refuses. */
  tokenRefused(ctx: Context, refusal: TokenRefusal): void
  /** A fault of ours: 503 with Retry-After, nothing of the cause. */
  unavailable(ctx: Context): void
}

/** `error` (RFC 6750 §3.1) and `error_description` of a challenge. */
const ERRORS: Readonly<Record<Exclude<TokenReason, 'missing'>, readonly [string, string]>> = {
  malformed: ['invalid_request', 'The credentials cannot be read'],
  invalid: ['invalid_token', 'The token is not valid for this user'],
  expired: ['invalid_token', 'The token has expired'],
  revoked: ['invalid_token', 'The token has been revoked'],
  inactive: ['invalid_token', 'The account is disabled'],
  insufficient_scope: ['insufficient_scope', 'The token does not allow this request'],
  insufficient_user_authentication: ['insufficient_user_authentication', 'A more recent login is required'],
}

/** Makes the challenges of one scheme and realm. @throws {TypeError} for a scheme or realm that no header can carry. */
export function challenger(scheme: string, realm: string): (refusal?: TokenRefusal) => string {
  if (!isHttpToken(scheme)) throw new TypeError('scheme must be a token of RFC 9110')
  if (typeof realm !== 'string' || !/^[\x20-\x7e]*$/.test(realm)) throw new TypeError('realm must be printable ASCII')
  const quoted = realm.replace(/["\\]/g, '\\$&')
  const charset = scheme.toLowerCase() === 'basic' ? ', charset="UTF-8"' : ''
  const plain = `${scheme} realm="${quoted}"${charset}`

  return (refusal) => {
    if (refusal === undefined || refusal.reason === 'missing') return plain
    const [error, description] = ERRORS[refusal.reason]
    return `${plain}, error="${error}", error_description="${description}"`
  }
}

/** For every answer that carries or judges a token: nobody keeps it, and no link tells where it came from. */
export function keepPrivate(ctx: Answerable): void {
  ctx.set('Cache-Control', 'no-store')
  ctx.set('Referrer-Policy', 'no-referrer')
}
