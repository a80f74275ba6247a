import { spanOption, wholeSpan } from '../clock.js'
import { ContractViolation } from '../errors.js'
import type { StoredToken } from '../stores/token-store.js'
import type { User } from '../user.js'
import { accept, refuse } from '../verdict.js'
import { opaque, type StoredTokenKind, type StoredTokenOptions } from './opaque.js'

export interface SlidingTokenOptions<U extends User = User> extends StoredTokenOptions {
  /** Seconds that a token is good for after its last use, or a function of the user; 2592000 (30 days). */
  readonly lifetime?: number | ((user: U) => number)
  /** Seconds after which a token ends however it is used; none by default. */
  readonly maxLifetime?: number
  /** Told of a slide that could not be written. The request goes on: the token is good. By default the process is warned, once. */
  readonly onSlideFault?: (fault: unknown) => void
}

const MONTH = 30 * 24 * 60 * 60
const MINUTE = 60

/**
 * Stored tokens whose life moves with their use, as djangorestframework-timed-auth-token has them. The move is written at
 * most once a minute for each token, never backwards but to `maxLifetime`, and it revives nothing that was revoked.
 *
 * Order of the checks: known, in time, user exists and is active, as in the ancestor. It does not end with the password; `revokeAll` ends it.
 *
 * @throws {TypeError} at start-up for a wrong option; from `issue`, for a `lifetime` function that gives no whole seconds.
 */
export function slidingTokens<U extends User = User>(options: SlidingTokenOptions<U>): StoredTokenKind<U> {
  const { lifetime = MONTH, maxLifetime, onSlideFault = warnOnce(), store } = options
  if (typeof options.lifetime !== 'function') spanOption(options, 'lifetime', MONTH)
  if (Object.hasOwn(options, 'maxLifetime')) wholeSpan('maxLifetime', maxLifetime)
  if (typeof onSlideFault !== 'function') throw new TypeError('onSlideFault must be a function')
  const lifetimeOf = (user: U): number =>
    wholeSpan('lifetime', typeof lifetime === 'function' ? lifetime(user) : lifetime)
  const lastEnd = (createdAt: number): number => createdAt + (maxLifetime ?? Infinity)
  const { clock, issue, find: findToken, adopt, shared } = opaque('sliding', options, lastEnd)
  /** Where a token that is used now ends, given when it was made. */
  const endOf = (user: U, now: number, createdAt: number): number =>
    Math.min(now + lifetimeOf(user), lastEnd(createdAt))
  const sliding = new Set<string>()

  /** One write for all that use a token at once, in this process by the set, in others by the store's condition. */
  const slide = async (stored: StoredToken, user: U, now: number): Promise<number> => {
    const isRecent = now - (stored.lastUsedAt ?? stored.createdAt) < MINUTE
    if (isRecent || sliding.has(stored.digest)) return stored.expiresAt
    const end = Math.max(endOf(user, now, stored.createdAt), stored.expiresAt)
    sliding.add(stored.digest)
    try {
      await store.slide(stored.digest, {
        expiresAt: end,
        lastUsedAt: now,
        unusedSince: now - MINUTE,
        ...(maxLifetime === undefined ? {} : { latest: lastEnd(stored.createdAt) }),
      })
      return end
    } catch (fault) {
      onSlideFault(fault)
      return stored.expiresAt
    } finally {
      sliding.delete(stored.digest)
    }
  }

  return {
    ...shared,
    adopt: (tokens) =>
      adopt(tokens, ({ createdAt, lastUsedAt }) => {
        // Who the user is, whom the function would be asked about, is not known here.
        if (typeof lifetime === 'function')
          throw new ContractViolation('expiresAt is needed where lifetime is a function')
        return (lastUsedAt ?? createdAt) + lifetime
      }),
    async issue(user) {
      const now = clock()
      return issue(user, endOf(user, now, now) - now)
    },

    async verify(offered, find) {
      const stored = await findToken(offered.token)
      if (stored === null) return refuse('invalid')
      const now = clock()
      if (now >= stored.expiresAt) return refuse('expired')
      const user = await find({ id: stored.userId })
      if (!user.ok) return user
      const expiresAt = await slide(stored, user.value, now)
      return accept({ user: user.value, token: { id: stored.id, issuedAt: stored.createdAt, expiresAt } })
    },
  }
}

/** Says once that tokens do not move, which sooner or later ends them; it may be so at every request. */
function warnOnce(): (fault: unknown) => void {
  let isTold = false
  return (fault) => {
    if (isTold) return
    isTold = true
    const name = fault instanceof Error ? fault.name : typeof fault
    process.emitWarning(
      `sliding tokens do not move, since the store fails to write (${name}); onSlideFault is told of each`,
    )
  }
}
