import { authenticate, verify } from '../authenticate.js'
import type { Credentials, Source } from '../credentials/credentials.js'
import { codeOf } from '../errors.js'
import { teller, type TokenEvent } from '../event.js'
import type { Answers } from '../koa/responses.js'
import { optionalToken } from '../koa/optional-token.js'
import { requireToken } from '../koa/require-token.js'
import { login, type LoginAttempt } from '../login.js'
import { defaultPasswords } from '../passwords/default-passwords.js'
import { findActive, lookup } from '../stores/active-user.js'
import { timeLimit, withDeadline } from '../deadline.js'
import type { UserStore } from '../stores/user-store.js'
import { throttle } from '../throttle.js'
import type { TokenFacts, TokenKind, Verified } from '../tokens/token-kind.js'
import { type FindUser, idText, type User } from '../user.js'
import { type LoginReason, type Reason, refuse, type TokenReason, type Verdict } from '../verdict.js'
import { type LoginAndIssue, loginAndIssue, loginAndIssueAtOnce } from './login-and-issue.js'
import type { ApiOptions, TokenApi } from './token-api-contract.js'

/** What makes one API differ from another. */
export interface ApiParts<U extends User, T extends TokenFacts> {
  readonly tokens: TokenKind<U, T>
  readonly credentials: Credentials
  readonly answers: Answers
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
  /** Tells of a fault, and passes it on. */
  readonly faultTold: <V>(work: Promise<V>) => Promise<V>
  /** Tells of a token that was refused, or of a fault, and passes it on. */
  readonly judged: <V>(work: Promise<Verdict<V, TokenReason>>) => Promise<Verdict<V, TokenReason>>
}

/** Joins users, tokens, credentials and answers to what all ready-made APIs share; each adds its own `routes`. */
export function api<U extends User, T extends TokenFacts>(
  options: ApiOptions<U>,
  parts: ApiParts<U, T>,
): ApiCore<U, T> {
  const { users, passwords = defaultPasswords(), throttle: limits = {}, onEvent, timeout = 5 } = options
  const { tokens, credentials, answers, isBound = false } = parts
  if (typeof users?.findById !== 'function' || typeof users.findByUsername !== 'function') {
    throw new TypeError('users must have the methods findById and findByUsername')
  }
  timeLimit('timeout', timeout)
  if (typeof passwords?.verify !== 'function') throw new TypeError('passwords must be made by passwords()')
  if (typeof credentials?.read !== 'function') throw new TypeError('credentials must have the method read')
  if (typeof tokens?.issue !== 'function' || typeof tokens.verify !== 'function') {
    throw new TypeError('tokens must have the methods issue and verify')
  }

  const store = lookup(users, { timeout })
  const tell = teller(onEvent)
  const judgeLogin = login<U>({
    passwords,
    throttle: throttle(limits, timeout),
    onLimiterError: (error) => tell(faultEvent(error)),
    onUnreadableHash: (userId, format) =>
      tell(format === undefined ? { type: 'unreadable-hash', userId } : { type: 'unreadable-hash', userId, format }),
  })

  const told = <V, R extends Reason>(
    type: 'token-refused' | 'login-refused',
    verdict: Verdict<V, R>,
  ): Verdict<V, R> => {
    if (!verdict.ok) {
      const { reason, detail } = verdict
      tell(detail === undefined ? { type, reason } : { type, reason, detail })
    }
    return verdict
  }
  const faultTold = async <V>(work: Promise<V>, signal?: AbortSignal): Promise<V> => {
    try {
      return await work
    } catch (fault) {
      if (signal?.aborted !== true) tell(faultEvent(fault)) // a client that has gone is no fault
      throw fault
    }
  }
  const judged = async <V>(work: Promise<Verdict<V, TokenReason>>): Promise<Verdict<V, TokenReason>> =>
    told('token-refused', await faultTold(work))
  const judge = (source: Source): Promise<Verdict<Verified<U, T>, TokenReason>> =>
    judged(authenticate(source, credentials, tokens, findActive(store)))
  const guard = { authenticate: judge, answers }
  const judgeAttempt = (attempt: LoginAttempt): Promise<Verdict<U, LoginReason>> =>
    judgeLogin(attempt, (name) => store.byUsername(name))
  const loginTold = async <V>(
    attempt: LoginAttempt,
    work: Promise<Verdict<V, LoginReason>>,
    userOf: (value: V) => U,
  ): Promise<Verdict<V, LoginReason>> => {
    const verdict = told('login-refused', await faultTold(work, attempt.signal))
    if (verdict.ok) tell({ type: 'login', userId: String(userOf(verdict.value).id) })
    return verdict
  }
  const issuing = isBound
    ? loginAndIssueAtOnce({ login: judgeAttempt, tokens })
    : loginAndIssue({ login: judgeAttempt, tokens, find: () => findActive(store) })

  const shared: ApiCore<U, T>['shared'] = {
    tokenRequired: requireToken<U, T>(guard),
    tokenOptional: optionalToken<U, T>(guard),
    issue: (user) => faultTold(tokens.issue(user)),

    async verify(offered) {
      const { user, token } = offered
      if (typeof token !== 'string' || (user !== undefined && idText(user) === null))
        return told('token-refused', refuse('malformed'))
      const claimed = user === undefined ? { token } : { user: String(user), token }
      return judged(verify(claimed, tokens, findActive(store)))
    },

    login: (attempt) => loginTold(attempt, judgeAttempt(attempt), (user) => user),

    async revokeAll(who) {
      const id = idText(typeof who === 'object' ? who?.id : who) ?? '' // no user has an empty id
      if (tokens.revokeAll === undefined)
        throw new Error('revokeAll: a token kind of this API cannot end all tokens of a user')
      const user = await faultTold(store.byId(id))
      if (user === null) throw new Error('revokeAll: there is no such user')
      const bump = once(() => bumpEpoch(users, id, timeout))
      await faultTold(tokens.revokeAll(user, bump))
      tell({ type: 'revoke-all', userId: id })
    },

    authenticate: (request) => judge(request),
  }

  return {
    shared,
    find: () => findActive(store),
    faultTold,
    judged,
    loginAndIssue: (attempt) => loginTold(attempt, issuing(attempt), ({ user }) => user),
  }
}

/** What is told of a fault: its name and code, and none of its message. */
export function faultEvent(fault: unknown): TokenEvent {
  const name = fault instanceof Error ? fault.name : typeof fault
  const code = codeOf(fault)
  return code === undefined ? { type: 'fault', name } : { type: 'fault', name, code }
}

async function bumpEpoch(users: UserStore, id: string, timeout: number): Promise<void> {
  if (users.bumpEpoch === undefined) throw new Error('revokeAll: the user store has no bumpEpoch')
  await withDeadline(timeout, () => users.bumpEpoch?.(id))
}

/** Several kinds may be bound to the same epoch. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}
