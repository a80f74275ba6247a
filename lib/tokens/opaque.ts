import { type Clock, wholeClock, wholeSpan } from '../clock.js'
import { digest, field, randomToken } from '../crypto.js'
import { ContractViolation, InternalError } from '../errors.js'
import { limitsColumn, parseLimitsColumn } from '../limits.js'
import { checkedTokenStore, type StoredToken, type TokenOwner, type TokenStore } from '../stores/token-store.js'
import { CONTROL_CHARACTER, isUserId, type User, userIdText } from '../user.js'
import { type BondMac, type BoundTo, boundToOption, issueBond, verifyBond } from './bond.js'
import { issueOptions } from './issue-options.js'
import { type CheckedRow, checkedRow, NO_END } from './stored-row.js'
import type { Issued, IssueOptions, TokenFacts, TokenKind } from './token-kind.js'

/** What is known of a stored token. A token without an end has 2^53 − 1 as its `expiresAt`. */
export interface StoredFacts extends TokenFacts {
  id: string
  issuedAt: number
  /** What the holder calls it; absent if it has no name. */
  name?: string
}

/** A token as a "your devices" page shows it; `id` names it for `revokeOne`. */
export interface ListedToken extends StoredFacts {
  lastUsedAt: number | null
}

/** A token that another system has issued and that is in clients' hands. */
export interface ForeignToken {
  readonly token: string
  readonly userId: string
  /** Now by default. */
  readonly createdAt?: number
  readonly lastUsedAt?: number | null
  /** By default what the kind's lifetime makes of `createdAt`, or of the last use if it counts from there. */
  readonly expiresAt?: number
}

/** When a token was made and last used, which its end depends on. */
export type TimesOfUse = Pick<StoredToken, 'createdAt' | 'lastUsedAt'>

/** A kind of token with a store, and what only such a kind can do. */
export interface StoredTokenKind<in U extends User = User> extends TokenKind<U, StoredFacts> {
  /** Ends one token; whether it was there. */
  revoke(token: string): Promise<boolean>
  /** Ends one token of a user by the id that `list` returns; whether it was there. */
  revokeOne(user: U, id: string): Promise<boolean>
  /** A user's valid tokens, newest first, 1000 at most. @throws {TypeError} if `boundTo` is given and the user lacks what it names. */
  list(user: U): Promise<readonly ListedToken[]>
  /** Deletes expired tokens in batches and returns how many they were. */
  prune(): Promise<number>
  withdraw(issued: { readonly token: string }): Promise<void>
  revokeAll(user: U): Promise<void>
  revokeAllById(id: string): Promise<boolean>
  /**
   * Takes over tokens that another system has issued: their digests are stored, so that they go on working. Those that are
   * stored already are not changed. Returns how many are new.
   *
   * @throws {TypeError} for a token that could never be presented (not 40 to 64 characters of base64url), an impossible user
   *   id, or a time that is not in whole seconds; and if `boundTo` is given, since the users' rows are not known here.
   */
  adopt(tokens: readonly ForeignToken[]): Promise<number>
}

export interface StoredTokenOptions<in U extends User = User> {
  readonly store: TokenStore
  /** Keeps two kinds of user with one table apart; at most 50 characters. */
  readonly audience?: string
  /** How many tokens a user may have: a login beyond it ends the oldest; 1000. */
  readonly limit?: number
  /**
   * Values of the user that end the user's tokens when one of them changes, for example `(user) => [user.password]`; none by
   * default, as in the ancestors. Tokens that were issued without it are refused once it is given, and the other way round.
   */
  readonly boundTo?: BoundTo<U>
  readonly clock?: Clock
}

const SHAPE = /^[A-Za-z0-9_-]{40,64}$/
const CARRIES = 'esmp'
const BATCH = 1000
const LEFT_TO_PRUNE = 100
const MOST_TOKENS = 1000

/** Whether a token to take over can ever be presented: it has the shape of a token, and its user id is possible. */
export function isPresentable({ token, userId }: Pick<ForeignToken, 'token' | 'userId'>): boolean {
  return SHAPE.test(token) && isUserId(userId)
}

/** What a kind with a store may do in its own way. */
export interface OpaqueTraits {
  /**
   * When a token ends however it is used, given when it was made. It also counts for tokens that are stored with a later end, since
   * they were taken over or made before there was a maximum. Never by default.
   */
  readonly lastEnd?: (createdAt: number) => number
  /** A new token, of at least 128 random bits; 43 characters of base64url by default. */
  readonly newToken?: () => string
  /** Whether a text can be a token of the kind: any other one causes no query. 40 to 64 characters of base64url by default. */
  readonly hasShape?: (text: string) => boolean
  /** Whether a token beyond `limit` is refused; by default the oldest ends. */
  readonly refusesSurplus?: true
}

