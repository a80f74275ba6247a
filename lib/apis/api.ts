import { authenticate, type Verifier, verify } from '../authenticate.js'
import { type Clock, wholeClock } from '../clock.js'
import type { Credentials, Source } from '../credentials/credentials.js'
import { randomLoginId } from '../crypto.js'
import { timeoutOption } from '../deadline.js'
import { ContractViolation, InternalError } from '../errors.js'
import { type Reporter, reporter } from '../event.js'
import { type GuardResponses, optionalToken, requireToken } from '../koa/guard.js'
import { type CheckedNeeds, checkedNeeds } from '../limits.js'
import { login, type LoginAttempt } from '../login.js'
import { defaultPasswords } from '../passwords/default-passwords.js'
import { findActive, type Lookup, lookup } from '../stores/active-user.js'
import { type TimedUserStore, usersInTime } from '../stores/user-store.js'
import { throttle } from '../throttle.js'
import type { Offered, TokenFacts, TokenKind, Verified } from '../tokens/token-kind.js'
import { type FindUser, idText, type User } from '../user.js'
import { accept, type LoginReason, refuse, type TokenReason, type Verdict } from '../verdict.js'
import { endLogin } from './end-login.js'
import { type LoginAndIssue, loginAndIssue, loginAndIssueAtOnce } from './login-and-issue.js'
import { renew } from './renew.js'
import type { ApiOptions, TokenApi } from './token-api-contract.js'

/** What makes one API differ from another. */
export interface ApiParts<U extends User, T extends TokenFacts> {
  readonly tokens: TokenKind<U, T>
  readonly credentials: Credentials
  readonly responses: GuardResponses
  /** The tokens are bound to the row whose password was verified, so that a login need not read it again. */
  readonly isBound?: boolean
  /** Seconds after the password was typed in which a token can be renewed; not at all by default. */
  readonly renewFor?: number
  /** The option `clock`. */
  readonly clock?: Clock | undefined
}

/** What all ready-made APIs share, and what their routes and further methods need. */
export interface ApiCore<U extends User, T extends TokenFacts> {
  readonly shared: Omit<TokenApi<U, T>, 'routes'>
  /** A `find` for one request. */
  readonly find: () => FindUser<U>
  /** A login that ends in a token. */
  readonly loginAndIssue: LoginAndIssue<U, T>
  readonly report: Reporter
  /** The clock, seconds since 1970. */
  readonly now: Clock
}

