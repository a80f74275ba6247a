import { createHash, createSecretKey, type KeyObject } from 'node:crypto'
import { field, hmac } from '../../crypto.js'
import { type User, userIdText } from '../../user.js'
import type { BondMac } from '../bond.js'
import type { JwtKey } from './keys.js'

/** What the claim `bond` of a user's tokens is made with. Only who can sign can make one, and it tells nothing about the values. */
export function bondMac(user: User, key: JwtKey): BondMac {
  const id = field(userIdText(user))
  return (bound) =>
    hmac('sha256', bondKey(key), id + bound)
      .subarray(0, 16)
      .toString('base64url')
}

function bondKey(key: JwtKey): KeyObject {
  const signing = key.signing as KeyObject // checked at start-up, and where a token is issued
  const bytes = signing.type === 'secret' ? signing.export() : signing.export({ type: 'pkcs8', format: 'der' })
  return createSecretKey(createHash('sha256').update(field('koa-tokenapi/jwt-bond/1')).update(bytes).digest())
}