/** What the kinds with a store share: a random token in the client's hands, its digest in the store. */
export interface Opaque<U extends User> {
  readonly clock: Clock
  readonly issue: (
    user: U,
    lifetime: number,
    options?: IssueOptions,
    name?: string | null,
  ) => Promise<Issued<StoredFacts>>
  /** The row of a token, checked, with the end that counts; null for an unknown token. A text without the shape of a token causes no query. */
  readonly find: (token: string) => Promise<CheckedRow | null>
  /** Whether a user's tokens are still bound to what this one is bound to. */
  readonly isBound: (row: CheckedRow, user: U) => boolean
  /** The latest possible end of a token, however it is used. */
  readonly latestEnd: (row: Pick<CheckedRow, 'createdAt' | 'limits'>) => number
  readonly shared: Omit<StoredTokenKind<U>, 'issue' | 'verify' | 'adopt'>
  /** `endOf` returns when a token ends that comes without an end. */
  readonly adopt: (tokens: readonly ForeignToken[], endOf: (times: TimesOfUse) => number) => Promise<number>
}

/** The digest under which a token of a purpose is stored: the same token under another purpose has another one. */
export function storedDigest(purpose: string, token: string): string {
  return digest(field(purpose) + field(token))
}

/** The purpose of a kind, which lower-case letters name, for one audience. @throws {TypeError} that names what is wrong. */
export function purposeOf(kind: string, audience = ''): string {
  if (
    typeof audience !== 'string' ||
    !audience.isWellFormed() ||
    audience.length > 50 ||
    CONTROL_CHARACTER.test(audience)
  ) {
    throw new TypeError(
      'audience must be a well-formed string of at most 50 characters, none of them a control character',
    )
  }
  if (!/^[a-z]+$/.test(kind)) throw new TypeError('the name of a kind must be lower-case letters')
  return audience === '' ? kind : `${kind}/${audience}`
}

/** The bound values are hashed together with the token's own digest, so that two rows never show that they agree. */
function bondMac(tokenDigest: string): BondMac {
  return (bound) => digest(field('koa-tokenapi/stored-bond/1') + field(tokenDigest) + bound)
}

/** The facts of a stored token, for an end that may have moved. */
export function factsOf(row: CheckedRow, expiresAt: number = row.expiresAt): StoredFacts {
  const { id, createdAt, loggedInAt, limits, name } = row
  return {
    id,
    issuedAt: createdAt,
    expiresAt,
    ...(loggedInAt !== null && { loggedInAt }),
    ...(limits.length > 0 && { limits }),
    ...(name !== null && { name }),
  }
}

/**
 * What a kind with a store is made of, under a name of its own: lower-case letters, which no other kind has.
 *
 * @throws {TypeError} that names the option that is wrong.
 */