/** Joins users, tokens, credentials and responses to what all ready-made APIs share; each adds its own `routes`. */
export function api<U extends User, T extends TokenFacts>(
  options: ApiOptions<U>,
  parts: ApiParts<U, T>,
): ApiCore<U, T> {
  const { users, passwords = defaultPasswords(), throttle: limiters = {} } = options
  const { tokens, credentials, responses, isBound = false, renewFor } = parts
  checkParts(options, parts)
  if (typeof passwords?.verify !== 'function') throw new TypeError('passwords must be made by passwords()')

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
  const verifyPassword = login<U>({
    passwords,
    throttle: throttle(limiters, timeout),
    onLimiterError: report.internalError,
    onUnreadableHash: report.unreadableHash,
  })
  const checkPassword = (attempt: LoginAttempt): Promise<Verdict<U, LoginReason>> =>
    verifyPassword(attempt, (name) => primary.byUsername(name))

  const authenticateRequest = (source: Source, needs?: CheckedNeeds): Promise<Verdict<Verified<U, T>, TokenReason>> =>
    report.tokenCheck(authenticate(source, credentials, verifier(), needs))

  const verifyOffer: TokenApi<U, T>['verify'] = async ({ user, token, request, needs }) => {
    const offered = readOffer(user, token)
    const use = {
      ...(request === undefined ? {} : { request }),
      ...(needs === undefined ? {} : { needs: checkedNeeds(needs) }),
    }
    return report.tokenCheck(offered === null ? refused('malformed') : verify(offered, verifier(), use))
  }

  const issueAfterLogin = isBound
    ? loginAndIssueAtOnce({ login: checkPassword, tokens })
    : loginAndIssue({ login: checkPassword, tokens, find: findOnPrimary })

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

  const verifierOnPrimary = (): Verifier<U, U, T> => ({ tokens, now, find: findOnPrimary() })

  const renewOffer: TokenApi<U, T>['renew'] = async ({ user, token }) => {
    if (renewFor === undefined) throw new ContractViolation('renew: renewDays is not given')
    const offered = readOffer(user, token)
    const verdict = await report.tokenCheck(
      offered === null ? refused('malformed') : renew(offered, verifierOnPrimary(), renewFor),
    )
    if (verdict.ok) report.emit({ type: 'renew', userId: idOf(verdict.value.user) })
    return verdict
  }

  const endOfferedLogin: TokenApi<U, T>['endLogin'] = async ({ user, token }) => {
    const offered = readOffer(user, token)
    const { lifetime } = tokens
    const verdict = await report.tokenCheck(
      offered === null
        ? refused('malformed')
        : endLogin(offered, { verifier: verifierOnPrimary, users: written, timeout, lifetime }),
    )
    if (!verdict.ok) return verdict
    const { userId, endedAll } = verdict.value
    report.emit({ type: 'logout', userId })
    if (endedAll) report.emit({ type: 'revoke-all', userId })
    return accept({ userId })
  }

  const guard = { authenticate: authenticateRequest, responses }
  return {
    shared: {
      tokenRequired: requireToken<U, T>(guard),
      tokenOptional: optionalToken<U, T>(guard),
      issue: (user, { limits, loggedInAt = 0 } = {}) =>
        report.errorsOf(
          tokens.issue(user, { loggedInAt, id: randomLoginId(), ...(limits === undefined ? {} : { limits }) }),
        ),
      verify: verifyOffer,
      renew: renewOffer,
      endLogin: endOfferedLogin,
      login: (attempt) => report.login(checkPassword(attempt), idOf, attempt.signal),
      revokeAll: (who) => revokeAll(idText(typeof who === 'object' ? who?.id : who) ?? ''), // no user has an empty id
      async check() {
        await users.check?.()
        await options.primary?.check?.()
      },
      authenticate: async (request, needs) =>
        authenticateRequest(request, needs === undefined ? undefined : checkedNeeds(needs)),
    },
    find,
    loginAndIssue: (attempt, issueOptions) =>
      report.login(
        issueAfterLogin(attempt, { id: randomLoginId(), ...issueOptions }),
        ({ user }) => idOf(user),
        attempt.signal,
      ),
    now,
    report,
  }
}

function checkParts<U extends User, T extends TokenFacts>(options: ApiOptions<U>, parts: ApiParts<U, T>): void {
  const { users, primary = users } = options
  const { tokens, credentials } = parts
  for (const [name, store] of Object.entries({ users, primary })) {
    if (typeof store?.findById !== 'function' || typeof store.findByUsername !== 'function')
      throw new TypeError(`${name} must have the methods findById and findByUsername`)
  }
  if (typeof credentials?.read !== 'function') throw new TypeError('credentials must have the method read')
  if (typeof tokens?.issue !== 'function' || typeof tokens.verify !== 'function') {
    throw new TypeError('tokens must have the methods issue and verify')
  }
}

/** A user and a token from a caller that may be without types; null for what cannot be either, such as `['1']` or 2^53 + 1. */
function readOffer(user: unknown, token: unknown): Offered | null {
  if (typeof token !== 'string') return null
  if (user === undefined) return { token }
  const id = idText(user)
  return id === null ? null : { user: id, token }
}

async function refused(reason: 'malformed'): Promise<Verdict<never, 'malformed'>> {
  return refuse(reason)
}

function idOf(user: User): string {
  return String(user.id)
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
