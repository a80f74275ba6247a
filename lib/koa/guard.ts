import type { Context, DefaultContext, Middleware, Next, ParameterizedContext } from 'koa'
import type { Source } from '../credentials/credentials.js'
import { type CheckedNeeds, checkedNeeds, type Needs } from '../limits.js'
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

/** A handler behind a guard. `params` are those that a router sets; without one there are none. */
export type Guarded<State, S, C> = (
  ctx: ParameterizedContext<S & State, C & { params: Record<string, string> }>,
  next: Next,
) => unknown

/** What a guard is made of: how a request is authenticated, and the responses of one HTTP API. */
export interface Guard<U extends User, T extends TokenFacts> {
  readonly authenticate: (source: Source, needs?: CheckedNeeds) => Promise<Verdict<Verified<U, T>, TokenReason>>
  readonly responses: GuardResponses
}

/** The responses of a guard. */
export interface GuardResponses {
  /** `needs`: what the route asks for, for the challenge. */
  tokenRefused(refusal: TokenRefusal, needs?: CheckedNeeds): HttpResponse
  /** The response to an internal error: 503, nothing of the cause. */
  unavailable(): HttpResponse
}

/**
 * The forms of `tokenRequired`: a middleware, or a handler wrapped in one, each with or without `needs` (`scope`, `maxAge`).
 *
 * @throws {TypeError} at once for anything else, above all for `needs` with a name that does not exist.
 */
export interface RequireToken<U extends User, T extends TokenFacts> {
  (): GuardMiddleware<TokenState<U, T>>
  (needs: Needs): GuardMiddleware<TokenState<U, T>>
  <S = {}, C = DefaultContext>(handler: Guarded<TokenState<U, T>, S, C>): Middleware<S, C>
  <S = {}, C = DefaultContext>(needs: Needs, handler: Guarded<TokenState<U, T>, S, C>): Middleware<S, C>
}

/** The forms of `tokenOptional`, as those of `tokenRequired`: the user and the facts may be absent. */
export interface OptionalToken<U extends User, T extends TokenFacts> {
  (): GuardMiddleware<Partial<TokenState<U, T>>>
  (needs: Needs): GuardMiddleware<Partial<TokenState<U, T>>>
  <S = {}, C = DefaultContext>(handler: Guarded<Partial<TokenState<U, T>>, S, C>): Middleware<S, C>
  <S = {}, C = DefaultContext>(needs: Needs, handler: Guarded<Partial<TokenState<U, T>>, S, C>): Middleware<S, C>
}

/**
 * Lets a request through only with a valid token, and sets `ctx.state.user` and `ctx.state.token`. It responds to refusals and
 * internal errors itself, since Koa drops the headers of a response when middleware throws.
 */
export function requireToken<U extends User, T extends TokenFacts>(guard: Guard<U, T>): RequireToken<U, T> {
  return forms('tokenRequired', (needs) => async (ctx, next) => {
    const verdict = await checkRequest(guard, ctx, needs)
    if (verdict === null) return
    if (!verdict.ok) return writeResponse(ctx, guard.responses.tokenRefused(verdict, needs))
    setState(ctx, verdict.value)
    await next()
  }) as RequireToken<U, T> // the state is set before any handler runs
}

/**
 * Lets a request without credentials through as it is, with whatever user an earlier middleware put into `ctx.state`. A request
 * that offers a token is checked like any other: an invalid one is refused, never treated as no token.
 */
export function optionalToken<U extends User, T extends TokenFacts>(guard: Guard<U, T>): OptionalToken<U, T> {
  return forms('tokenOptional', (needs) => async (ctx, next) => {
    const verdict = await checkRequest(guard, ctx, needs)
    if (verdict === null) return
    const isWithoutCredentials = !verdict.ok && verdict.reason === 'missing' && verdict.partial === undefined
    if (!verdict.ok && !isWithoutCredentials) return writeResponse(ctx, guard.responses.tokenRefused(verdict, needs))
    if (verdict.ok) setState(ctx, verdict.value)
    await next()
  }) as OptionalToken<U, T> // as in requireToken
}

/** The verdict on a request; null if there was an internal error, which has its response then. */
async function checkRequest<U extends User, T extends TokenFacts>(
  guard: Guard<U, T>,
  ctx: Context,
  needs: CheckedNeeds | undefined,
): Promise<Verdict<Verified<U, T>, TokenReason> | null> {
  await endOfTick()
  noStore(ctx)
  try {
    const verdict = await guard.authenticate(sourceOf(ctx), needs)
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
 * The forms of a guard: `()`, `(handler)`, `(needs)`, `(needs, handler)`. Anything else throws, so that
 * `router.get(path, guard, handler)`, with the call forgotten, fails at the first request instead of running unguarded: a Koa
 * context is no `needs`.
 */
function forms(
  name: string,
  guardFor: (needs: CheckedNeeds | undefined) => Middleware,
): (...args: readonly unknown[]) => Middleware {
  return (...args) => {
    const [first, second] = args
    if (args.length === 0) return named(name, guardFor(undefined))
    if (args.length === 1 && isHandler(first)) return wrapped(guardFor(undefined), first)
    if (args.length > 2 || (args.length === 2 && !isHandler(second)) || typeof first !== 'object' || first === null) {
      throw new TypeError(`${name} takes a handler, needs such as { scope: 'read' }, both, or nothing: write ${name}()`)
    }
    const guard = named(name, guardFor(needsFor(name, first)))
    return isHandler(second) ? wrapped(guard, second) : guard
  }
}

type Handler = (ctx: Context, next: Next) => unknown

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function'
}

function wrapped(guard: Middleware, handler: Handler): Middleware {
  return (ctx, next) => guard(ctx, async () => handler(ctx, next))
}

function named(name: string, guard: Middleware): Middleware {
  return Object.defineProperty(guard, 'name', { value: name })
}

function needsFor(name: string, needs: object): CheckedNeeds {
  try {
    return checkedNeeds(needs)
  } catch (error) {
    throw new TypeError(`${name}: ${(error as Error).message}; write ${name}() for a guard without needs`, {
      cause: error,
    })
  }
}
