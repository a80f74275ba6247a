import { CompactSign, compactVerify, errors } from 'jose'
import { type Clock, spanOption, wholeClock } from '../../clock.js'
import { ContractViolation } from '../../errors.js'
import { asciiJsonText } from '../../json-text.js'
import { type FindUser, type User, userIdText } from '../../user.js'
import { accept, refuse, type TokenReason, type Verdict } from '../../verdict.js'
import { type BoundTo, boundToOption, bumpBoundEpoch, issueBond, verifyBond } from '../bond.js'
import { bondMac } from './bond.js'
import {
  type Claims,
  claimedId,
  contradicts,
  defaultPayload,
  defaultUserOf,
  factsOf,
  isForUs,
  checkTimes,
  type JwtFacts,
  namedBy,
} from './claims.js'
import { type JwtKey, type JwtKeyOptions, jwtKeys, userKeys } from './keys.js'
import { MAX_LENGTH, readJwt, readObject } from './text.js'
import type { Issued, TokenKind } from '../token-kind.js'

export interface JwtOptions<U extends User = User> extends JwtKeyOptions {
  /** Seconds that a token is good for; 300. */
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
   * A secret for each user (HS algorithms), instead of all other keys: the user is looked up before the token is proven. It
   * must have 32 bytes, whatever the algorithm, or `minSecretBytes`: for a user without such a one no token is issued or good.
   */
  readonly secretOf?: (user: U) => string
  /** The claims of a user; by default the ancestor's `user_id`, `username` and `email`. `exp`, `orig_iat`, `aud` and `iss` are added. */
  readonly payload?: (user: U) => Claims
  /**
   * Whom the claims name; by default the `username`, and a `user_id` that contradicts it is refused. With `secretOf` it is
   * asked about forged claims too. Anything but one text, by the one name or the other, is nobody.
   */
  readonly userOf?: (claims: Claims) => { id: string } | { username: string } | null
  /** Values that end a user's tokens when they change; none by default, as in the ancestor. */
  readonly boundTo?: BoundTo<U>
  readonly clock?: Clock
}

/** JSON Web Tokens, and the exchange of a good one for a new one. */
export interface JwtKind<in U extends User = User> extends TokenKind<U, JwtFacts> {
  /**
   * A new token for a good one, with the login's `orig_iat`; `expired` with the detail `refresh_expired` where the login is
   * too long ago, `invalid` with `no_orig_iat` where it does not say.
   */
  refresh<V extends U>(
    token: string,
    find: FindUser<V>,
  ): Promise<Verdict<{ user: V; issued: Issued<JwtFacts> }, TokenReason>>
}

const WEEK = 7 * 24 * 60 * 60

/**
 * JSON Web Tokens (RFC 7519) as djangorestframework-jwt writes them. `jose` does the cryptography, behind a strict reading:
 * one algorithm, no header that wants anything, nothing trusted before its signature. `exp` is required; `nbf`, `iat` and
 * `orig_iat` are checked where present, the latter two with 60 s for clocks that differ.
 *
 * Without `boundTo` a token outlives a changed password, and `revokeAll` is left out.
 *
 * @throws {TypeError} at start-up for a wrong option; from `issue`, where there is no key to sign with or nothing to
 *   be bound to, and for claims that would make a token which is never good.
 */
export function jwtTokens<U extends User = User>(options: JwtOptions<U>): JwtKind<U> {
  return jwtKind(options)
}

/** A look-up that answers disabled accounts too; null is nobody. */
export type FindAnybody<U extends User> = (by: { id: string } | { username: string }) => Promise<U | null>

/**
 * `jwtTokens`, which with `secretOf` can also prove the tokens of disabled accounts where it is given how to look those up:
 * a `find` gives no user, and so no secret, for them.
 */
