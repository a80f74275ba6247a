import type { Context, DefaultContext, Middleware, Next, ParameterizedContext } from 'koa'
import type { Source } from '../credentials/credentials.js'
import type { HttpResponse } from '../response.js'
import type { TokenFacts, Verified } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import type { TokenReason, TokenRefusal, Verdict } from '../verdict.js'
import { writeInternalError } from './errors.js'
import { noStore, writeResponse } from './responses.js'
import { sourceOf, warnOfMissingParser } from './source.js'
import { endOfTick } from './tick.js'

/** What guarded handlers find in `ctx.state`. */
export interface TokenState<U extends User, T extends TokenFacts> {
  user: U
  token: T
}

/**
 * The middleware form of a guard. Declared as a method so that its parameters are bivariant: a `TokenApi` with more specific
 * facts stays assignable.
 */
export type GuardMiddleware<State> = {
  guard(ctx: ParameterizedContext<State>, next: Next): Promise<void>
}['guard']

/** A handler behind a guard. */
export type Guarded<State, S, C> = (ctx: ParameterizedContext<S & State, C>, next: Next) => unknown

/** What a guard is made of: how a request is authenticated, and the responses of one HTTP API. */
export interface Guard<U extends User, T extends TokenFacts> {
  readonly authenticate: (source: Source) => Promise<Verdict<Verified<U, T>, TokenReason>>
  readonly responses: GuardResponses
}

/** The responses of a guard. */
export interface GuardResponses {
  tokenRefused(refusal: TokenRefusal): HttpResponse
  /** The response to an internal error: 503, nothing of the cause. */
  unavailable(): HttpResponse
}

/** Both forms of `tokenRequired`: a middleware, or a handler wrapped in one. */
export interface RequireToken<U extends User, T extends TokenFacts> {
  (): GuardMiddleware<TokenState<U, T>>
  <S = {}, C = DefaultContext>(handler: Guarded<TokenState<U, T>, S, C>): Middleware<S, C>
}

/** Both forms of `tokenOptional`: the user and the facts may be absent. */
export interface OptionalToken<U extends User, T extends TokenFacts> {
  (): GuardMiddleware<Partial<TokenState<U, T>>>
  <S = {}, C = DefaultContext>(handler: Guarded<Partial<TokenState<U, T>>, S, C>): Middleware<S, C>
}

/**
 * Lets a request through only with a valid token, and sets `ctx.state.user` and `ctx.state.token`. It responds to refusals and
 * internal errors itself, since Koa drops the headers of a response when middleware throws.
 */
export function requireToken<U extends User, T extends TokenFacts>(guard: Guard<U, T>): RequireToken<U, T> {
  return twoForms('tokenRequired', async (ctx, next) => {
    const verdict = await checkRequest(guard, ctx)
    if (verdict === null) return
    if (!verdict.ok) return writeResponse(ctx, guard.responses.tokenRefused(verdict))
    setState(ctx, verdict.value)
    await next()
  }) as RequireToken<U, T> // the state is set before any handler runs
}

/**
 * Lets a request without credentials through as it is, with whatever user an earlier middleware put into `ctx.state`. A request
 * that offers a token is checked like any other: an invalid one is refused, never treated as no token.
 */
export function optionalToken<U extends User, T extends TokenFacts>(guard: Guard<U, T>): OptionalToken<U, T> {
  return twoForms('tokenOptional', async (ctx, next) => {
    const verdict = await checkRequest(guard, ctx)
    if (verdict === null) return
    const isWithoutCredentials = !verdict.ok && verdict.reason === 'missing' && verdict.partial === undefined
    if (!verdict.ok && !isWithoutCredentials) return writeResponse(ctx, guard.responses.tokenRefused(verdict))
    if (verdict.ok) setState(ctx, verdict.value)
    await next()
  }) as OptionalToken<U, T> // as in requireToken
}

/** The verdict on a request; null if there was an internal error, which has its response then. */
async function checkRequest<U extends User, T extends TokenFacts>(
  guard: Guard<U, T>,
  ctx: Context,
): Promise<Verdict<Verified<U, T>, TokenReason> | null> {
  await endOfTick()
  noStore(ctx)
  try {
    const verdict = await guard.authenticate(sourceOf(ctx))
    if (!verdict.ok && verdict.reason === 'missing') warnOfMissingParser(ctx)
    return verdict
  } catch (error) {
    writeInternalError(ctx, error, guard.responses.unavailable())
    return null
  }
}

function setState(ctx: Context, verified: Verified<User>): void {
  ctx.state.user = verified.user
  ctx.state.token = verified.token
}

/**
 * The two forms of a guard. Anything other than a function or nothing throws, so that `router.get(path, guard, handler)`, with
 * the call forgotten, fails at the first request instead of running unguarded.
 */
function twoForms(name: string, guard: Middleware): (...args: readonly unknown[]) => Middleware {
  Object.defineProperty(guard, 'name', { value: name })
  return (...args) => {
    if (args.length === 0) return guard
    const [handler] = args
    if (args.length > 1 || typeof handler !== 'function') {
      throw new TypeError(`${name} takes a handler or nothing: write ${name}() for a middleware`)
    }
    return (ctx, next) => guard(ctx, async () => handler(ctx, next) as unknown)
  }
}
