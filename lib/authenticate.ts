import type { Credentials, Source } from './credentials/credentials.js'
import type { Offered, TokenFacts, TokenKind, Verified } from './tokens/token-kind.js'
import { type FindUser, idText, type User } from './user.js'
import { ContractViolation } from './errors.js'
import { isVerdict, refuse, type TokenReason, type Verdict } from './verdict.js'

/**
 * The whole way of a request: what it offers, whether the token is genuine, whose it is. This is the one place that says
 * who may act, and it knows no kind of token.
 */
export async function authenticate<V extends U, U extends User, T extends TokenFacts>(
  source: Source,
  credentials: Credentials,
  tokens: TokenKind<U, T>,
  find: FindUser<V>,
): Promise<Verdict<Verified<V, T>, TokenReason>> {
  const offered = credentials.read(source)
  // A reader that answers a promise must not pass for a verdict that nobody has checked.
  if (!isVerdict(offered)) throw new ContractViolation('credentials.read must answer a verdict, and at once')
  if (!offered.ok) return offered
  return verify(offered.value, tokens, find)
}

/** The second half of the way, for a token that came by another road. A `user` that was offered must be the verified one. */
export async function verify<V extends U, U extends User, T extends TokenFacts>(
  offered: Offered,
  tokens: TokenKind<U, T>,
  find: FindUser<V>,
): Promise<Verdict<Verified<V, T>, TokenReason>> {
  const verdict = await tokens.verify(offered, find)
  if (!isVerdict(verdict)) throw new ContractViolation('tokens.verify must answer a verdict')
  if (!verdict.ok) return verdict
  if (!isObject(verdict.value.user) || !isObject(verdict.value.token))
    throw new ContractViolation('tokens.verify must answer a user and a token')
  if (offered.user !== undefined && offered.user !== idText(verdict.value.user.id)) return refuse('invalid')
  return verdict
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