export function jwtKind<U extends User = User>(options: JwtOptions<U>, findAnybody?: FindAnybody<U>): JwtKind<U> {
  const { algorithm = 'HS256', audience, issuer } = options
  const { secretOf, payload = defaultPayload, userOf, boundTo } = options
  const clock = wholeClock(options.clock)
  const lifetime = spanOption(options, 'lifetime', 300)
  const leeway = spanOption(options, 'leeway', 0, 0)
  const refreshLifetime = options.refreshLifetime === false ? false : spanOption(options, 'refreshLifetime', WEEK)
  for (const [name, text] of Object.entries({ audience, issuer })) {
    if (text !== undefined && (typeof text !== 'string' || text === ''))
      throw new TypeError(`${name} must be a non-empty string`)
  }
  for (const [name, value] of Object.entries({ secretOf, payload, userOf })) {
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${name} must be a function`)
  }
  if (boundTo !== undefined) boundToOption(boundTo)
  const bearerOf = userOf === undefined ? defaultUserOf : (claims: Claims) => namedBy(userOf({ ...claims }))
  // The ancestor goes by the id before the signature is checked, and so do the tokens that it has signed.
  const unprovenBearerOf = userOf === undefined ? claimedId : bearerOf
  const keyOf = secretOf === undefined ? undefined : userKeys(secretOf, options)
  const keys = keyOf === undefined ? jwtKeys(options) : []
  if (boundTo !== undefined && keys.some((key) => key.signing === undefined)) {
    throw new TypeError('boundTo needs the private key where tokens are verified')
  }

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

  const sign = async (user: U, origin: number): Promise<Issued<JwtFacts>> => {
    userIdText(user)
    const key = keyOf === undefined ? keys[0] : keyOf(user)
    if (key === null) throw new ContractViolation('secretOf must give a secret that is long enough (minSecretBytes)')
    if (key?.signing === undefined) throw new ContractViolation('privateKey is needed to issue tokens')
    const given: unknown = payload(user)
    if (!isPlain(given)) throw new ContractViolation('payload must give a plain object, and at once')
    const { user_id, username, exp: _, ...rest } = given
    const claims: Claims = {
      ...(user_id === undefined ? {} : { user_id }),
      ...(username === undefined ? {} : { username }),
      exp: clock() + lifetime,
      ...rest,
      ...(refreshLifetime === false ? {} : { orig_iat: origin }),
      ...(audience === undefined ? {} : { aud: audience }),
      ...(issuer === undefined ? {} : { iss: issuer }),
      ...(boundTo === undefined ? {} : { bond: issueBond(user, boundTo, bondMac(user, key)) }),
    }
    // In PyJWT's order, so that the bytes are the same.
    const header = { alg: algorithm, ...(key.kid === undefined ? {} : { kid: key.kid }), typ: 'JWT' }
    const token = await new CompactSign(Buffer.from(asciiJsonText(claims))).setProtectedHeader(header).sign(key.signing)
    if (token.length > MAX_LENGTH)
      throw new ContractViolation(`payload gave more than a token of ${MAX_LENGTH} characters can hold`)
    return { token, ...factsOf(claims, leeway) }
  }

  /** Whose secret is to be tried; null for nobody. */
  const unprovenUser = async (claims: Claims | null, find: FindUser<U>): Promise<U | null> => {
    const by = claims === null ? null : unprovenBearerOf(claims)
    if (by === null) return null
    const user = await find(by)
    if (user.ok) return user.value
    return user.reason === 'inactive' && findAnybody !== undefined ? findAnybody(by) : null
  }

  const verify = async <V extends U>(
    token: string,
    find: FindUser<V>,
  ): Promise<Verdict<{ user: V; token: JwtFacts }, TokenReason>> => {
    const read = readJwt(token)
    if (read === null) return refuse('invalid', 'decode')
    if (read.alg !== algorithm || read.wantsMore) return refuse('invalid', 'claims')
    // With a secret for each user the claims say whose; nobody is told what was found before the signature is checked.
    const unproven = keyOf === undefined ? null : await unprovenUser(readObject(read.payload), find)
    const key = await fittingKey(token, keysOf(unproven, read.kid), algorithm)
    if (key === null) return refuse('invalid', 'decode')

    const claims = readObject(read.payload)
    if (claims === null) return refuse('invalid', 'decode')
    const untimely = checkTimes(claims, clock(), leeway)
    if (untimely !== null) return untimely
    if (!isForUs(claims, { audience, issuer })) return refuse('invalid', 'claims')
    const by = bearerOf(claims)
    if (by === null) return refuse('invalid', 'payload')
    // PyJWT lets a token without it pass, so that the ancestor says first that the payload names nobody.
    if (claims['exp'] === undefined) return refuse('invalid', 'claims')
    const user = await find(by)
    if (!user.ok) return user.reason === 'invalid' ? refuse('invalid', 'no_user') : user
    if (contradicts(claims, user.value)) return refuse('invalid', 'no_user')
    if (boundTo !== undefined && !verifyBond(claims['bond'], user.value, boundTo, bondMac(user.value, key)))
      return refuse('revoked')
    return accept({ user: user.value, token: factsOf(claims, leeway) })
  }

  const kind: JwtKind<U> = {
    issue: (user) => sign(user, clock()),
    verify: (offered, find) => verify(offered.token, find),

    async refresh(token, find) {
      if (refreshLifetime === false) return refuse('invalid', 'no_refresh')
      const verdict = await verify(token, find)
      if (!verdict.ok) return verdict
      const { claims } = verdict.value.token
      const origin = Object.hasOwn(claims, 'orig_iat') ? claims['orig_iat'] : undefined
      if (typeof origin !== 'number' || origin === 0) return refuse('invalid', 'no_orig_iat')
      if (clock() > origin + refreshLifetime) return refuse('expired', 'refresh_expired')
      return accept({ user: verdict.value.user, issued: await sign(verdict.value.user, origin) })
    },
  }
  if (boundTo === undefined) return kind
  return {
    ...kind,
    revokeAll: (user, bumpEpoch) => bumpBoundEpoch(user, boundTo, bumpEpoch),
  }
}

function isPlain(value: unknown): value is Claims {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

async function fittingKey(token: string, keys: readonly JwtKey[], algorithm: string): Promise<JwtKey | null> {
  for (const key of keys) {
    try {
      await compactVerify(token, key.verifying, { algorithms: [algorithm] })
      return key
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
    }
  }
  return null
}
