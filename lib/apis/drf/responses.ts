import type { Context } from 'koa'
import { type Answers, challenger } from '../../koa/responses.js'
import { askToRetry } from '../../koa/errors.js'
import { write } from '../../koa/json.js'
import type { LoginAnswers } from '../../koa/routes.js'
import type { Issued, TokenFacts } from '../../tokens/token-kind.js'
import type { User } from '../../user.js'
import type { LoginReason, Refusal, TokenRefusal } from '../../verdict.js'

/** How the wires of Django REST framework speak at a guard and at a login. */
export type DrfAnswers<U extends User, T extends TokenFacts> = Answers & LoginAnswers<U, T>

export interface DrfWords<U extends User, T extends TokenFacts> {
  readonly scheme: string
  readonly realm: string
  /** What a guard says to a token that was refused. */
  readonly tokenRefused: (refusal: TokenRefusal) => string
  /** What a header is called where it cannot be read: "token" or "Authorization", and what it holds. */
  readonly header: readonly [name: string, content: string]
  /** The status and JSON of a login that was refused; not asked for throttled ones. */
  readonly loginRefused: (
    refusal: Refusal<Exclude<LoginReason, 'throttled'>>,
  ) => readonly [status: number, json: object]
  readonly loggedIn: (ctx: Context, user: U, issued: Issued<T>) => void | Promise<void>
}

/** DRF's answers (rest_framework/exceptions.py, authentication.py): `detail` in every refusal, 401 with a challenge at a guard. */
export function drfAnswers<U extends User, T extends TokenFacts>(words: DrfWords<U, T>): DrfAnswers<U, T> {
  const challenge = challenger(words.scheme, words.realm)
  const [name, content] = words.header
  const headerErrors: Readonly<Record<string, string>> = {
    no_credentials: `Invalid ${name} header. No credentials provided.`,
    spaces: `Invalid ${name} header. ${content} string should not contain spaces.`,
    repeated: `Invalid ${name} header. ${content} string should not contain spaces.`,
  }
  const textOf = (refusal: TokenRefusal): string => {
    if (refusal.reason === 'missing') return 'Authentication credentials were not provided.'
    const header = refusal.reason === 'malformed' ? headerErrors[refusal.detail ?? ''] : undefined
    return header ?? words.tokenRefused(refusal)
  }

  return {
    tokenRefused(ctx, refusal) {
      if (refusal.detail === 'cross_origin') {
        return write(ctx, { detail: 'CSRF Failed: the request must come from the same origin.' }, 403)
      }
      ctx.set('WWW-Authenticate', challenge(refusal))
      write(ctx, { detail: textOf(refusal) }, 401)
    },

    loginRefused(ctx, refusal) {
      if (refusal.reason === 'throttled') return throttled(ctx, refusal.retryAfter)
      const [status, json] = words.loginRefused(refusal)
      write(ctx, json, status)
    },

    loggedIn: words.loggedIn,

    unavailable,
  }
}

/** A fault of ours, as DRF's APIException would say it: 503 with Retry-After. */
export function unavailable(ctx: Context): void {
  askToRetry(ctx)
  write(ctx, { detail: 'Service temporarily unavailable, try again later.' }, 503)
}

/** DRF's Throttled: 429, and when to come back. */
export function throttled(ctx: Context, seconds: number): void {
  ctx.set('Retry-After', String(seconds))
  const wait = `${seconds} ${seconds === 1 ? 'second' : 'seconds'}`
  write(ctx, { detail: `Request was throttled. Expected available in ${wait}.` }, 429)
}
