import type { Credentials, Source } from './credentials/credentials.js'
import { ContractViolation } from './errors.js'
import { type CheckedNeeds, isLink, type LimitedRequest, permit } from './limits.js'
import type { Offered, TokenFacts, TokenKind, Verified } from './tokens/token-kind.js'
import { type FindUser, idText, type User } from './user.js'
import { isVerdict, refuse, type TokenReason, type Verdict } from './verdict.js'

/** What a token is verified with. */
export interface Verifier<V extends U, U extends User, T extends TokenFacts> {
  readonly tokens: TokenKind<U, T>
  /** A `find` for this request. */
  readonly find: FindUser<V>
  /** A `find` over the primary database, if `find` reads a replica: it is asked once more before a genuine token is refused. */
  readonly findOnPrimary?: FindUser<V> | undefined
  /** Seconds since 1970. */
  readonly now: () => number
}

/** What a token is to be used for. */
export interface TokenUse {
  /** Absent if it is not known: then a token that is limited to methods or a path is refused. */
  readonly request?: LimitedRequest
  readonly needs?: CheckedNeeds | undefined
  /** Whether only a link may pass: a token with an end, a path and GET as its method. */
  readonly linksOnly?: true | undefined
}

/**
 * The whole way of a request: what it offers, whether the token is genuine, whose it is, and whether it may be used for this. The
 * one place that says who may act; it knows no kind of token.
 */
export async function authenticate<V extends U, U extends User, T extends TokenFacts>(
  source: Source,
  credentials: Credentials,
  verifier: Verifier<V, U, T>,
  needs?: CheckedNeeds,
): Promise<Verdict<Verified<V, T>, TokenReason>> {
  const offered = credentials.read(source)
  // A reader that returns a promise must not pass for an unchecked verdict.
  if (!isVerdict(offered)) throw new ContractViolation('credentials.read must return a verdict, and at once')
  if (!offered.ok) return offered
  const { scheme, linksOnly, ...pair } = offered.value
  const verdict = await verify(pair, verifier, { request: requestOf(source), needs, linksOnly })
  return verdict.ok || scheme === undefined ? verdict : { ...verdict, scheme }
}

/** The second half of the way, for a token that came some other way. A `user` that was offered must be the verified one. */
export async function verify<V extends U, U extends User, T extends TokenFacts>(
  offered: Offered,
  verifier: Verifier<V, U, T>,
  use: TokenUse,
): Promise<Verdict<Verified<V, T>, TokenReason>> {
  const verdict = await prove(offered, verifier)
  if (!verdict.ok) return verdict
  const { token } = verdict.value
  if (use.linksOnly === true && !isLink(token.limits ?? [])) return refuse('malformed', 'not_a_link')
  const { request, needs } = use
  const permitted = permit(token, {
    now: verifier.now(),
    ...(request === undefined ? {} : { request }),
    ...(needs === undefined ? {} : { needs }),
  })
  return permitted.ok ? verdict : permitted
}

/**
 * Verifies a token for what concerns its whole login, its end or its renewal. The scopes of the token do not matter there; one
 * that is limited to methods or a path was lent for something else.
 */
export async function verifyHolder<V extends U, U extends User, T extends TokenFacts>(
  offered: Offered,
  verifier: Verifier<V, U, T>,
): Promise<Verdict<Verified<V, T>, TokenReason>> {
  const verdict = await prove(offered, verifier)
  if (!verdict.ok) return verdict
  const { limits = [] } = verdict.value.token
  const isLent = limits.some(({ methods, path }) => methods !== undefined || path !== undefined)
  return isLent ? refuse('insufficient_scope') : verdict
}

/** Whether a token is genuine and whose it is; what it may be used for is not looked at. */
async function prove<V extends U, U extends User, T extends TokenFacts>(
  offered: Offered,
  { tokens, find, findOnPrimary }: Verifier<V, U, T>,
): Promise<Verdict<Verified<V, T>, TokenReason>> {
  const first = checked(await tokens.verify(offered, find))
  const isWorthASecondLook = !first.ok && first.genuine === true && findOnPrimary !== undefined
  const verdict = isWorthASecondLook ? checked(await tokens.verify(offered, findOnPrimary)) : first
  if (!verdict.ok) return verdict
  const isTheirs = offered.user === undefined || offered.user === idText(verdict.value.user.id)
  return isTheirs ? verdict : refuse('invalid')
}

function checked<V extends User, T extends TokenFacts>(
  verdict: Verdict<Verified<V, T>, TokenReason>,
): Verdict<Verified<V, T>, TokenReason> {
  if (!isVerdict(verdict)) throw new ContractViolation('tokens.verify must return a verdict')
  if (verdict.ok && (!isObject(verdict.value.user) || !isObject(verdict.value.token)))
    throw new ContractViolation('tokens.verify must return a user and a token')
  return verdict
}

/** The request as limits see it: the target that this process received, before any middleware rewrote it. */
function requestOf(source: Source): LimitedRequest {
  const { method = '', url = '', headers } = source
  const original = Object.hasOwn(source, 'originalUrl') ? source.originalUrl : undefined
  return { method, path: original ?? url, upgrade: Object.hasOwn(headers, 'upgrade') }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
