import { Router } from '@koa/router'
import type { Context, Middleware } from 'koa'
import type { Clock } from '../clock.js'
import type { Credentials } from '../credentials/credentials.js'
import { completeLogin, route, typedFields } from '../koa/routes.js'
import { bodyField, sourceOf, warnOfMissingParser } from '../koa/source.js'
import { checkedNeeds, scopeList } from '../limits.js'
import type { LoginAttempt } from '../login.js'
import type { HttpResponse } from '../response.js'
import type { Offered, TokenFacts } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import { accept, refuse, type TokenReason, type Verdict } from '../verdict.js'
import type { LoginAndIssue } from './login-and-issue.js'
import { type IssuingKind, readLoginLimits } from './login-limits.js'
import type { PairResponses } from './pair-responses.js'
import type { TokenApi } from './token-api-contract.js'

/** What the routes of the main API need to know. */
export interface PairRoutes<U extends User, T extends TokenFacts> {
  readonly prefix: string
  readonly api: Pick<TokenApi<U, T>, 'verify' | 'renew' | 'endLogin'>
  readonly loginAndIssue: LoginAndIssue<U, T>
  readonly addressOf: (ctx: Context) => string
  readonly credentials: Credentials
  readonly kind: IssuingKind
  readonly now: Clock
  readonly responses: PairResponses<U, T>
  readonly canRenew: boolean
  readonly canEndLogins: boolean
}

/** `POST /token/new`, `/token/renew` and `/token/logout`, and `GET /token/:token/:user` if `hasCheck`. */
export function pairRoutes<U extends User, T extends TokenFacts>(
  routes: PairRoutes<U, T>,
  hasCheck: boolean,
): Middleware {
  const { prefix, canRenew, canEndLogins } = routes
  const router = new Router({ sensitive: true, strict: true })
  router.all([`${prefix}/new`, `${prefix}/new/`, `${prefix}/new.json`, `${prefix}/new.json/`], newRoute(routes))
  if (canRenew) router.all([`${prefix}/renew`, `${prefix}/renew/`], renewRoute(routes))
  if (canEndLogins) router.all([`${prefix}/logout`, `${prefix}/logout/`], logoutRoute(routes))
  if (hasCheck) {
    if (prefix === '') throw new TypeError("prefix must not be '' with the check route: it would take every path")
    const check = checkRoute(routes)
    // One wildcard instead of two parameters: a path that is no pair is refused like a wrong one. A path of one segment belongs to
    // the application, with all that it throws.
    router.all(`${prefix}/*pair`, (ctx, next) => (isPair(ctx.params.pair) ? check(ctx, next) : next()))
  }
  return router.routes() as Middleware // it sets the params and the router that its type asks for
}

function newRoute<U extends User, T extends TokenFacts>(routes: PairRoutes<U, T>): Middleware {
  const { loginAndIssue, addressOf, kind, now, responses } = routes
  return route(responses, (ctx) => {
    if (ctx.method !== 'POST') return responses.notAllowed(ctx.method, 'POST')
    warnOfMissingParser(ctx)
    const wanted = readLoginLimits(bodyField(ctx, 'scope'), bodyField(ctx, 'expires_in'), kind, now())
    if (!wanted.ok) return responses.badRequest(wanted.errors)
    const { limits } = wanted
    const logIn = (attempt: LoginAttempt): ReturnType<typeof loginAndIssue> =>
      loginAndIssue(attempt, limits.length === 0 ? {} : { limits })
    return completeLogin({ logIn, addressOf, responses }, ctx, typedFields(ctx))
  })
}

function renewRoute<U extends User, T extends TokenFacts>(routes: PairRoutes<U, T>): Middleware {
  const { api, responses } = routes
  return holderRoute(routes, async (offered, ctx) => {
    const verdict = await api.renew(offered)
    if (!verdict.ok) return verdict
    return accept(await responses.loggedIn(verdict.value.user, verdict.value.issued, sourceOf(ctx)))
  })
}

function logoutRoute<U extends User, T extends TokenFacts>(routes: PairRoutes<U, T>): Middleware {
  const { api, responses } = routes
  return holderRoute(routes, async (offered) => {
    const verdict = await api.endLogin(offered)
    return verdict.ok ? accept(responses.checked()) : verdict
  })
}

/** A route for the holder of a token, which it takes from a header or the body: a query ends up in logs. */
function holderRoute<U extends User, T extends TokenFacts>(
  { credentials, responses }: PairRoutes<U, T>,
  act: (offered: Offered, ctx: Context) => Promise<Verdict<HttpResponse, TokenReason>>,
): Middleware {
  return route(responses, async (ctx) => {
    if (ctx.method !== 'POST') return responses.notAllowed(ctx.method, 'POST')
    const { url = '', ...source } = sourceOf(ctx)
    const offered = credentials.read({ ...source, url: url.replace(/\?.*$/s, '') })
    if (!offered.ok) {
      warnOfMissingParser(ctx)
      return responses.tokenRefused(offered)
    }
    const { scheme, linksOnly: _, ...pair } = offered.value
    const done = await act(pair, ctx)
    if (done.ok) return done.value
    return responses.tokenRefused(scheme === undefined ? done : { ...done, scheme })
  })
}

function checkRoute<U extends User, T extends TokenFacts>({ api, responses }: PairRoutes<U, T>): Middleware {
  return route(responses, async (ctx) => {
    // Middleware that makes and compares entity tags must not turn a verdict into "304 Not Modified".
    delete ctx.req.headers['if-none-match']
    delete ctx.req.headers['if-modified-since']
    const use = readCheckedUse(ctx.query)
    if (use === null) return responses.checkRefused(refuse('malformed'))
    const verdict = await api.verify({ ...readPair(ctx.params.pair), ...use })
    if (verdict.ok) return responses.checked()
    return responses.checkRefused(verdict, use.needs === undefined ? undefined : checkedNeeds(use.needs))
  })
}

/** Whether a path has two segments. Another spelling of a route (`new//`) is not a token: it is not found. */
function isPair(path = ''): boolean {
  return path.includes('/') && !/^(?:new|new\.json|renew|logout)\/*$/.test(path)
}

/** `token/user`, where the user may end with `.json`, as in django-tokenapi's addresses. */
function readPair(path: string): { token: string; user: string } {
  const slash = path.indexOf('/')
  return { token: path.slice(0, slash), user: path.slice(slash + 1).replace(/\.json$/, '') }
}

/** What the check route is asked about: `method` and `path` of a request, and the `scope` that it needs. Null if one cannot be read. */
function readCheckedUse(
  query: Context['query'],
): { readonly request?: { method: string; path: string }; readonly needs?: { scope: string } } | null {
  const { method, path, scope } = query
  if ([method, path, scope].some((one) => Array.isArray(one))) return null
  if (scope !== undefined && scopeList(scope) === null) return null
  return {
    ...(typeof method === 'string' && typeof path === 'string' ? { request: { method, path } } : {}),
    ...(typeof scope === 'string' ? { needs: { scope } } : {}),
  }
}
