import type { Context } from 'koa'
import { ContractViolation } from '../errors.js'
import type { Answers } from '../koa/responses.js'
import { challenger } from '../koa/responses.js'
import { askToRetry } from '../koa/errors.js'
import { jsonError, jsonForbidden, jsonNotAllowed, jsonResponse, jsonUnauthorized } from '../koa/json.js'
import type { LoginAnswers, MethodAnswers } from '../koa/routes.js'
import type { Issued, TokenFacts } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import type { TokenRefusal } from '../verdict.js'

/** django-tokenapi's answers: its texts and statuses (tokenapi/views.py, tokenapi/decorators.py), and challenges, which it left out. */
export interface PairAnswers<U extends User, T extends TokenFacts> extends Answers, LoginAnswers<U, T>, MethodAnswers {
  checked(ctx: Context): void
  checkRefused(ctx: Context, refusal: TokenRefusal): void
}

/** @param options `scheme` and `realm` of the challenge; `respond`: extra fields of the login's answer. */
export function pairAnswers<U extends User, T extends TokenFacts>(options: {
  readonly scheme: string
  readonly realm: string
  readonly respond: (user: U, issued: Issued<T>) => object | Promise<object>
}): PairAnswers<U, T> {
  const { scheme, realm, respond } = options
  const challenge = challenger(scheme, realm)
  const unauthorized = (ctx: Context, errors: string, refusal?: TokenRefusal): void => {
    ctx.set('WWW-Authenticate', challenge(refusal))
    jsonUnauthorized(ctx, errors)
  }

  return {
    tokenRefused(ctx, refusal) {
      if (refusal.reason === 'missing' || refusal.reason === 'malformed') {
        return unauthorized(ctx, "Must include 'user' and 'token' parameters with request.", refusal)
      }
      ctx.set('WWW-Authenticate', challenge(refusal))
      jsonForbidden(ctx, 'Incorrect user and token pair.')
    },

    checked: (ctx) => jsonResponse(ctx),
    checkRefused: (ctx, refusal) => unauthorized(ctx, 'Token did not match user.', refusal),

    notAllowed: (ctx, allow) => jsonNotAllowed(ctx, 'Must access via a POST request.', allow),

    async loggedIn(ctx, user, issued) {
      const extra: unknown = await respond(user, issued)
      if (typeof extra !== 'object' || extra === null) throw new ContractViolation('respond must give an object')
      jsonResponse(ctx, { ...extra, success: true, token: issued.token, user: user.id })
    },

    loginRefused(ctx, refusal) {
      const { reason } = refusal
      if (reason === 'throttled') {
        ctx.set('Retry-After', String(refusal.retryAfter))
        return jsonError(ctx, 'Too many attempts, please try again later.', 429)
      }
      if (reason === 'missing' || reason === 'malformed') {
        return unauthorized(ctx, "Must include 'username' and 'password' as POST parameters.")
      }
      // One answer for nobody, a wrong password and a disabled account: it must not tell who exists.
      unauthorized(ctx, 'Unable to log you in, please try again.')
    },

    unavailable(ctx) {
      askToRetry(ctx)
      jsonError(ctx, 'The service is not available, please try again later.', 503)
    },
  }
}
