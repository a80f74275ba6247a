import type { Context, DefaultContext, Middleware, Next } from 'koa'
import type { TokenFacts } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import {
  admit,
  decide,
  type Guard,
  type Guarded,
  type GuardMiddleware,
  type TokenState,
  wrapper,
} from './require-token.js'

/** Both forms of `tokenOptional`: the user and the facts may be absent. */
export interface OptionalToken<U extends User, T extends TokenFacts> {
  (): GuardMiddleware<Partial<TokenState<U, T>>>
  <S = {}, C = DefaultContext>(handler: Guarded<Partial<TokenState<U, T>>, S, C>): Middleware<S, C>
}

/**
 * Lets a request without credentials through as it is, with whatever user an earlier middleware put into `ctx.state`. A
 * request that offers a token is judged like any other: a bad one is refused, never taken for nobody.
 */
export function optionalToken<U extends User, T extends TokenFacts>(guard: Guard<U, T>): OptionalToken<U, T> {
  async function tokenOptional(ctx: Context, next: Next): Promise<void> {
    const verdict = await decide(guard, ctx)
    if (verdict === null) return
    const isBare = !verdict.ok && verdict.reason === 'missing' && verdict.partial === undefined
    if (!verdict.ok && !isBare) return guard.answers.tokenRefused(ctx, verdict)
    if (verdict.ok) admit(ctx, verdict.value)
    await next()
  }
  return wrapper('tokenOptional', tokenOptional) as OptionalToken<U, T> // as in require-token
}
