import { type Clock, spanOption, wholeClock } from '../../clock.js'
import { ContractViolation } from '../../errors.js'
import { asciiJsonText } from '../../json-text.js'
import { type Limits, meet, parseLimits } from '../../limits.js'
import { type FindUser, type User, userIdText } from '../../user.js'
import { accept, refuse, type TokenReason, type Verdict } from '../../verdict.js'
import { type BoundTo, boundToOption, bumpBoundEpoch, issueBond, verifyBond } from '../bond.js'
import { issueOptions } from '../issue-options.js'
import type { Issued, TokenKind } from '../token-kind.js'
import { bondMac } from './bond.js'
import {
  checkTimes,
  type Claims,
  claimedId,
  contradicts,
  defaultPayload,
  defaultUserOf,
  factsOf,
  isForUs,
  isSubject,
  type JwtFacts,
  namedBy,
  scopesOf,
  type Subject,
} from './claims.js'
import { type JwtKey, type JwtKeyOptions, jwtKeys, userKeys } from './keys.js'
import { isSignedWith, signJwt } from './signature.js'
import { MAX_LENGTH, readJwt, readObject } from './text.js'
import { checkOptions, type OptionNames } from '../../option-names.js'

export interface JwtOptions<U extends User = User> extends JwtKeyOptions {
  /** Seconds that a token is valid for; 300. */
  readonly lifetime?: number
  /** Seconds that `exp` and `nbf` may be off; 0. */
  readonly leeway?: number
  /** The `aud` that is written and expected. Without it a token that has one is refused. */
  readonly audience?: string
  /** The `iss` that is written and expected. */
  readonly issuer?: string
  /** Seconds after the login in which a token can be exchanged for a new one; 604800 (7 days), false for no `orig_iat` and no refresh. */
  readonly refreshLifetime?: number | false
  /**
   * The claim that limits a token to scopes, such as 'scope' (RFC 8693 §4.2); none by default. It is written for tokens that are
   * issued with such a limit, after `payload`, and a token that has it cannot be refreshed.
   */
  readonly scopeClaim?: string
  /**
   * A secret for each user (HS algorithms), instead of all other keys: the user is looked up before the token is proven. It
   * must have 32 bytes, whatever the algorithm, or `minSecretBytes`: a user without such a secret has no valid token.
   */
  readonly secretOf?: (user: U) => string
  /** The claims of a user; by default the ancestor's `user_id`, `username` and `email`. `exp`, `orig_iat`, `aud` and `iss` are added. */
  readonly payload?: (user: U) => Claims
  /**
   * The user whom the claims name; by default the `username`, and a `user_id` that contradicts it is refused. With `secretOf` it
   * is called with forged claims too. Anything but one text, under one of the two names, names no user.
   */
  readonly userOf?: (claims: Claims) => Subject | null
  /**
   * Values that end a user's tokens when they change; none by default, as in the ancestor. They are covered by the claim `bond`,
   * and a token that has it is accepted only with this option.
   */
  readonly boundTo?: BoundTo<U>
  readonly clock?: Clock
}

/** JSON Web Tokens, and the exchange of a valid one for a new one. */
export interface JwtKind<in U extends User = User> extends TokenKind<U, JwtFacts> {
  /**
   * A new token for a valid one, with the login's `orig_iat`; `expired` with the detail `refresh_expired` if the login is too
   * long ago, `invalid` with `no_orig_iat` if the token does not say when it was, `invalid` with `no_refresh` for one with scopes.
   */
  refresh<V extends U>(
    token: string,
    find: FindUser<V>,
  ): Promise<Verdict<{ user: V; issued: Issued<JwtFacts> }, TokenReason>>
}

const WEEK = 7 * 24 * 60 * 60
/** Claims that are written and read here, so that none of them can hold the scopes. */
const OWN_CLAIMS = new Set(['exp', 'nbf', 'iat', 'orig_iat', 'aud', 'iss', 'jti', 'bond', 'user_id', 'username'])

