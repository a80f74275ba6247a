import { spanOption, wholeSpan } from '../clock.js'
import { ContractViolation } from '../errors.js'
import type { User } from '../user.js'
import { accept, refuse } from '../verdict.js'
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
const PATIENCE = 250 // milliseconds

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
  const { lifetime = MONTH, maxLifetime, onSlideFault = warnOnce(), store } = options
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
  } = opaque('sliding', options, (createdAt) => (maxLifetime === undefined ? NO_END : createdAt + maxLifetime))
  /** The digests of tokens whose slide is under way, and since when. */
  const sliding = new Map<string, number>()

  /** Whether the end was moved. It never rejects: a token whose end cannot be moved is valid all the same. */
  const write = async (row: CheckedRow, to: { expiresAt: number; now: number; interval: number }): Promise<boolean> => {
    const { expiresAt, now, interval } = to
    const latest = latestEnd(row)
    sliding.set(row.digest, now)
    try {
      await store.slide(row.digest, {
        expiresAt,
        lastUsedAt: now,
        unusedSince: now - interval,
        ...(latest < NO_END && { latest }),
      })
      return true
    } catch (error) {
      report(error)
      return false
    } finally {
      if (sliding.get(row.digest) === now) sliding.delete(row.digest)
    }
  }
  const report = (error: unknown): void => {
    try {
      onSlideFault(error)
    } catch (thrown) {
      process.emitWarning(`onSlideFault threw ${thrown instanceof Error ? thrown.name : typeof thrown}`)
    }
  }

  /** One write for all requests that use a token at once: in this process by the map, in others by the store's condition. */
  const slide = async (row: CheckedRow, user: U, now: number): Promise<number> => {
    const life = lifetimeOf(user)
    const interval = Math.min(MINUTE, Math.max(1, Math.floor(life / 10)))
    const isRecent = (time: number): boolean => now - time < interval
    if (isRecent(row.lastUsedAt ?? row.createdAt) || isRecent(sliding.get(row.digest) ?? -Infinity))
      return row.expiresAt
    const expiresAt = Math.max(Math.min(now + life, latestEnd(row)), row.expiresAt)
    const isMoved = await inTime(write(row, { expiresAt, now, interval }))
    return isMoved ? expiresAt : row.expiresAt
  }

  return {
    ...shared,
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

/** Whether work has succeeded within the time that a request waits for it. */
async function inTime(work: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, PATIENCE, false)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Warns once that ends cannot be moved, which sooner or later ends the tokens; it may happen at every request. */
function warnOnce(): (error: unknown) => void {
  let hasWarned = false
  return (error) => {
    if (hasWarned) return
    hasWarned = true
    const name = error instanceof Error ? error.name : typeof error
    process.emitWarning(
      `the ends of sliding tokens are not moved, since the store fails to write (${name}); onSlideFault is called with each error`,
    )
  }
}
