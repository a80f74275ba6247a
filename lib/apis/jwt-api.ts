import type { Context } from 'koa'
import { wholeClock } from '../clock.js'
import { cookie as cookieReader, cookieValues } from '../credentials/cookie.js'
import type { Credentials, Source } from '../credentials/credentials.js'
import { firstOf } from '../credentials/first-of.js'
import { keyword } from '../credentials/keyword.js'
import { timeoutOption } from '../deadline.js'
import { ContractViolation } from '../errors.js'
import { isForeign, type OriginOptions, sameOrigin } from '../credentials/same-origin.js'
import { checkTokenCookie, tokenCookie, type TokenCookie } from '../koa/cookies.js'
import { completeLogin } from '../koa/routes.js'
import { sourceOf } from '../koa/source.js'
import type { HttpResponse } from '../response.js'
import { lookup } from '../stores/active-user.js'
import { JWT_OPTIONS, type LookUpUser, jwtKind, type JwtOptions } from '../tokens/jwt/kind.js'
import { defaultPayload, type JwtFacts } from '../tokens/jwt/claims.js'
import type { Issued } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import { accept, refuse, type TokenReason, type Verdict } from '../verdict.js'
import { loginApi } from './login-api.js'
import { addressReader, API_OPTIONS, functionOption, pathPrefix, type Respond, routesOptions } from './options.js'
import type { ApiOptions, TokenApi } from './token-api-contract.js'
import { jwtResponses } from './jwt-responses.js'
import { type DrfRoute, drfRoutes, JSON_FIRST } from './drf/routes.js'
import { checkOptions, type OptionNames, pickOptions } from '../option-names.js'

export interface JwtApiOptions<U extends User> extends ApiOptions<U>, JwtOptions<U> {
  /** The word before the token in the header; 'JWT'. */
  readonly scheme?: string
  /**
   * A cookie in which tokens are set and read as well; none by default. Unsafe requests with it, and those that open a WebSocket,
   * must come from the same origin, or one of `origins`; a login, refresh or check from elsewhere does not set it. `clearCookie`
   * removes it. `secure: false` is for development on localhost.
   */
  readonly cookie?: TokenCookie & OriginOptions
  /** The field of the login that holds the user name, and a claim that repeats it by default; 'username', anything except 'password'. */
  readonly usernameField?: string
  /** The JSON of login, refresh and verify; `{ token }`. */
  readonly respond?: Respond<U, JwtFacts>
  /** What comes before the API's own paths; ''. */
  readonly prefix?: string
  /** The challenge's realm, only text; 'api'. */
  readonly realm?: string
}

/** A `TokenApi` whose tokens can be exchanged for new ones. */
export interface JwtApi<U extends User> extends TokenApi<U, JwtFacts> {
  /** A new token for a valid one, until `refreshLifetime` after the login. */
  refresh(token: string): Promise<Verdict<{ user: U; issued: Issued<JwtFacts> }, TokenReason>>
  /**
   * Clears the cookie of the option `cookie`, for a logout route of the application. The token itself stays valid until it ends,
   * or `revokeAll` ends it. That the request comes from the same site is for the route's guard to check.
   *
   * @throws {ContractViolation} without the option `cookie`.
   */
  clearCookie(ctx: Context): void
}

const OPTIONS = {
  ...API_OPTIONS,
  ...JWT_OPTIONS,
  scheme: true,
  cookie: true,
  usernameField: true,
  respond: true,
  prefix: true,
  realm: true,
} as const satisfies OptionNames<JwtApiOptions<User>>
const COOKIE_OPTIONS = {
  name: true,
  path: true,
  domain: true,
  secure: true,
  origins: true,
} as const satisfies OptionNames<TokenCookie & OriginOptions>

/**
 * djangorestframework-jwt for Koa: `POST /api-token-auth/`, `/api-token-refresh/` and `/api-token-verify/`, and
 * `Authorization: JWT …` or a cookie.
 *
 * @throws {TypeError} at start-up that names the option that is wrong.
 */
