import type { Clock } from '../clock.js'
import { apiKey } from '../credentials/api-key.js'
import { authorization } from '../credentials/authorization.js'
import type { Credentials } from '../credentials/credentials.js'
import { firstOf } from '../credentials/first-of.js'
import { reporter } from '../event.js'
import type { Limits } from '../limits.js'
import { checkOptions, type OptionNames, pickOptions } from '../option-names.js'
import type { TokenStore } from '../stores/token-store.js'
import { API_KEY_OPTIONS, apiKeyTokens } from '../tokens/api-key.js'
import type { BoundTo } from '../tokens/bond.js'
import type { StoredFacts } from '../tokens/opaque.js'
import type { Issued } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import { apiKeyResponses } from './api-key-responses.js'
import { api } from './api.js'
import { GUARD_OPTIONS } from './options.js'
import { storedTokens, type StoredTokens, storeInTime } from './stored-tokens.js'
import type { GuardApi, GuardOptions } from './token-api-contract.js'

export interface ApiKeysOptions<U extends User> extends GuardOptions<U> {
  /** Where the digests are: `knexTokens(db)` or `memoryTokens()`. */
  readonly store: TokenStore
  /** What every key starts with, so that a scanner recognises it: 1 to 20 of [a-z0-9_], the last one "_"; 'key_'. */
  readonly tokenPrefix?: string
  /** Seconds for which a key is valid; by default a key has no end. */
  readonly lifetime?: number
  /** How many keys a user may have: one more is refused (`ERR_TOO_MANY_TOKENS`), and none ends because of it; 1000. */
  readonly limit?: number
  /** Values of the user that end the user's keys when one of them changes, for example `(user) => [user.password]`; none by default. */
  readonly boundTo?: BoundTo<U>
  /** Keeps two kinds of user with one table apart. */
  readonly audience?: string
  /** Where a request carries its key; `X-API-Key`, then `Authorization: Bearer`. */
  readonly credentials?: Credentials
  /** The challenge's realm, only text; 'api'. */
  readonly realm?: string
  readonly clock?: Clock
}

const OPTIONS = {
  ...GUARD_OPTIONS,
  store: true,
  tokenPrefix: true,
  lifetime: true,
  limit: true,
  boundTo: true,
  audience: true,
  credentials: true,
  realm: true,
  clock: true,
} as const satisfies OptionNames<ApiKeysOptions<User>>

/** An API whose tokens are keys for machines: the application issues them, and there is no login. */
export interface ApiKeys<U extends User> extends GuardApi<U, StoredFacts>, StoredTokens<U> {
  /**
   * A new key for a user. It is shown only here: what is stored does not give it back.
   *
   * @param options `name`: what its holder calls it, 1 to 200 characters. `limits`: what it may be used for; everything that its user
   *   may, without an end, by default.
   * @throws {TypeError} for a wrong name, for limits that have no text form, and for a user that no key can be bound to. `InternalError`
   *   with `ERR_TOO_MANY_TOKENS` for a user who has `limit` keys.
   */
  issue(
    user: U,
    options?: { readonly name?: string; readonly limits?: readonly Limits[] },
  ): Promise<Issued<StoredFacts>>
}

/**
 * API keys: named, limited if asked for, revoked one by one, and without a login. They have no end by default. They end with their user
 * (disabled, deleted) and with what `boundTo` names; by default not with the password. `maxAge` refuses every key.
 *
 * @throws {TypeError} at start-up that names the option that is wrong.
 */
export function apiKeys<U extends User>(options: ApiKeysOptions<U>): ApiKeys<U> {
  checkOptions('apiKeys', options, OPTIONS)
  const { credentials = firstOf(apiKey(), authorization('Bearer')), realm = 'api' } = options
  // Without a listener the kind emits a warning itself.
  const { internalError } = reporter(options.onEvent)
  const onUseError = options.onEvent === undefined ? {} : { onUseError: internalError }
  const tokens = apiKeyTokens<U>({
    ...pickOptions(options, API_KEY_OPTIONS),
    ...onUseError,
    store: storeInTime(options),
  })
  const responses = apiKeyResponses(realm)
  const { shared, report } = api(options, { tokens, credentials, responses, clock: options.clock })
  return { ...shared, ...storedTokens(tokens, report) }
}
