import type { Source } from '../../lib/credentials/credentials.js'
import type { Guard, GuardResponses } from '../../lib/koa/guard.js'
import { response } from '../../lib/response.js'
import type { TokenFacts, Verified } from '../../lib/tokens/token-kind.js'
import type { User } from '../../lib/user.js'
import { accept, type TokenReason, refuse, type Verdict } from '../../lib/verdict.js'

const REASONS: readonly TokenReason[] = [
  'missing',
  'malformed',
  'invalid',
  'expired',
  'revoked',
  'inactive',
  'insufficient_scope',
  'insufficient_user_authentication',
]

/** Responses that say the reason: 400 for a refusal, 503 for an internal error. */
export const plainResponses: GuardResponses = {
  tokenRefused: ({ reason }) => response(400, { success: false, errors: reason }),
  unavailable: () => response(503, { success: false, errors: 'unavailable' }),
}

/** A guard that decides by the header `x-offer`: `good-<name>`, a reason, or a fault that is thrown. */
export function plainGuard(faults: Readonly<Record<string, unknown>> = {}): Guard<User, TokenFacts> {
  return {
    responses: plainResponses,
    async authenticate(source: Source): Promise<Verdict<Verified<User>, TokenReason>> {
      const offer = String(source.headers['x-offer'] ?? 'missing')
      if (Object.hasOwn(faults, offer)) throw faults[offer]
      const reason = REASONS.find((one) => one === offer)
      if (reason !== undefined) return refuse(reason)
      return accept({ user: { id: 1, username: offer, password: null }, token: { expiresAt: 7 } })
    },
  }
}

/** What a store may reject with. */
export const FAULTS: Readonly<Record<string, unknown>> = {
  error: Object.assign(new Error('select * from users where password = a-secret'), { code: 'E_DOWN' }),
  null: null,
  undefined,
  string: 'a-secret',
  object: { sql: 'a-secret' },
}
