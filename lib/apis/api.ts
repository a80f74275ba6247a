import { authenticate, verify } from '../authenticate.js'
import type { Credentials, Source } from '../credentials/credentials.js'
import { timeoutOption, withDeadline } from '../deadline.js'
import { ContractViolation, InternalError } from '../errors.js'
import { type Reporter, reporter } from '../event.js'
import { type GuardResponses, optionalToken, requireToken } from '../koa/guard.js'
import { login, type LoginAttempt } from '../login.js'
import { defaultPasswords } from '../passwords/default-passwords.js'
import { findActive, lookup } from '../stores/active-user.js'
import type { UserStore } from '../stores/user-store.js'
import { throttle } from '../throttle.js'
import type { Offered, TokenFacts, TokenKind, Verified } from '../tokens/token-kind.js'
import { type FindUser, idText, type User } from '../user.js'
import { type LoginReason, refuse, type TokenReason, type Verdict } from '../verdict.js'
import { type LoginAndIssue, loginAndIssue, loginAndIssueAtOnce } from './login-and-issue.js'
import type { ApiOptions, TokenApi } from './token-api-contract.js'

/** What makes one API differ from another. */
export interface ApiParts<U extends User, T extends TokenFacts> {
  readonly tokens: TokenKind<U, T>
  readonly credentials: Credentials
  readonly responses: GuardResponses
  /** The tokens are bound to the row whose password was verified, so that a login need not read it again. */
  readonly isBound?: boolean
}

/** What all ready-made APIs share, and what their routes and further methods need. */
export interface ApiCore<U extends User, T extends TokenFacts> {
  readonly shared: Omit<TokenApi<U, T>, 'routes'>
  /** A `find` for one request. */
  readonly find: () => FindUser<U>
  /** A login that ends in a token. */
  readonly loginAndIssue: LoginAndIssue<U, T>
  readonly report: Reporter
}

/** Joins users, tokens, credentials and responses to what all ready-made APIs share; each adds its own `routes`. */
export function api<U extends User, T extends TokenFacts>(
  options: ApiOptions<U>,
  parts: ApiParts<U, T>,
): ApiCore<U, T> {
  const { users, passwords = defaultPasswords(), throttle: limits = {} } = options
  const { tokens, credentials, responses, isBound = false } = parts
  checkParts(options, parts)
  if (typeof passwords?.verify !== 'function') throw new TypeError('passwords must be made by passwords()')

  const timeout = timeoutOption(options)
  const report = reporter(options.onEvent)
  const store = lookup(users, { timeout })
  const find = (): FindUser<U> => findActive(store)
  const verifyPassword = login<U>({
    passwords,
    throttle: throttle(limits, timeout),
    onLimiterError: report.internalError,
    onUnreadableHash: report.unreadableHash,
  })
  const checkPassword = (attempt: LoginAttempt): Promise<Verdict<U, LoginReason>> =>
    verifyPassword(attempt, (name) => store.byUsername(name))

  const authenticateRequest = (source: Source): Promise<Verdict<Verified<U, T>, TokenReason>> =>
    report.tokenCheck(authenticate(source, credentials, tokens, find()))

  const verifyOffer: TokenApi<U, T>['verify'] = ({ user, token }) => {
    const offered = readOffer(user, token)
    return report.tokenCheck(offered === null ? refused('malformed') : verify(offered, tokens, find()))
  }

  const issueAfterLogin = isBound
    ? loginAndIssueAtOnce({ login: checkPassword, tokens })
    : loginAndIssue({ login: checkPassword, tokens, find })

  const revokeAll = async (id: string): Promise<void> => {
    if (tokens.revokeAll === undefined)
      throw new ContractViolation(
        'revokeAll: a token kind of this API cannot end all tokens of a user',
        'ERR_REVOKE_NOT_SUPPORTED_BY_KIND',
      )
    const user = await report.errorsOf(store.byId(id))
    if (user === null) throw new InternalError('revokeAll: user not found', 'ERR_USER_NOT_FOUND')
    await report.errorsOf(
      tokens.revokeAll(
        user,
        once(() => bumpEpoch(users, id, timeout)),
      ),
    )
    report.emit({ type: 'revoke-all', userId: id })
  }

  const guard = { authenticate: authenticateRequest, responses }
  return {
    shared: {
      tokenRequired: requireToken<U, T>(guard),
      tokenOptional: optionalToken<U, T>(guard),
      issue: (user) => report.errorsOf(tokens.issue(user)),
      verify: verifyOffer,
      login: (attempt) => report.login(checkPassword(attempt), idOf, attempt.signal),
      revokeAll: (who) => revokeAll(idText(typeof who === 'object' ? who?.id : who) ?? ''), // no user has an empty id
      authenticate: authenticateRequest,
    },
    find,
    loginAndIssue: (attempt) => report.login(issueAfterLogin(attempt), ({ user }) => idOf(user), attempt.signal),
    report,
  }
}

function checkParts<U extends User, T extends TokenFacts>({ users }: ApiOptions<U>, parts: ApiParts<U, T>): void {
  const { tokens, credentials } = parts
  if (typeof users?.findById !== 'function' || typeof users.findByUsername !== 'function') {
    throw new TypeError('users must have the methods findById and findByUsername')
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

async function bumpEpoch(users: UserStore, id: string, timeout: number): Promise<void> {
  if (users.bumpEpoch === undefined)
    throw new ContractViolation('revokeAll: the user store has no bumpEpoch', 'ERR_NOT_SUPPORTED_BY_STORE')
  await withDeadline(timeout, () => users.bumpEpoch?.(id))
}

/** Several kinds may be bound to the same epoch. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}
