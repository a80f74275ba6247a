import { type Clock, spanOption, wholeSpan } from '../clock.js'
import { basic } from '../credentials/basic.js'
import { bearer } from '../credentials/bearer.js'
import type { Credentials } from '../credentials/credentials.js'
import { firstOf } from '../credentials/first-of.js'
import { params } from '../credentials/params.js'
import type { Secret } from '../crypto.js'
import { type SealedPairFacts, sealedPairs } from '../tokens/sealed-pair.js'
import type { TokenFacts, TokenKind } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import { loginApi } from './login-api.js'
import { canEndLogins } from './end-login.js'
import { addressReader, API_OPTIONS, functionOption, pathPrefix, type Respond, routesOptions } from './options.js'
import { pairResponses } from './pair-responses.js'
import { type PairRoutes, pairRoutes } from './pair-routes.js'
import type { ApiOptions, TokenApi } from './token-api-contract.js'
import { checkOptions, type OptionNames, pickOptions, refuseOptions } from '../option-names.js'

export interface TokenApiOptions<U extends User, T extends TokenFacts = SealedPairFacts> extends ApiOptions<U> {
  /** One secret, or up to five: the first issues, all verify. Not needed with `tokens`. */
  readonly secret?: Secret
  /** Days that a token is good for; 7. */
  readonly timeoutDays?: number
  /** Keeps two kinds of user with one secret apart. */
  readonly audience?: string
  /** Values that end a user's tokens when they change; the stored password hash and the token epoch. */
  readonly boundTo?: (user: U) => readonly unknown[]
  readonly minSecretBytes?: number
  readonly clock?: Clock
  /** Another kind of token instead of sealed pairs; then `secret`, `timeoutDays`, `audience`, `boundTo` and `minSecretBytes` belong to that kind, and are refused here. */
  readonly tokens?: TokenKind<U, T>
  /**
   * Days after the password was typed in which a good token can be exchanged for a fresh one; none by default. Refused with `tokens`
   * that do not keep the time of the login (see `TokenKind.keepsLoginTime`).
   */
  readonly renewDays?: number
  /** Where a request carries its pair; parameters in body or query, then Basic, then Bearer. */
  readonly credentials?: Credentials
  /** Where the routes are; '/token'. */
  readonly prefix?: string
  /** The challenge's realm, only text; 'api'. */
  readonly realm?: string
  /** The challenge's scheme; 'Basic', for which browsers open a dialog. */
  readonly scheme?: string
  /** Extra fields of the login's response. */
  readonly respond?: Respond<U, T>
}

const DAY = 24 * 60 * 60

/** Options of the sealed pairs, which another kind has instead of them. */
const PAIR_OPTIONS = { secret: true, timeoutDays: true, audience: true, boundTo: true, minSecretBytes: true } as const
const OPTIONS = {
  ...API_OPTIONS,
  ...PAIR_OPTIONS,
  clock: true,
  tokens: true,
  renewDays: true,
  credentials: true,
  prefix: true,
  realm: true,
  scheme: true,
  respond: true,
} as const satisfies OptionNames<TokenApiOptions<User>>

/**
 * django-tokenapi for Koa: `POST /token/new` logs in, `GET /token/:token/:user` checks a token (both also with `.json`), and
 * `tokenRequired` guards routes with a user and token pair from body, query or HTTP Basic.
 *
 * @throws {TypeError} at start-up that names the option that is wrong.
 */
export function tokenApi<U extends User>(options: TokenApiOptions<U>): TokenApi<U, SealedPairFacts>
export function tokenApi<U extends User, T extends TokenFacts>(
  options: TokenApiOptions<U, T> & { readonly tokens: TokenKind<U, T> },
): TokenApi<U, T>
export function tokenApi<U extends User, T extends TokenFacts>(options: TokenApiOptions<U, T>): TokenApi<U, T> {
  checkOptions('tokenApi', options, OPTIONS)
  if (options.tokens !== undefined)
    refuseOptions(options, PAIR_OPTIONS, 'does nothing with tokens: give it to the kind of token')
  const {
    credentials = firstOf(params(), basic(), bearer()),
    prefix = '/token',
    realm = 'api',
    scheme = 'Basic',
  } = options
  const renewDays = Object.hasOwn(options, 'renewDays') ? wholeSpan('renewDays', options.renewDays) : undefined
  const { respond = () => ({}) } = options
  pathPrefix(prefix)
  functionOption('respond', respond)
  const addressOf = addressReader(options)
  const tokens =
    options.tokens === undefined ? (defaultTokens(options) as TokenKind<U> as TokenKind<U, T>) : options.tokens // T is SealedPairFacts without `tokens`
  const responses = pairResponses<U, T>({ scheme, realm, respond })
  // Sealed pairs are bound to the very row whose password was checked; of another kind that is not known.
  const isBound = options.tokens === undefined
  const { shared, loginAndIssue, now } = loginApi(options, {
    tokens,
    credentials,
    responses,
    clock: options.clock,
    isBound,
    ...(renewDays === undefined ? {} : { renewFor: renewDays * DAY }),
  })

  if (renewDays !== undefined && tokens.keepsLoginTime !== true)
    throw new TypeError('renewDays does nothing with tokens of a kind that does not keep the time of the login')

  const routes: PairRoutes<U, T> = {
    prefix,
    api: shared,
    loginAndIssue,
    addressOf,
    credentials,
    kind: tokens,
    now,
    responses,
    canRenew: renewDays !== undefined,
    canEndLogins: canEndLogins(options.primary ?? options.users),
  }
  return { ...shared, routes: (given) => pairRoutes(routes, routesOptions(given).check) }
}

function defaultTokens<U extends User>(
  options: Pick<TokenApiOptions<U>, keyof typeof PAIR_OPTIONS | 'clock'>,
): TokenKind<U, SealedPairFacts> {
  const lifetime = spanOption(options, 'timeoutDays', 7) * DAY
  const { timeoutDays: _, ...given } = pickOptions(options, { ...PAIR_OPTIONS, clock: true })
  return sealedPairs<U>({ ...given, secret: options.secret, lifetime })
}
