import { spanOption, wholeSpan } from '../clock.js'
import { ContractViolation } from '../errors.js'
import type { User } from '../user.js'
import { accept, refuse } from '../verdict.js'
import { lastUse, warnOnce } from './last-use.js'
import { factsOf, opaque, type StoredTokenKind, type StoredTokenOptions } from './opaque.js'
import { type CheckedRow, NO_END } from './stored-row.js'
import { checkOptions, type OptionNames } from '../option-names.js'

export interface SlidingTokenOptions<U extends User = User> extends StoredTokenOptions<U> {
  /** Seconds for which a token is valid after its last use, or a function of the user; 2592000 (30 days). */
  readonly lifetime?: number | ((user: U) => number)
  /** Seconds after which a token ends however it is used; none by default. */
  readonly maxLifetime?: number
  /** Called with the error of a slide that could not be written. The request goes on: the token is valid. By default the process emits a warning, once. */
  readonly onSlideFault?: (error: unknown) => void
}

const MONTH = 30 * 24 * 60 * 60
const MINUTE = 60

/** The names of the options. */
export const SLIDING_TOKEN_OPTIONS = {
  store: true,
  audience: true,
  limit: true,
  boundTo: true,
  clock: true,
  lifetime: true,
  maxLifetime: true,
  onSlideFault: true,
} as const satisfies OptionNames<SlidingTokenOptions>

/**
 * Stored tokens whose life moves with their use, as djangorestframework-timed-auth-token has them.
 *
 * The move is written when a tenth of the lifetime has passed since the last one, a minute at most: a token is valid for at least
 * nine tenths of its lifetime after each use. It never moves an end back, except to `maxLifetime`, and revives no revoked token. A
 * store that takes longer than 0.25 s does not hold the request: the move goes on without it.
 *
 * Order of the checks: known, in time, user exists and is active, as in the ancestor; then bound. Without `boundTo` it does not
 * end with the password: `revokeAll` ends it.
 *
 * @throws {TypeError} at start-up for a wrong option; from `issue`, for limits that have no text form, values that no token can
 *   be bound to, and a `lifetime` function that returns no whole seconds (from `verify` too).
 */
export function slidingTokens<U extends User = User>(options: SlidingTokenOptions<U>): StoredTokenKind<U> {
  checkOptions('slidingTokens', options, SLIDING_TOKEN_OPTIONS)
  const {
    lifetime = MONTH,
    maxLifetime,
    onSlideFault = warnOnce('onSlideFault', 'the ends of sliding tokens are not moved'),
    store,
  } = options
  if (typeof options.lifetime !== 'function') spanOption(options, 'lifetime', MONTH)
  if (Object.hasOwn(options, 'maxLifetime')) wholeSpan('maxLifetime', maxLifetime)
  if (typeof onSlideFault !== 'function') throw new TypeError('onSlideFault must be a function')
  const lifetimeOf = (user: U): number =>
    wholeSpan('lifetime', typeof lifetime === 'function' ? lifetime(user) : lifetime)
  const {
    clock,
    issue,
    find: findToken,
    isBound,
    latestEnd,
    adopt,
    shared,
  } = opaque('sliding', options, {
    lastEnd: (createdAt) => (maxLifetime === undefined ? NO_END : createdAt + maxLifetime),
  })
  const writeUse = lastUse(store, ['onSlideFault', onSlideFault])

  const slide = async (row: CheckedRow, user: U, now: number): Promise<number> => {
    const life = lifetimeOf(user)
    const interval = Math.min(MINUTE, Math.max(1, Math.floor(life / 10)))
    const latest = latestEnd(row)
    const expiresAt = Math.max(Math.min(now + life, latest), row.expiresAt)
    const isMoved = await writeUse(row, { now, interval, expiresAt, latest })
    return isMoved ? expiresAt : row.expiresAt
  }

  return {
    ...shared,
    keepsLoginTime: true,
    adopt: (tokens) =>
      adopt(tokens, ({ createdAt, lastUsedAt }) => {
        // The user, whom the function would be called with, is not known here.
        if (typeof lifetime === 'function') throw new ContractViolation('expiresAt is needed if lifetime is a function')
        return (lastUsedAt ?? createdAt) + lifetime
      }),
    issue: async (user, given) => issue(user, lifetimeOf(user), given),

    async verify(offered, find) {
      const row = await findToken(offered.token)
      if (row === null) return refuse('invalid')
      const now = clock()
      if (!(now < row.expiresAt)) return refuse('expired')
      const user = await find({ id: row.userId })
      if (!user.ok) return { ...user, genuine: true }
      if (!isBound(row, user.value)) return { ...refuse('revoked'), genuine: true }
      const expiresAt = await slide(row, user.value, now)
      return accept({ user: user.value, token: factsOf(row, expiresAt) })
    },
  }
}