/** The names of the options. */
export const JWT_OPTIONS = {
  algorithm: true,
  secret: true,
  privateKey: true,
  publicKey: true,
  keys: true,
  minSecretBytes: true,
  lifetime: true,
  leeway: true,
  audience: true,
  issuer: true,
  refreshLifetime: true,
  scopeClaim: true,
  secretOf: true,
  payload: true,
  userOf: true,
  boundTo: true,
  clock: true,
} as const satisfies OptionNames<JwtOptions>

/**
 * JSON Web Tokens (RFC 7519) as djangorestframework-jwt writes them, behind a strict reading: one algorithm, no header that
 * asks for anything, nothing trusted before the signature is checked. `exp` is required; `nbf`, `iat` and `orig_iat` are checked
 * if present, the latter two with at least 60 s for clocks that differ.
 *
 * Of limits a token carries the end, in `exp`, and with `scopeClaim` the scopes; one that was issued with limits has no
 * `orig_iat`. Without `boundTo` a token outlives a changed password, and `revokeAll` is left out. What is not checked: `jti`,
 * `sub` and any other claim.
 *
 * @throws {TypeError} at start-up for a wrong option; from `issue`, if there is no key to sign with or nothing to be bound to,
 *   for limits that it does not carry, and for claims with which no token is ever accepted.
 */
export function jwtTokens<U extends User = User>(options: JwtOptions<U>): JwtKind<U> {
  checkOptions('jwtTokens', options, JWT_OPTIONS)
  return jwtKind(options)
}

/** A lookup that finds disabled users too; null if there is no such user. */
export type LookUpUser<U extends User> = (by: Subject) => Promise<U | null>

/**
 * `jwtTokens`, which with `secretOf` can also prove the tokens of disabled users if it is given a lookup that finds them: a
 * `find` returns no user, and so no secret, for them.
 */
