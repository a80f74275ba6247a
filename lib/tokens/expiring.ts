import { spanOption } from '../clock.js'
import { accept, refuse } from '../verdict.js'
import { opaque, type StoredTokenKind, type StoredTokenOptions } from './opaque.js'

export interface ExpiringTokenOptions extends StoredTokenOptions {
  /** Seconds that a token is good for; 2592000 (30 days). */
  readonly lifetime?: number
}

const MONTH = 30 * 24 * 60 * 60

/**
 * Stored tokens with a fixed life, as djangorestframework-expiring-authtoken has them. Only a digest is kept, so that a
 * login cannot show an older token again: it issues a new one, clears expired ones away and leaves valid ones alone.
 *
 * Order of the checks: known, user exists and is active, in time, as in the ancestor. It does not end with the password; `revokeAll` ends it.
 *
 * @throws {TypeError} at start-up for a wrong option.
 */
export function expiringTokens(options: ExpiringTokenOptions): StoredTokenKind {
  const lifetime = spanOption(options, 'lifetime', MONTH)
  const { clock, issue, find: findToken, adopt, shared } = opaque('expiring', options)

  return {
    ...shared,
    issue: (user) => issue(user, lifetime),
    adopt: (tokens) => adopt(tokens, ({ createdAt }) => createdAt + lifetime),

    async verify(offered, find) {
      const stored = await findToken(offered.token)
      if (stored === null) return refuse('invalid')
      const user = await find({ id: stored.userId })
      if (!user.ok) return user
      if (clock() >= stored.expiresAt) return refuse('expired')
      const { id, createdAt, expiresAt } = stored
      return accept({ user: user.value, token: { id, issuedAt: createdAt, expiresAt } })
    },
  }
}
