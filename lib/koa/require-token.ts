import type { Context, DefaultContext, Middleware, Next, ParameterizedContext } from 'koa'
import type { Source } from '../credentials/credentials.js'
import type { TokenFacts, Verified } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import type { TokenReason, Verdict } from '../verdict.js'
import { type Answers, keepPrivate } from './responses.js'
import { loggable } from './errors.js'
import { sourceOf, warnOfMissingParser } from './source.js'
import { endOfTurn } from './turn.js'

/** What guarded handlers find in `ctx.state`. */
export interface TokenState<U extends User, T extends TokenFacts> {
  user: U
  token: T
}

/**
 * The middleware form of a guard. It is written as a method, which the compiler compares by what it gives and not by what it
 * takes: an API that knows more of its tokens is still a `TokenApi`.
 */
export type GuardMiddleware<State> = {
  guard(ctx: ParameterizedContext<State>, next: Next): Promise<void>
}['guard']

/** A handler behind a guard. */
export type Guarded<State, S, C> = (ctx: ParameterizedContext<S & State, C>, next: Next) => unknown

/** What a guard needs to know: who decides, and how a refusal is said. */
export interface Guard<U extends User, T extends TokenFacts> {
  readonly authenticate: (source: Source) => Promise<Verdict<Verified<U, T>, TokenReason>>
  readonly answers: Answers
}

/** Both forms of `tokenRequired`: a middleware, or a handler wrapped in one. */
export interface RequireToken<U extends User, T extends TokenFacts> {
  (): GuardMiddleware<TokenState<U, T>>
  <S = {}, C = DefaultContext>(handler: Guarded<TokenState<U, T>, S, C>): Middleware<S, C>
}

/**
 * Lets a request through only with a good token, and puts its user and facts into `ctx.state.user` and `ctx.state.token`. It
 * answers refusals and faults itself: what is thrown loses its headers in Koa.
 */
export function requireToken<U extends User, T extends TokenFacts>(guard: Guard<U, T>): RequireToken<U, T> {
  async function tokenRequired(ctx: Context, next: Next): Promise<void> {
    const verdict = await decide(guard, ctx)
    if (verdict === null) return
    if (!verdict.ok) return guard.answers.tokenRefused(ctx, verdict)
    admit(ctx, verdict.value)
    await next()
  }
  return wrapper('tokenRequired', tokenRequired) as RequireToken<U, T> // the state is set before any handler runs
}

/** The verdict on a request; null where a fault has been answered. */
export async function decide<U extends User, T extends TokenFacts>(
  guard: Guard<U, T>,
  ctx: Context,
): Promise<Verdict<Verified<U, T>, TokenReason> | null> {
  await endOfTurn()
  keepPrivate(ctx)
  try {
    const verdict = await guard.authenticate(sourceOf(ctx))
    if (!verdict.ok && verdict.reason === 'missing') warnOfMissingParser(ctx)
    return verdict
  } catch (fault) {
    guard.answers.unavailable(ctx)
    ctx.app.emit('error', loggable(fault), ctx)
    return null
  }
}

export function admit(ctx: Context, verified: Verified<User>): void {
  ctx.state['user'] = verified.user
  ctx.state['token'] = verified.token
}

/**
 * Makes the two forms of a guard. Anything else than a function or nothing is refused, so that `router.get(path, guard,
 * handler)`, with the call forgotten, fails at the first request instead of running unguarded.
 */
export function wrapper(name: string, guard: Middleware): (...args: readonly unknown[]) => Middleware {
  return (...args) => {
    if (args.length === 0) return guard
    const [handler] = args
    if (args.length > 1 || typeof handler !== 'function') {
      throw new TypeError(`${name} takes a handler or nothing: write ${name}() where a middleware is wanted`)
    }
    return (ctx, next) => guard(ctx, async () => handler(ctx, next) as unknown)
  }
}
