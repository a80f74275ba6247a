import { authenticate, type Verifier, verify } from '../authenticate.js'
import { type Clock, wholeClock } from '../clock.js'
import type { Credentials, Source } from '../credentials/credentials.js'
import { randomLoginId } from '../crypto.js'
import { timeoutOption } from '../deadline.js'
import { ContractViolation, InternalError } from '../errors.js'
import { type Reporter, reporter } from '../event.js'
import { type GuardResponses, optionalToken, requireToken } from '../koa/guard.js'
import { type CheckedNeeds, checkedNeeds } from '../limits.js'
import { findActive, type Lookup, lookup } from '../stores/active-user.js'
import { type TimedUserStore, usersInTime } from '../stores/user-store.js'
import type { Offered, TokenFacts, TokenKind, Verified } from '../tokens/token-kind.js'
import { type FindUser, idText, type User } from '../user.js'
import { refuse, type TokenReason, type Verdict } from '../verdict.js'
import type { GuardApi, GuardOptions } from './token-api-contract.js'

/** What makes one API differ from another. */
export interface ApiParts<U extends User, T extends TokenFacts> {
  readonly tokens: TokenKind<U, T>
  readonly credentials: Credentials
  readonly responses: GuardResponses
  /** The option `clock`. */
  readonly clock?: Clock | undefined
}

/** What all ready-made APIs share, and what a login, their routes and further methods need. */
export interface ApiCore<U extends User, T extends TokenFacts> {
  readonly shared: GuardApi<U, T>
  /** A `find` for one request. */
  readonly find: () => FindUser<U>
  /** Lookups of users on the primary database. */
  readonly primary: Lookup<U>
  /** The users there, for what is written. */
  readonly written: TimedUserStore<U>
  /** What a token is verified with on the primary database, for one request. */
  readonly verifierOnPrimary: () => Verifier<U, U, T>
  readonly report: Reporter
  /** Seconds that a store may take. */
  readonly timeout: number
  /** The clock, seconds since 1970. */
  readonly now: Clock
}

/**
 * Joins users, tokens, credentials and responses to what all ready-made APIs share: the guards, and the tokens behind them. An API
 * with a login is made by `loginApi`.
 */
export function api<U extends User, T extends TokenFacts>(
  options: GuardOptions<U>,
  parts: ApiParts<U, T>,
): ApiCore<U, T> {
  const { users } = options
  const { tokens, credentials, responses } = parts
  checkParts(options, parts)

  const timeout = timeoutOption(options)
  const report = reporter(options.onEvent)
  const store = lookup(users, { timeout })
  const primary = options.primary === undefined ? store : lookup(options.primary, { timeout })
  const written = usersInTime(options.primary ?? users, timeout)
  const now = wholeClock(parts.clock)
  const find = (): FindUser<U> => findActive(store)
  const findOnPrimary = (): FindUser<U> => findActive(primary)
  /** Made for each request: a `find` remembers what it has found. */
  const verifier = (): Verifier<U, U, T> => ({
    tokens,
    now,
    find: find(),
    findOnPrimary: primary === store ? undefined : findOnPrimary(),
  })
  const authenticateRequest = (source: Source, needs?: CheckedNeeds): Promise<Verdict<Verified<U, T>, TokenReason>> =>
    report.tokenCheck(authenticate(source, credentials, verifier(), needs))

  const verifyOffer: GuardApi<U, T>['verify'] = async ({ user, token, request, needs }) => {
    const offered = readOffer({ user, token })
    const use = {
      ...(request === undefined ? {} : { request }),
      ...(needs === undefined ? {} : { needs: checkedNeeds(needs) }),
    }
    return report.tokenCheck(offered === null ? Promise.resolve(refuse('malformed')) : verify(offered, verifier(), use))
  }

  const revokeAll = async (id: string): Promise<void> => {
    if (tokens.revokeAll === undefined)
      throw new ContractViolation(
        'revokeAll: a token kind of this API cannot end all tokens of a user',
        'ERR_REVOKE_NOT_SUPPORTED_BY_KIND',
      )
    const user = await report.errorsOf(primary.byId(id))
    if (user === null) {
      const hadTokens = await report.errorsOf(tokens.revokeAllById?.(id) ?? Promise.resolve(false))
      if (!hadTokens) throw new InternalError('revokeAll: user not found', 'ERR_USER_NOT_FOUND')
    } else {
      await report.errorsOf(
        tokens.revokeAll(
          user,
          once(() => bumpEpoch(written, primary, id)),
        ),
      )
    }
    report.emit({ type: 'revoke-all', userId: id })
  }

  const guard = { authenticate: authenticateRequest, responses }
  return {
    shared: {
      tokenRequired: requireToken<U, T>(guard),
      tokenOptional: optionalToken<U, T>(guard),
      // Checked by the kind: limits that are undefined must not make a token without limits.
      issue: async (user, given) =>
        report.errorsOf(tokens.issue(user, { loggedInAt: 0, id: randomLoginId(), ...given })),
      verify: verifyOffer,
      revokeAll: (who) => revokeAll(idText(typeof who === 'object' ? who?.id : who) ?? ''), // no user has an empty id
      async check() {
        await users.check?.()
        await options.primary?.check?.()
      },
      authenticate: async (request, needs) =>
        authenticateRequest(request, needs === undefined ? undefined : checkedNeeds(needs)),
    },
    find,
    primary,
    written,
    verifierOnPrimary: () => ({ tokens, now, find: findOnPrimary() }),
    now,
    report,
    timeout,
  }
}

function checkParts<U extends User, T extends TokenFacts>(options: GuardOptions<U>, parts: ApiParts<U, T>): void {
  const { users, primary = users } = options
  const { tokens, credentials } = parts
  for (const [name, store] of Object.entries({ users, primary })) {
    if (typeof store?.findById !== 'function') throw new TypeError(`${name} must have the method findById`)
  }
  if (typeof credentials?.read !== 'function') throw new TypeError('credentials must have the method read')
  if (typeof tokens?.issue !== 'function' || typeof tokens.verify !== 'function') {
    throw new TypeError('tokens must have the methods issue and verify')
  }
  if (tokens.needsUser === true && credentials.givesUser === false)
    throw new TypeError(
      'credentials must give a user beside the token, as params(), basic() and bearer() do: these tokens say nothing without one',
    )
}

/** A user and a token, checked, from a caller that may be without types; null for what cannot be either, such as `['1']` or 2^53 + 1. */
export function readOffer({ user, token }: { readonly user?: unknown; readonly token: unknown }): Offered | null {
  if (typeof token !== 'string') return null
  if (user === undefined) return { token }
  const id = idText(user)
  return id === null ? null : { user: id, token }
}

/** Raises a user's epoch, and reads the user again: what was read before shows nothing of it. */
async function bumpEpoch<U extends User>(users: TimedUserStore<U>, lookups: Lookup<U>, id: string): Promise<U> {
  if (users.bumpEpoch === undefined)
    throw new ContractViolation('revokeAll: the user store has no bumpEpoch', 'ERR_NOT_SUPPORTED_BY_STORE')
  await users.bumpEpoch(id)
  const user = await lookups.byId(id)
  if (user === null) throw new InternalError('revokeAll: the user is gone', 'ERR_USER_NOT_FOUND')
  return user
}

/** Several kinds may be bound to the same epoch. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined
  return () => (done ??= work())
}
