import { type Verifier, verifyHolder } from '../authenticate.js'
import { MAX_SKEW } from '../clock.js'
import { ContractViolation, InternalError } from '../errors.js'
import type { TimedUserStore, UserStore } from '../stores/user-store.js'
import { endedEntry, isEnded, keptEntries } from '../tokens/ended-logins.js'
import type { Offered, TokenFacts } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import { accept, refuse, type TokenReason, type Verdict } from '../verdict.js'

/** What the end of one login is written with; all of it on the primary database. */
export interface LoginEnding<U extends User, T extends TokenFacts> {
  /** Made for each look: a `find` remembers what it has found. */
  readonly verifier: () => Verifier<U, U, T>
  readonly users: TimedUserStore<U>
  /** Seconds that a store may take: a token may be issued that much later than its login is ended. */
  readonly timeout: number
  /** Seconds after which a token of the login has expired at the latest; undefined if that is not known. */
  readonly lifetime: number | undefined
}

/** Which user's login has ended, and whether there was no room for it, so that all of the user's tokens ended. */
export interface EndedLogin {
  readonly userId: string
  readonly endedAll: boolean
}

/** A login id is 10 of [0-9a-z]; room for 256 entries `id:until` while `until` has 6 digits, which it has until the year 2038. */
const LOGIN_ID = /^[0-9a-z]{10}$/
const ROOM = 256 * (10 + 1 + 6 + 1) - 1

/**
 * Ends the login that a token belongs to, with all tokens that were narrowed or renewed from it: one write, two if older entries
 * are over. Only for the holder of a login, not for a token that is limited to methods or a path (`insufficient_scope`).
 *
 * @throws {ContractViolation} with `ERR_NOT_SUPPORTED_BY_STORE` for a store without `appendEndedLogin` and `dropEndedLogins`;
 *   {@link InternalError} with `ERR_END_LOGIN_NO_EFFECT` if the token is still good afterwards.
 */
export async function endLogin<U extends User, T extends TokenFacts>(
  offered: Offered,
  { verifier, users, timeout, lifetime }: LoginEnding<U, T>,
): Promise<Verdict<EndedLogin, TokenReason>> {
  if (!canEndLogins(users))
    throw new ContractViolation(
      'endLogin: the user store has no appendEndedLogin and dropEndedLogins',
      'ERR_NOT_SUPPORTED_BY_STORE',
    )
  const verdict = await verifyHolder(offered, verifier())
  if (!verdict.ok) return verdict
  const { user, token } = verdict.value
  const { id: login } = token
  if (login === undefined || !LOGIN_ID.test(login)) return refuse('invalid')

  const userId = String(user.id)
  const now = verifier().now()
  const before = user.endedLogins ?? null
  const kept = before === null ? null : keptEntries(before, now)
  // Losing this race is harmless: what somebody else has written meanwhile stays.
  if (before !== null && kept !== before) await users.dropEndedLogins(userId, before, kept)
  const until = lifetime === undefined ? Number.MAX_SAFE_INTEGER : now + lifetime + MAX_SKEW + Math.ceil(timeout)
  await users.appendEndedLogin(userId, endedEntry(login, until), ROOM)

  const after = await verifyHolder(offered, verifier())
  if (after.ok) throw new InternalError('endLogin: the login has not ended', 'ERR_END_LOGIN_NO_EFFECT')
  const found = await verifier().find({ id: userId })
  return accept({ userId, endedAll: found.ok && !isEnded(found.value.endedLogins, login) })
}

type EndsLogins = Required<Pick<UserStore, 'appendEndedLogin' | 'dropEndedLogins'>>

/** Whether a store has what ends one login. */
export function canEndLogins<S extends Partial<Record<keyof EndsLogins, unknown>>>(users: S): users is S & EndsLogins {
  return users.appendEndedLogin !== undefined && users.dropEndedLogins !== undefined
}
