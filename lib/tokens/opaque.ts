import { type Clock, wholeClock } from '../clock.js'
import { digest, field, randomToken } from '../crypto.js'
import { checkedTokenStore, type StoredToken, type TokenOwner, type TokenStore } from '../stores/token-store.js'
import { ContractViolation } from '../errors.js'
import { CONTROL_CHARACTER, isUserId, type User, userIdText } from '../user.js'
import type { Issued, TokenKind } from './token-kind.js'

/** What is known of a stored token. */
export interface StoredFacts {
  id: string
  issuedAt: number
  expiresAt: number
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
  /** By default what the kind's lifetime makes of `createdAt`, or of the last use where it counts from there. */
  readonly expiresAt?: number
}

/** When a token was made and last used, of which its end is made. */
export type TimesOfUse = Pick<StoredToken, 'createdAt' | 'lastUsedAt'>

/** What kinds with a store can do beyond the rest. */
export interface StoredTokenKind<in U extends User = User> extends TokenKind<U, StoredFacts> {
  /** Ends one token; whether it was there. */
  revoke(token: string): Promise<boolean>
  /** Ends one token of a user by the id that `list` gives; whether it was there. */
  revokeOne(user: U, id: string): Promise<boolean>
  /** A user's live tokens, newest first. */
  list(user: U): Promise<readonly ListedToken[]>
  /** Deletes what has expired, in batches; answers how many there were. */
  prune(): Promise<number>
  withdraw(issued: { readonly token: string }): Promise<void>
  revokeAll(user: U): Promise<void>
  /**
   * Takes over tokens that another system has issued: their digests are stored, so that they go on working. Those that are
   * there already are left alone. Answers how many are new.
   *
   * @throws {TypeError} for a token that could never be presented (not 40 to 64 characters of base64url), a user that nobody
   *   could be, or a time that is no whole second.
   */
  adopt(tokens: readonly ForeignToken[]): Promise<number>
}

export interface StoredTokenOptions {
  readonly store: TokenStore
  /** Keeps two kinds of user with one table apart; at most 50 characters. */
  readonly audience?: string
  /** How many live tokens a user may have: a login beyond it ends the oldest. No limit by default. */
  readonly limit?: number
  readonly clock?: Clock
}

const SHAPE = /^[A-Za-z0-9_-]{40,64}$/
const BATCH = 1000
const LEFT_TO_PRUNE = 100

/** Whether a token to take over can ever be presented: its shape is one of ours, and its user can be somebody. */
export function isPresentable({ token, userId }: Pick<ForeignToken, 'token' | 'userId'>): boolean {
  return SHAPE.test(token) && isUserId(userId)
}

/** What expiring and sliding tokens share: a random token in the client's hands, its digest in the store. */
export interface Opaque {
  readonly clock: Clock
  readonly issue: (user: User, lifetime: number) => Promise<Issued<StoredFacts>>
  /** The stored token, or null; a text that is none of ours causes no query. */
  readonly find: (token: string) => Promise<StoredToken | null>
  readonly shared: Omit<StoredTokenKind, 'issue' | 'verify' | 'adopt'>
  /** `endOf` says when a token ends that comes without an end. */
  readonly adopt: (tokens: readonly ForeignToken[], endOf: (times: TimesOfUse) => number) => Promise<number>
}

/** The digest under which a token of a purpose is stored: no purpose's token is another's. */
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

/**
 * What a kind with a store is made of, under a name of its own: lower-case letters, which no other kind has.
 *
 * @param lastEnd When a token ends however it is used, given when it was made. It counts for tokens that are stored with a
 *   later end too, since they were taken over or made before there was a maximum.
 * @throws {TypeError} that names the option that is wrong.
 */
export function opaque(
  kind: string,
  options: StoredTokenOptions,
  lastEnd: (createdAt: number) => number = () => Infinity,
): Opaque {
  const { audience, limit } = options
  const store = checkedTokenStore(options.store)
  const clock = wholeClock(options.clock)
  const purpose = purposeOf(kind, audience)
  const capped = <T extends Pick<StoredToken, 'createdAt' | 'expiresAt'>>(token: T): T => ({
    ...token,
    expiresAt: Math.min(token.expiresAt, lastEnd(token.createdAt)),
  })
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1))
    throw new TypeError('limit must be a whole number of at least 1')
  const ownerOf = (user: User): TokenOwner => ({ purpose, userId: userIdText(user) })

  return {
    clock,

    async issue(user, lifetime) {
      const owner = ownerOf(user)
      const token = randomToken()
      const now = clock()
      const facts = { issuedAt: now, expiresAt: now + lifetime }
      // A few at a time: a user with a hundred thousand expired tokens logs in as fast as any other.
      await store.removeExpired(owner, now, LEFT_TO_PRUNE)
      const id = await store.add({
        ...owner,
        digest: storedDigest(purpose, token),
        createdAt: now,
        lastUsedAt: null,
        expiresAt: facts.expiresAt,
      })
      // After it was added, so that concurrent logins see each other: whoever comes last leaves no surplus.
      if (limit !== undefined) await store.removeSurplus(owner, limit, now)
      return { token, id, ...facts }
    },

    async find(token) {
      if (!SHAPE.test(token)) return null
      const stored = await store.find(storedDigest(purpose, token))
      return stored?.purpose === purpose ? capped(stored) : null
    },

    async adopt(tokens, endOf) {
      if (!tokens.every(isPresentable)) {
        throw new ContractViolation('a token to take over must have 40 to 64 characters of base64url, and a user')
      }
      const now = clock()
      const rows = tokens.map(({ token, userId, createdAt = now, lastUsedAt = null, expiresAt }) =>
        capped({
          digest: storedDigest(purpose, token),
          purpose,
          userId,
          createdAt,
          lastUsedAt,
          expiresAt: expiresAt ?? endOf({ createdAt, lastUsedAt }),
        }),
      )
      if (!rows.every((row) => [row.createdAt, row.lastUsedAt ?? 0, row.expiresAt].every(Number.isSafeInteger))) {
        throw new ContractViolation('a token to take over must have whole seconds as its times')
      }
      // In batches, since a store has a time limit for each.
      let added = 0
      for (let at = 0; at < rows.length; at += BATCH) added += await store.addMissing(rows.slice(at, at + BATCH))
      return added
    },

    shared: {
      withdraw: async ({ token }) => void (await store.remove(storedDigest(purpose, token))),
      revoke: async (token) => SHAPE.test(token) && store.remove(storedDigest(purpose, token)),
      revokeOne: async (user, id) => store.removeOne(ownerOf(user), id),
      revokeAll: async (user) => store.removeAll(ownerOf(user)),
      async list(user) {
        const now = clock()
        const tokens = (await store.list(ownerOf(user), now)).map(capped).filter(({ expiresAt }) => expiresAt > now)
        return tokens.map(({ id, createdAt, lastUsedAt, expiresAt }) => ({
          id,
          issuedAt: createdAt,
          lastUsedAt,
          expiresAt,
        }))
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
