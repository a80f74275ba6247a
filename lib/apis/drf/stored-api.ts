import type { Clock } from '../../clock.js'
import { keyword } from '../../credentials/keyword.js'
import { completeLogin } from '../../koa/routes.js'
import { response } from '../../response.js'
import type { TokenStore } from '../../stores/token-store.js'
import type { ForeignToken, StoredFacts, StoredTokenKind } from '../../tokens/opaque.js'
import type { BoundTo } from '../../tokens/bond.js'
import type { User } from '../../user.js'
import type { Refusal } from '../../verdict.js'
import { loginApi } from '../login-api.js'
import { storedTokens, storeInTime, type StoredTokens } from '../stored-tokens.js'
import { addressReader, API_OPTIONS, pathPrefix, routesOptions } from '../options.js'
import type { ApiOptions, TokenApi } from '../token-api-contract.js'
import { drfResponses, type DrfTexts } from './responses.js'
import { drfRoutes, type ViewDescription } from './routes.js'
import type { OptionNames } from '../../option-names.js'

/** Options of both APIs with stored tokens. */
export interface StoredApiOptions<U extends User> extends ApiOptions<U> {
  /** Where the digests are: `knexTokens(db)` or `memoryTokens()`. */
  readonly store: TokenStore
  /**
   * Values of the user that end the user's tokens when one of them changes, for example `(user) => [user.password]`; none by
   * default, as in the ancestors. Tokens that were issued without it are refused once it is given, and the other way round.
   */
  readonly boundTo?: BoundTo<U>
  readonly clock?: Clock
  /** What comes before the API's own addresses; ''. */
  readonly prefix?: string
}

/** The names of the options that both APIs with stored tokens have. */
export const STORED_API_OPTIONS = {
  ...API_OPTIONS,
  store: true,
  boundTo: true,
  clock: true,
  prefix: true,
} as const satisfies OptionNames<StoredApiOptions<User>>

/** A `TokenApi` whose tokens are stored, and can be ended one by one. */
export interface StoredTokenApi<U extends User> extends TokenApi<U, StoredFacts>, StoredTokens<U> {
  /** Takes over tokens that another system has issued, so that they go on working; returns how many are new. @throws {TypeError} if `boundTo` is given. */
  adoptTokens(tokens: readonly ForeignToken[]): Promise<number>
}

/** What the HTTP APIs of the two packages do not share. */
export interface StoredLogin<U extends User> {
  readonly path: string
  readonly view: ViewDescription
  readonly passwordTrimmed: boolean
  readonly status: number
  readonly loginRefused: DrfTexts<U, StoredFacts>['loginRefused']
}

const REFUSED: Readonly<Partial<Record<Refusal['reason'], string>>> = {
  expired: 'Token has expired',
  inactive: 'User inactive or deleted',
}
const NOT_UTF8 = 'Invalid token header. Token string should not contain invalid characters.'

/**
 * An API over stored tokens: `Authorization: Token …`, a login, and the management of what is stored.
 *
 * @param kindOn Makes the kind of token on a store that responds within the time limit, or rejects.
 */
export function storedApi<U extends User>(
  options: StoredApiOptions<U>,
  kindOn: (store: TokenStore) => StoredTokenKind<U>,
  login: StoredLogin<U>,
): StoredTokenApi<U> {
  const prefix = pathPrefix(options.prefix)
  const tokens = kindOn(storeInTime(options))
  const { path, view, passwordTrimmed, status, loginRefused } = login
  const responses = drfResponses<U, StoredFacts>({
    scheme: 'Token',
    realm: 'api',
    header: ['token', 'Token'],
    tokenRefused: ({ reason, detail }) => (detail === 'encoding' ? NOT_UTF8 : (REFUSED[reason] ?? 'Invalid token')),
    loginRefused,
    loggedIn: (_user, { token }) => response(status, { token }),
  })
  const { shared, loginAndIssue, report } = loginApi(options, {
    tokens,
    credentials: keyword('Token'),
    responses,
    clock: options.clock,
  })
  const route = { logIn: loginAndIssue, addressOf: addressReader(options), responses }

  return {
    ...shared,
    routes(given) {
      routesOptions(given)
      return drfRoutes([
        {
          path: prefix + path,
          view,
          responses,
          fields: [
            { name: 'username', trimmed: true },
            { name: 'password', trimmed: passwordTrimmed },
          ],
          handle: (ctx, { username, password }) => completeLogin(route, ctx, { username, password }),
        },
      ])
    },
    ...storedTokens(tokens, report),
    adoptTokens: (foreign) => report.errorsOf(tokens.adopt(foreign)),
  }
}