export function jwtApi<U extends User>(options: JwtApiOptions<U>): JwtApi<U> {
  checkOptions('jwtApi', options, OPTIONS)
  const prefix = pathPrefix(options.prefix)
  const { scheme = 'JWT', cookie, usernameField = 'username', realm = 'api' } = options
  const { respond = (_user: U, { token }: Issued<JwtFacts>) => ({ token }) } = options
  functionOption('respond', respond)
  const clock = wholeClock(options.clock)
  const { payload = (user: U) => ({ ...defaultPayload(user), [usernameField]: user.username }) } = options
  const tokens = jwtKind<U>({ ...pickOptions(options, JWT_OPTIONS), payload }, lookUpUserOf(options))
  const header = keyword(scheme)
  if (typeof usernameField !== 'string' || usernameField === '' || usernameField === 'password')
    throw new TypeError("usernameField must be a non-empty string, and not 'password'")
  if (cookie !== undefined) {
    checkOptions('cookie', cookie, COOKIE_OPTIONS)
    checkTokenCookie(cookie)
  }
  const credentials =
    cookie === undefined ? header : firstOf(header, sameOrigin(cookieReader(cookie.name), cookie), emptied(cookie.name))

  const plain = jwtResponses<U>({ scheme, realm, respond })
  const withCookie = async (user: U, issued: Issued<JwtFacts>, source: Source): Promise<HttpResponse> => {
    const made = await plain.issued(user, issued)
    // Another site's form must not log its visitors in as another user (RFC 6749 §10.12).
    if (cookie === undefined || isForeign(source, cookie)) return made
    const setCookie = tokenCookie(cookie, issued.token, issued.expiresAt - clock(), source)
    return { ...made, headers: { ...made.headers, 'Set-Cookie': setCookie } }
  }
  const responses = { ...plain, loggedIn: withCookie }
  const { shared, find, loginAndIssue, report } = loginApi(options, {
    tokens,
    credentials,
    responses,
    clock: options.clock,
  })
  const login = { logIn: loginAndIssue, addressOf: addressReader(options), responses }
  const refresh: JwtApi<U>['refresh'] = (token) =>
    report.tokenCheck(typeof token === 'string' ? tokens.refresh(token, find()) : Promise.resolve(refuse('malformed')))

  const tokenField = [{ name: 'token', trimmed: true }]
  const loginRoute: DrfRoute = {
    path: `${prefix}/api-token-auth`,
    view: {
      ...VIEW,
      name: 'Obtain Json Web Token',
      description:
        "API View that receives a POST with a user's username and password.\n\nReturns a JSON Web Token that can be used for authenticated requests.",
    },
    fields: [
      { name: usernameField, trimmed: true },
      { name: 'password', trimmed: true },
    ],
    responses,
    handle: (ctx, values) =>
      completeLogin(login, ctx, { username: values[usernameField], password: values['password'] }),
  }
  const refreshRoute: DrfRoute = {
    path: `${prefix}/api-token-refresh`,
    view: {
      ...VIEW,
      name: 'Refresh Json Web Token',
      description:
        "API View that returns a refreshed token (with new expiration) based on\nexisting token\n\nIf 'orig_iat' field (original issued-at-time) is found, will first check\nif it's within expiration window, then copy it to the new token",
    },
    fields: tokenField,
    responses,
    async handle(ctx, { token = '' }) {
      const verdict = await refresh(token)
      if (!verdict.ok) return responses.bodyTokenRefused(verdict)
      return withCookie(verdict.value.user, verdict.value.issued, sourceOf(ctx))
    },
  }
  const verifyRoute: DrfRoute = {
    path: `${prefix}/api-token-verify`,
    view: {
      ...VIEW,
      name: 'Verify Json Web Token',
      description: 'API View that checks the veracity of a token, returning the token if it\nis valid.',
    },
    fields: tokenField,
    responses,
    async handle(ctx, { token = '' }) {
      const verdict = await shared.verify({ token })
      if (!verdict.ok) return responses.bodyTokenRefused(verdict)
      return withCookie(verdict.value.user, { token, ...verdict.value.token }, sourceOf(ctx))
    },
  }

  const clearCookie = (ctx: Context): void => {
    if (cookie === undefined) throw new ContractViolation('clearCookie needs the option cookie')
    ctx.append('Set-Cookie', tokenCookie(cookie, '', 0, sourceOf(ctx)))
  }

  return {
    ...shared,
    refresh,
    clearCookie,
    routes(given) {
      routesOptions(given)
      return drfRoutes([loginRoute, refreshRoute, verifyRoute])
    },
  }
}

/** Disabled users have a secret too, so that their tokens differ from forged ones. */
function lookUpUserOf<U extends User>(options: ApiOptions<U>): LookUpUser<U> {
  const store = lookup(options.users, { timeout: timeoutOption(options) })
  return (by) => ('id' in by ? store.byId(by.id) : store.byUsername(by.username))
}

/** A cookie without a value is, as in the ancestor, a token that cannot be read, and not a missing one. */
function emptied(name: string): Credentials {
  return {
    read: (source) => (cookieValues(source, name).includes('') ? accept({ token: '' }) : refuse('missing')),
  }
}

const VIEW = { renders: ['application/json', 'text/html'], parses: JSON_FIRST }
