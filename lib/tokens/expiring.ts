import { spanOption } from '../clock.js'
import type { User } from '../user.js'
import { accept, refuse } from '../verdict.js'
import { factsOf, opaque, type StoredTokenKind, type StoredTokenOptions } from './opaque.js'
import { checkOptions, type OptionNames } from '../option-names.js'

export interface ExpiringTokenOptions<in U extends User = User> extends StoredTokenOptions<U> {
  /** Seconds for which a token is valid; 2592000 (30 days). */
  readonly lifetime?: number
}

const MONTH = 30 * 24 * 60 * 60

/** The names of the options. */
export const EXPIRING_TOKEN_OPTIONS = {
  store: true,
  audience: true,
  limit: true,
  boundTo: true,
  clock: true,
  lifetime: true,
} as const satisfies OptionNames<ExpiringTokenOptions>

/**
 * Stored tokens with a fixed life, as djangorestframework-expiring-authtoken has them. Only a digest is stored, so a login
 * cannot show an older token again: it issues a new one, clears expired ones away and does not touch valid ones.
 *
 * Order of the checks: known, user exists and is active, in time, as in the ancestor; then bound. Without `boundTo` it does not
 * end with the password: `revokeAll` ends it.
 *
 * @throws {TypeError} at start-up for a wrong option; from `issue`, for limits that have no text form and values that no token
 *   can be bound to.
 */
export function expiringTokens<U extends User = User>(options: ExpiringTokenOptions<U>): StoredTokenKind<U> {
  checkOptions('expiringTokens', options, EXPIRING_TOKEN_OPTIONS)
  const lifetime = spanOption(options, 'lifetime', MONTH)
  const { clock, issue, find: findToken, isBound, adopt, shared } = opaque('expiring', options)

  return {
    ...shared,
    keepsLoginTime: true,
    issue: (user, given) => issue(user, lifetime, given),
    adopt: (tokens) => adopt(tokens, ({ createdAt }) => createdAt + lifetime),

    async verify(offered, find) {
      const row = await findToken(offered.token)
      if (row === null) return refuse('invalid')
      const user = await find({ id: row.userId })
      if (!user.ok) return { ...user, genuine: true }
      if (!(clock() < row.expiresAt)) return refuse('expired')
      if (!isBound(row, user.value)) return { ...refuse('revoked'), genuine: true }
      return accept({ user: user.value, token: factsOf(row) })
    },
  }
}