export function opaque<U extends User>(
  kind: string,
  options: StoredTokenOptions<U>,
  traits: OpaqueTraits = {},
): Opaque<U> {
  const { lastEnd = () => NO_END, newToken = randomToken, hasShape = (text) => SHAPE.test(text) } = traits
  const { audience, limit = MOST_TOKENS, boundTo } = options
  const store = checkedTokenStore(options.store)
  const clock = wholeClock(options.clock)
  const purpose = purposeOf(kind, audience)
  wholeSpan('limit', limit)
  if (boundTo !== undefined) boundToOption(boundTo)

  const latestEnd: Opaque<U>['latestEnd'] = ({ createdAt, limits }) =>
    Math.min(NO_END, lastEnd(createdAt), ...limits.map(({ expiresAt = NO_END }) => expiresAt))
  const checked = (stored: StoredToken): CheckedRow => {
    const row = checkedRow(stored)
    return { ...row, expiresAt: Math.min(row.expiresAt, latestEnd(row)) }
  }
  const ownerOf = (user: Pick<User, 'id'>): TokenOwner => ({ purpose, userId: userIdText(user) })
  const bondOf = (user: U, tokenDigest: string): string | null =>
    boundTo === undefined ? null : issueBond(user, boundTo, bondMac(tokenDigest))
  const isBound: Opaque<U>['isBound'] = (row, user) =>
    boundTo === undefined ? row.bound === null : verifyBond(row.bound, user, boundTo, bondMac(row.digest))

  const refuseSurplus = async (owner: TokenOwner, tokenDigest: string, now: number): Promise<void> => {
    const live = await store.list(owner, now, limit + 1)
    if (live.length <= limit) return
    await store.remove(tokenDigest)
    throw new InternalError(`a user may have ${limit} of these tokens (limit)`, 'ERR_TOO_MANY_TOKENS')
  }

  return {
    clock,
    isBound,
    latestEnd,

    async issue(user, lifetime, given = {}, name = null) {
      const owner = ownerOf(user)
      const token = newToken()
      const tokenDigest = storedDigest(purpose, token)
      const now = clock()
      const { loggedInAt } = issueOptions(given, now, CARRIES)
      const row = {
        ...owner,
        digest: tokenDigest,
        createdAt: now,
        lastUsedAt: null,
        loggedInAt: loggedInAt === 0 ? null : loggedInAt, // 0: no password was typed
        bound: bondOf(user, tokenDigest),
        limits: limitsColumn(given.limits ?? []),
        name,
      }
      const written = parseLimitsColumn(row.limits)
      const expiresAt = Math.min(now + lifetime, latestEnd({ createdAt: now, limits: written }))
      // A few at a time: a login of a user with a hundred thousand expired tokens is as fast as any other.
      await store.removeExpired(owner, now, LEFT_TO_PRUNE)
      const id = await store.add({ ...row, expiresAt })
      // After the token was added, so that concurrent calls see each other: the last one leaves no surplus.
      if (traits.refusesSurplus === true) await refuseSurplus(owner, tokenDigest, now)
      else await store.removeSurplus(owner, limit, now)
      return { token, ...factsOf({ ...row, id, expiresAt, limits: written }) }
    },

    async find(token) {
      if (!hasShape(token)) return null
      const stored = await store.find(storedDigest(purpose, token))
      return stored?.purpose === purpose ? checked(stored) : null
    },

    async adopt(tokens, endOf) {
      if (boundTo !== undefined) throw new ContractViolation('tokens to take over cannot be bound to a user (boundTo)')
      if (!tokens.every(isPresentable)) {
        throw new ContractViolation('a token to take over must have 40 to 64 characters of base64url, and a user')
      }
      const times = tokens.flatMap(({ createdAt, lastUsedAt, expiresAt }) => [createdAt, lastUsedAt, expiresAt])
      if (!times.every((time) => (time ?? null) === null || Number.isSafeInteger(time))) {
        throw new ContractViolation('a token to take over must have whole seconds as its times')
      }
      const now = clock()
      const rows = tokens.map(({ token, userId, createdAt = now, lastUsedAt = null, expiresAt }) => ({
        digest: storedDigest(purpose, token),
        purpose,
        userId,
        createdAt,
        lastUsedAt,
        expiresAt: Math.min(expiresAt ?? endOf({ createdAt, lastUsedAt }), latestEnd({ createdAt, limits: [] })),
      }))
      // In batches, since a store has a time limit for each.
      let added = 0
      for (let at = 0; at < rows.length; at += BATCH) added += await store.addMissing(rows.slice(at, at + BATCH))
      return added
    },

    shared: {
      carries: CARRIES,
      withdraw: async ({ token }) => void (await store.remove(storedDigest(purpose, token))),
      revoke: async (token) => hasShape(token) && store.remove(storedDigest(purpose, token)),
      revokeOne: async (user, id) => store.removeOne(ownerOf(user), id),
      revokeAll: async (user) => store.removeAll(ownerOf(user)),
      async revokeAllById(id) {
        const owner = ownerOf({ id })
        const some = await store.list(owner, clock(), 1)
        await store.removeAll(owner)
        return some.length > 0
      },
      async list(user) {
        const now = clock()
        bondOf(user, '') // a user without what `boundTo` names is an error, and not one without tokens
        const rows = (await store.list(ownerOf(user), now, MOST_TOKENS)).slice(0, MOST_TOKENS).map(checked)
        const valid = rows.filter((row) => now < row.expiresAt && isBound(row, user))
        return valid.map((row) => ({ ...factsOf(row), lastUsedAt: row.lastUsedAt }))
      },
      async prune() {
        const now = clock()
        let pruned = 0
        let last = BATCH
        while (last === BATCH) {
          last = await store.removeExpired({ purpose }, now, BATCH)
          pruned += last
        }
        return pruned
      },
    },
  }
}
