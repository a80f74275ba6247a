import { randomLoginId } from '../crypto.js'
import { ContractViolation } from '../errors.js'
import { login, type LoginAttempt } from '../login.js'
import { defaultPasswords } from '../passwords/default-passwords.js'
import { findActive } from '../stores/active-user.js'
import { throttle } from '../throttle.js'
import type { TokenFacts } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import { accept, type LoginReason, refuse, type Verdict } from '../verdict.js'
import { api, type ApiCore, type ApiParts, readOffer } from './api.js'
import { endLogin } from './end-login.js'
import { type LoginAndIssue, loginAndIssue, loginAndIssueAtOnce } from './login-and-issue.js'
import { renew } from './renew.js'
import type { ApiOptions, TokenApi } from './token-api-contract.js'

/** What makes one API with a login differ from another. */
export interface LoginApiParts<U extends User, T extends TokenFacts> extends ApiParts<U, T> {
  /** The tokens are bound to the row whose password was verified, so that a login need not read it again. */
  readonly isBound?: boolean
  /** Seconds after the password was typed in which a token can be renewed; not at all by default. */
  readonly renewFor?: number
}

/** What all ready-made APIs with a login share, and what their routes and further methods need. */
export interface LoginApiCore<U extends User, T extends TokenFacts> extends ApiCore<U, T> {
  readonly shared: Omit<TokenApi<U, T>, 'routes'>
  /** A login that ends in a token. */
  readonly loginAndIssue: LoginAndIssue<U, T>
}

/** Adds logins, their renewal and their end to what all ready-made APIs share; each API adds its own `routes`. */
export function loginApi<U extends User, T extends TokenFacts>(
  options: ApiOptions<U>,
  parts: LoginApiParts<U, T>,
): LoginApiCore<U, T> {
  const { users, passwords = defaultPasswords(), throttle: limiters = {} } = options
  const { tokens, isBound = false, renewFor } = parts
  const core = api(options, parts)
  const { report, primary, written, verifierOnPrimary, timeout } = core
  for (const [name, store] of Object.entries({ users, primary: options.primary ?? users })) {
    if (typeof store.findByUsername !== 'function') throw new TypeError(`${name} must have the method findByUsername`)
  }
  if (typeof passwords?.verify !== 'function') throw new TypeError('passwords must be made by passwords()')

  const verifyPassword = login<U>({
    passwords,
    throttle: throttle(limiters, timeout),
    onLimiterError: report.internalError,
    onUnreadableHash: report.unreadableHash,
  })
  const checkPassword = (attempt: LoginAttempt): Promise<Verdict<U, LoginReason>> =>
    verifyPassword(attempt, (name) => primary.byUsername(name))
  const issueAfterLogin = isBound
    ? loginAndIssueAtOnce({ login: checkPassword, tokens })
    : loginAndIssue({ login: checkPassword, tokens, find: () => findActive(primary) })

  const renewOffer: TokenApi<U, T>['renew'] = async (pair) => {
    if (renewFor === undefined) throw new ContractViolation('renew: renewDays is not given')
    const offered = readOffer(pair)
    const verdict = await report.tokenCheck(
      offered === null ? Promise.resolve(refuse('malformed')) : renew(offered, verifierOnPrimary(), renewFor),
    )
    if (verdict.ok) report.emit({ type: 'renew', userId: idOf(verdict.value.user) })
    return verdict
  }

  const endOfferedLogin: TokenApi<U, T>['endLogin'] = async (pair) => {
    const offered = readOffer(pair)
    const { lifetime } = tokens
    const verdict = await report.tokenCheck(
      offered === null
        ? Promise.resolve(refuse('malformed'))
        : endLogin(offered, { verifier: verifierOnPrimary, users: written, timeout, lifetime }),
    )
    if (!verdict.ok) return verdict
    const { userId, endedAll } = verdict.value
    report.emit({ type: 'logout', userId })
    if (endedAll) report.emit({ type: 'revoke-all', userId })
    return accept({ userId })
  }

  return {
    ...core,
    shared: {
      ...core.shared,
      renew: renewOffer,
      endLogin: endOfferedLogin,
      login: (attempt) => report.login(checkPassword(attempt), idOf, attempt.signal),
    },
    loginAndIssue: (attempt, issueOptions) =>
      report.login(
        issueAfterLogin(attempt, { id: randomLoginId(), ...issueOptions }),
        ({ user }) => idOf(user),
        attempt.signal,
      ),
  }
}

function idOf(user: User): string {
  return String(user.id)
}
