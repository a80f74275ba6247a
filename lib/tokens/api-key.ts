import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { spanOption } from '../clock.js'
import { ContractViolation } from '../errors.js'
import { checkOptions, type OptionNames } from '../option-names.js'
import { CONTROL_CHARACTER, type User } from '../user.js'
import { accept, refuse } from '../verdict.js'
import { lastUse, warnOnce } from './last-use.js'
import { factsOf, opaque, type StoredFacts, type StoredTokenKind, type StoredTokenOptions } from './opaque.js'
import { NO_END } from './stored-row.js'
import type { Issued, IssueOptions } from './token-kind.js'

/** Options of API keys. */
export interface ApiKeyOptions<in U extends User = User> extends Omit<StoredTokenOptions<U>, 'limit'> {
  /** What every key starts with, so that a scanner recognises it: 1 to 20 of [a-z0-9_], the last one "_"; 'key_'. */
  readonly tokenPrefix?: string
  /** Seconds for which a key is valid; by default a key has no end. */
  readonly lifetime?: number
  /** How many keys a user may have: one more is refused (`ERR_TOO_MANY_TOKENS`), and none ends because of it; 1000. */
  readonly limit?: number
  /** Called with the error of a last use that could not be written. The request goes on: the key is valid. By default the process emits a warning, once. */
  readonly onUseError?: (error: unknown) => void
}

/** The names of the options. */
export const API_KEY_OPTIONS = {
  store: true,
  audience: true,
  limit: true,
  boundTo: true,
  clock: true,
  tokenPrefix: true,
  lifetime: true,
  onUseError: true,
} as const satisfies OptionNames<ApiKeyOptions>

/** What a new key says. */
export interface ApiKeyIssueOptions extends IssueOptions {
  /** What its holder calls it: 1 to 200 characters, none of them a control character. */
  readonly name?: string
}

/** API keys: stored tokens that are named, and come from no login. */
export interface ApiKeyKind<in U extends User = User> extends Omit<StoredTokenKind<U>, 'adopt' | 'issue'> {
  /** `loggedInAt` and `id` are ignored: no password is typed for a key. @throws {TypeError} for a wrong name, and as `TokenKind.issue` does. */
  issue(user: U, options?: ApiKeyIssueOptions): Promise<Issued<StoredFacts>>
}

const MINUTE = 60
const PREFIX = /^(?=.{1,20}$)[a-z0-9_]*_$/
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const SECRET = 43 // digits of base 62 for 256 bits
const CHECKSUM = 6 // and for 32 bits

/**
 * Keys for machines: `tokenPrefix`, 43 random base-62 digits, and 6 of the CRC-32 of all before them, by which a scanner tells a key
 * from random text and which a mistyped key fails without a query. Only the digest of a key is stored.
 *
 * A key has no end unless `lifetime` or its limits give it one. It ends when its user is disabled or deleted, and with what `boundTo`
 * names; without that it does not end with the password. When it was last used is written once a minute at most. No password was
 * typed for it, so a route with `maxAge` refuses it.
 *
 * Order of the checks: shape and checksum, known, in time, user exists and is active, bound.
 *
 * @throws {TypeError} at start-up for a wrong option; from `issue`, for a wrong name, limits that have no text form and values that no
 *   key can be bound to. From `issue` too {@link InternalError} with `ERR_TOO_MANY_TOKENS` beyond `limit`.
 */
export function apiKeyTokens<U extends User = User>(options: ApiKeyOptions<U>): ApiKeyKind<U> {
  checkOptions('apiKeyTokens', options, API_KEY_OPTIONS)
  const {
    tokenPrefix = 'key_',
    onUseError = warnOnce('onUseError', 'the last use of API keys is not written'),
    store,
  } = options
  const lifetime = spanOption(options, 'lifetime', NO_END)
  if (typeof tokenPrefix !== 'string' || !PREFIX.test(tokenPrefix))
    throw new TypeError('tokenPrefix must be 1 to 20 of [a-z0-9_], the last one "_"')
  if (typeof onUseError !== 'function') throw new TypeError('onUseError must be a function')
  const pattern = new RegExp(`^${tokenPrefix}[0-9A-Za-z]{${SECRET + CHECKSUM}}$`)
  const {
    clock,
    issue,
    find: findToken,
    isBound,
    shared,
  } = opaque('key', options, {
    newToken: () => withChecksum(tokenPrefix + base62(randomBytes(32).toString('hex'), SECRET)),
    hasShape: (text) => pattern.test(text) && text === withChecksum(text.slice(0, -CHECKSUM)),
    refusesSurplus: true,
  })
  const writeUse = lastUse(store, ['onUseError', onUseError])

  return {
    ...shared,

    async issue(user, given = {}) {
      const { name, ...rest } = given
      const label = Object.hasOwn(given, 'name') ? checkedName(name) : null
      return issue(user, lifetime, { ...rest, loggedInAt: 0 }, label)
    },

    async verify(offered, find) {
      const row = await findToken(offered.token)
      if (row === null) return refuse('invalid')
      const now = clock()
      if (!(now < row.expiresAt)) return refuse('expired')
      const user = await find({ id: row.userId })
      if (!user.ok) return { ...user, genuine: true }
      if (!isBound(row, user.value)) return { ...refuse('revoked'), genuine: true }
      await writeUse(row, { now, interval: MINUTE, expiresAt: row.expiresAt })
      return accept({ user: user.value, token: factsOf(row) })
    },
  }
}

function withChecksum(text: string): string {
  return text + base62(crc32(text).toString(16), CHECKSUM)
}

function base62(hex: string, width: number): string {
  let digits = ''
  for (let rest = BigInt(`0x${hex}`); rest > 0n; rest /= 62n) digits = `${DIGITS[Number(rest % 62n)]}${digits}`
  return digits.padStart(width, '0')
}

function checkedName(name: unknown): string {
  if (
    typeof name !== 'string' ||
    !name.isWellFormed() ||
    name === '' ||
    name.length > 200 ||
    CONTROL_CHARACTER.test(name)
  )
    throw new ContractViolation('name must be 1 to 200 well-formed characters, none of them a control character')
  return name
}
