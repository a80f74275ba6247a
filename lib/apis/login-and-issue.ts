import type { LoginAttempt } from '../login.js'
import type { Issued, IssueOptions, TokenFacts, TokenKind } from '../tokens/token-kind.js'
import type { FindUser, User } from '../user.js'
import { accept, type LoginReason, refuse, type Verdict } from '../verdict.js'

/** A login that ends in a token. */
export type LoginAndIssue<U extends User, T extends TokenFacts> = (
  attempt: LoginAttempt,
  options?: IssueOptions,
) => Promise<Verdict<{ user: U; issued: Issued<T> }, LoginReason>>

/** What such a login consists of. */
export interface LoginSteps<U extends User, T extends TokenFacts> {
  readonly login: (attempt: LoginAttempt) => Promise<Verdict<U, LoginReason>>
  readonly tokens: TokenKind<U, T>
  /** A `find` that reads the user's row anew. */
  readonly find: () => FindUser<U>
}

/**
 * A login with tokens that do not end with the password by themselves.
 *
 * - The user is read again after hashing, before a token is issued: hashing takes long enough for a password to be changed.
 * - Where tokens are stored, the user is read once more after the token was added, and the token is withdrawn unless password,
 *   epoch and active flag are still those of the login. `revokeAll` deletes the tokens that it finds: a token that is added
 *   after it would survive it. An application that changes a password writes the user first and revokes then, so that either the
 *   revocation finds the token or this last look sees the change.
 *
 * A token that is only signed has no such gap: nothing is deleted that could be missed. Either it is bound to values of the
 * row that was read, and ends with them, or it outlives a changed password however long before the change it was issued.
 */
export function loginAndIssue<U extends User, T extends TokenFacts>(steps: LoginSteps<U, T>): LoginAndIssue<U, T> {
  const { login, tokens, find } = steps
  const isUnchanged = async (user: U): Promise<boolean> => {
    const again = await find()({ id: String(user.id) })
    return again.ok && hasSameState(again.value, user)
  }

  return async (attempt, options) => {
    const verdict = await login(attempt)
    if (!verdict.ok) return verdict
    const again = await find()({ id: String(verdict.value.id) })
    if (!again.ok || !hasSameState(again.value, verdict.value)) return refuse('invalid')
    const user = again.value
    const issued = await tokens.issue(user, options)
    if (tokens.withdraw === undefined) return accept({ user, issued })
    try {
      if (await isUnchanged(user)) return accept({ user, issued })
    } catch (error) {
      await tokens.withdraw(issued).catch(() => undefined) // the first error is the cause; no client has the token
      throw error
    }
    await tokens.withdraw(issued)
    return refuse('invalid')
  }
}

/** The same for tokens that are bound to the row whose password was verified: a change meanwhile ends them anyway. */
export function loginAndIssueAtOnce<U extends User, T extends TokenFacts>(
  steps: Omit<LoginSteps<U, T>, 'find'>,
): LoginAndIssue<U, T> {
  const { login, tokens } = steps
  return async (attempt, options) => {
    const verdict = await login(attempt)
    if (!verdict.ok) return verdict
    return accept({ user: verdict.value, issued: await tokens.issue(verdict.value, options) })
  }
}

function hasSameState(one: User, other: User): boolean {
  return one.password === other.password && (one.tokenEpoch ?? 0) === (other.tokenEpoch ?? 0)
}