export function jwtKind<U extends User = User>(options: JwtOptions<U>, lookUpUser?: LookUpUser<U>): JwtKind<U> {
  const { algorithm = 'HS256', audience, issuer, scopeClaim } = options
  const { secretOf, payload = defaultPayload, userOf, boundTo } = options
  const clock = wholeClock(options.clock)
  const lifetime = spanOption(options, 'lifetime', 300)
  const leeway = spanOption(options, 'leeway', 0, 0)
  const refreshLifetime = options.refreshLifetime === false ? false : spanOption(options, 'refreshLifetime', WEEK)
  for (const [name, text] of Object.entries({ audience, issuer, scopeClaim })) {
    if (text !== undefined && (typeof text !== 'string' || text === ''))
      throw new TypeError(`${name} must be a non-empty string`)
  }
  if (scopeClaim !== undefined && OWN_CLAIMS.has(scopeClaim))
    throw new TypeError('scopeClaim must not be a claim that has another meaning here')
  for (const [name, value] of Object.entries({ secretOf, payload, userOf })) {
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${name} must be a function`)
  }
  if (boundTo !== undefined) boundToOption(boundTo)
  const subjectOf = userOf === undefined ? defaultUserOf : (claims: Claims) => namedBy(userOf({ ...claims }))
  // The ancestor goes by the id before the signature is checked, and so do the tokens that it has signed.
  const unprovenSubjectOf = userOf === undefined ? claimedId : subjectOf
  const keyOf = secretOf === undefined ? undefined : userKeys(secretOf, options)
  const keys = keyOf === undefined ? jwtKeys(options) : []
  if (boundTo !== undefined && keys.some((key) => key.signing === undefined)) {
    throw new TypeError('boundTo needs the private key where tokens are verified')
  }
  const carries = scopeClaim === undefined ? 'e' : 'es'

  const keysOf = (user: U | null, kid: string | undefined): readonly JwtKey[] => {
    if (keyOf !== undefined) {
      const own = user === null ? null : keyOf(user)
      return own === null ? [] : [own]
    }
    const named = keys.filter((key) => kid !== undefined && key.kid === kid)
    if (named.length > 0) return named
    return kid === undefined || keys.every((key) => key.kid === undefined)
      ? keys.filter((key) => key.kid === undefined)
      : []
  }

  /** @param origin When the password was typed, or 0. */
  const sign = async (user: U, limits: readonly Limits[], origin: number): Promise<Issued<JwtFacts>> => {
    userIdText(user)
    const key = keyOf === undefined ? keys[0] : keyOf(user)
    if (key === null) throw new ContractViolation('secretOf must return a secret that is long enough (minSecretBytes)')
    if (key?.signing === undefined) throw new ContractViolation('privateKey is needed to issue tokens')
    const given: unknown = payload(user)
    if (!isPlain(given)) throw new ContractViolation('payload must return a plain object, and no promise of one')
    const { user_id, username, exp: _exp, orig_iat: _origin, ...rest } = given
    const limit = together(limits, scopesOf(rest, scopeClaim))
    const hasOrigin = refreshLifetime !== false && limits.length === 0 && origin > 0
    const claims: Claims = {
      ...(user_id === undefined ? {} : { user_id }),
      ...(username === undefined ? {} : { username }),
      exp: Math.min(clock() + lifetime, (limit.expiresAt ?? Infinity) - leeway),
      ...rest,
      ...(scopeClaim === undefined || limit.scopes === undefined ? {} : { [scopeClaim]: limit.scopes.join(' ') }),
      ...(hasOrigin ? { orig_iat: origin } : {}),
      ...(audience === undefined ? {} : { aud: audience }),
      ...(issuer === undefined ? {} : { iss: issuer }),
      ...(boundTo === undefined ? {} : { bond: issueBond(user, boundTo, bondMac(user, key)) }),
    }
    const json = asciiJsonText(claims)
    const flaw = flawOf(readObject(json), user)
    if (flaw !== null) throw new ContractViolation(`payload returned claims that no token is accepted with: ${flaw}`)
    // In PyJWT's order, so that the bytes are the same.
    const header = { alg: algorithm, ...(key.kid === undefined ? {} : { kid: key.kid }), typ: 'JWT' }
    const token = await signJwt(json, header, key.signing)
    if (token.length > MAX_LENGTH)
      throw new ContractViolation(`payload returned more than a token of ${MAX_LENGTH} characters can hold`)
    return { token, ...factsOf(claims, leeway, scopeClaim) }
  }

  /** Why a token with these claims is never accepted as this user's, even in its last second; null if it is. */
  const flawOf = (claims: Claims | null, user: U): string | null => {
    if (claims === null) return 'they have no JSON form'
    const lastSecond = Math.max(Number(claims['exp']) + leeway - 1, clock())
    const refusal = checkTimes(claims, lastSecond, leeway)
    if (refusal !== null && refusal.reason !== 'expired')
      return 'iat and nbf must be seconds since 1970, before the token expires'
    if (!isForUs(claims, { audience, issuer })) return 'aud must be that of the option audience'
    if (boundTo === undefined && Object.hasOwn(claims, 'bond')) return 'bond is the claim of the option boundTo'
    if (scopesOf(claims, scopeClaim) === null) return 'scopeClaim must be a text of scope-tokens with one space between'
    if (!isSubject(subjectOf(claims), user)) return 'they must name the user: username, or what userOf reads'
    if (contradicts(claims, user)) return 'user_id must be the id of the user'
    if (keyOf !== undefined && !isSubject(unprovenSubjectOf(claims), user))
      return 'secretOf needs user_id, or what userOf reads'
    return null
  }

  /** The user whose secret is to be tried; null if the claims name no user. */
  const unprovenUser = async (claims: Claims | null, find: FindUser<U>): Promise<U | null> => {
    const by = claims === null ? null : unprovenSubjectOf(claims)
    if (by === null) return null
    const user = await find(by)
    if (user.ok) return user.value
    return user.reason === 'inactive' && lookUpUser !== undefined ? lookUpUser(by) : null
  }

  const verify = async <V extends U>(
    token: string,
    find: FindUser<V>,
  ): Promise<Verdict<{ user: V; token: JwtFacts }, TokenReason>> => {
    const read = readJwt(token)
    if (read === null) return refuse('invalid', 'decode')
    if (read.alg !== algorithm || read.asksForMore) return refuse('invalid', 'claims')
    // With a secret for each user the claims say whose; what was found is not revealed before the signature is checked.
    const unproven = keyOf === undefined ? null : await unprovenUser(readObject(read.payload), find)
    const key = await fittingKey(token, keysOf(unproven, read.kid), algorithm)
    if (key === null) return refuse('invalid', 'decode')

    const claims = readObject(read.payload)
    if (claims === null) return refuse('invalid', 'decode')
    const untimely = checkTimes(claims, clock(), leeway)
    if (untimely !== null) return untimely
    if (!isForUs(claims, { audience, issuer })) return refuse('invalid', 'claims')
    if (boundTo === undefined && Object.hasOwn(claims, 'bond')) return refuse('invalid', 'claims')
    if (scopesOf(claims, scopeClaim) === null) return refuse('invalid', 'claims')
    const by = subjectOf(claims)
    if (by === null) return refuse('invalid', 'payload')
    // PyJWT lets a token without it pass, so that the ancestor says first that the payload names no user.
    if (claims['exp'] === undefined) return refuse('invalid', 'claims')
    // From here on the token is genuine, and refused for what the user's row says.
    const user = await find(by)
    if (!user.ok) return { ...(user.reason === 'invalid' ? refuse('invalid', 'no_user') : user), genuine: true }
    if (contradicts(claims, user.value)) return { ...refuse('invalid', 'no_user'), genuine: true }
    if (boundTo !== undefined && !verifyBond(claims['bond'], user.value, boundTo, bondMac(user.value, key)))
      return { ...refuse('revoked'), genuine: true }
    return accept({ user: user.value, token: factsOf(claims, leeway, scopeClaim) })
  }

  const kind: JwtKind<U> = {
    carries,
    ...(refreshLifetime !== false && { keepsLoginTime: true }),
    async issue(user, said) {
      const { limits, loggedInAt } = issueOptions(said, clock(), carries)
      return sign(user, parseLimits(limits) as readonly Limits[], loggedInAt) // in the form in which they were just written
    },

    verify: (offered, find) => verify(offered.token, find),

    async refresh(token, find) {
      if (refreshLifetime === false) return refuse('invalid', 'no_refresh')
      const verdict = await verify(token, find)
      if (!verdict.ok) return verdict
      const { user, token: facts } = verdict.value
      const origin = Object.hasOwn(facts.claims, 'orig_iat') ? facts.claims['orig_iat'] : undefined
      if (typeof origin !== 'number' || origin === 0) return refuse('invalid', 'no_orig_iat')
      if (facts.limits !== undefined) return refuse('invalid', 'no_refresh')
      if (!(clock() <= origin + refreshLifetime)) return refuse('expired', 'refresh_expired')
      return accept({ user, issued: await sign(user, [], origin) })
    },
  }
  if (boundTo === undefined) return kind
  return {
    ...kind,
    revokeAll: (user, bumpEpoch) => bumpBoundEpoch(user, boundTo, bumpEpoch),
  }
}

/** What limits allow together with the scopes that `payload` wrote. @throws {ContractViolation} if that is nothing. */
function together(limits: readonly Limits[], scopes: readonly string[] | null | undefined): Limits {
  const met = meet(scopes ? [...limits, { scopes }] : limits)
  if (met === null) throw new ContractViolation('limits allow nothing when they hold together', 'ERR_INVALID_LIMITS')
  return met
}

function isPlain(value: unknown): value is Claims {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

async function fittingKey(
  token: string,
  keys: readonly JwtKey[],
  algorithm: NonNullable<JwtKeyOptions['algorithm']>,
): Promise<JwtKey | null> {
  for (const key of keys) if (await isSignedWith(token, key.verifying, algorithm)) return key
  return null
}
