import { createHash, createSecretKey, type KeyObject } from 'node:crypto'
import { field, hmac } from '../../crypto.js'
import type { User } from '../../user.js'
import type { BondMac } from '../bond.js'
import type { JwtKey } from './keys.js'

/**
 * The MAC of the claim `bond` of a user's tokens. Only a holder of the signing key can compute it, and it reveals nothing about
 * the bound values.
 */
export function bondMac(user: User, key: JwtKey): BondMac {
  const id = field(String(user.id))
  return (bound) =>
    hmac('sha256', bondKey(key), id + bound)
      .subarray(0, 16)
      .toString('base64url')
}

const bondKeys = new WeakMap<KeyObject, KeyObject>()

/** Derived once for each signing key: to export a private key costs more than to verify a token. */
function bondKey(key: JwtKey): KeyObject {
  const signing = key.signing as KeyObject // checked at start-up, and where a token is issued
  const known = bondKeys.get(signing)
  if (known !== undefined) return known
  const bytes = signing.type === 'secret' ? signing.export() : signing.export({ type: 'pkcs8', format: 'der' })
  const derived = createSecretKey(createHash('sha256').update(field('koa-tokenapi/jwt-bond/1')).update(bytes).digest())
  bondKeys.set(signing, derived)
  return derived
}
