import { createHash, createSecretKey, type KeyObject } from 'node:crypto'
import { equalTexts, field, hmac } from '../../crypto.js'
import { ContractViolation } from '../../errors.js'
import type { User } from '../../user.js'
import { boundText } from '../bond.js'
import type { Claims } from './claims.js'
import type { JwtKey } from './keys.js'

/** What a bond is keyed with: only who can sign can make one, and it tells nothing about the values. */
function bondKey(key: JwtKey): KeyObject {
  const signing = key.signing as KeyObject // checked at start-up, and where a token is issued
  const bytes = signing.type === 'secret' ? signing.export() : signing.export({ type: 'pkcs8', format: 'der' })
  return createSecretKey(createHash('sha256').update(field('koa-tokenapi/jwt-bond/1')).update(bytes).digest())
}

/** The claim `bond` of a user's token. @throws {ContractViolation} that names `boundTo`, for values no token can be bound to. */
export function bondFor<U extends User>(user: U, key: JwtKey, boundTo: (user: U) => readonly unknown[]): string {
  const bound = boundText(boundTo(user))
  if (bound === null) throw new ContractViolation('boundTo gave a value that no token can be bound to, or none at all')
  return hmac('sha256', bondKey(key), field(String(user.id)) + bound)
    .subarray(0, 16)
    .toString('base64url')
}

/** Whether what a token is bound to is still so. */
export function isBonded<U extends User>(
  claims: Claims,
  user: U,
  key: JwtKey,
  boundTo: (user: U) => readonly unknown[],
): boolean {
  const { bond } = claims
  if (typeof bond !== 'string' || boundText(boundTo(user)) === null) return false
  return equalTexts(bond, bondFor(user, key, boundTo))
}
