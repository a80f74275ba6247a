import { Router } from '@koa/router'
import type { Context, Middleware } from 'koa'
import { authorization } from '../credentials/authorization.js'
import { type Answers, challenger } from '../koa/responses.js'
import { write } from '../koa/json.js'
import { field, type LoginAnswers, loginRoute, type MethodAnswers } from '../koa/routes.js'
import { type SignedFacts, type SignedTokenOptions, signedTokens } from '../tokens/signed.js'
import type { User } from '../user.js'
import { api } from './api.js'
import { addressReader, pathPrefix } from './options.js'
import type { ApiOptions, TokenApi } from './token-api-contract.js'
import { throttled, unavailable } from './drf/responses.js'
import { strip } from './drf/fields.js'

export interface SignedTokenApiOptions<U extends User> extends ApiOptions<U>, SignedTokenOptions<U> {
  /** What comes before the API's own address; ''. */
  readonly prefix?: string
  /** The challenge's realm, only text; 'api'. */
  readonly realm?: string
}

/**
 * nap-token-auth for Koa: `Authorization: Bearer …` with a token of `django.core.signing`, nothing stored, and `POST /token`
 * to get one, for which the ancestor has no route.
 *
 * `tokenOptional` leaves a user that session middleware put into `ctx.state` only where no token came: the ancestor falls
 * back to the session for a forged one too.
 *
 * @throws {TypeError} at start-up that names the option that is wrong.
 */
export function signedTokenApi<U extends User>(options: SignedTokenApiOptions<U>): TokenApi<U, SignedFacts> {
  const { realm = 'api' } = options
  const prefix = pathPrefix(options.prefix)
  const answers = signedAnswers<U>(realm)
  const { shared, loginAndIssue } = api(options, {
    tokens: signedTokens<U>(options),
    credentials: authorization('Bearer'),
    answers,
  })
  const route = { login: loginAndIssue, addressOf: addressReader(options), answers }

  return {
    ...shared,
    routes() {
      const router = new Router({ sensitive: true, strict: true })
      router.all([`${prefix}/token`, `${prefix}/token/`], loginRoute(route, typedForm))
      return router.routes() as Middleware // it sets the params and the router that its type asks for
    },
  }
}

/** Django's login form trims the user name, and the password not. */
function typedForm(ctx: Context): { username: unknown; password: unknown } {
  const username = field(ctx, 'username')
  return { username: typeof username === 'string' ? strip(username) : username, password: field(ctx, 'password') }
}

function signedAnswers<U extends User>(realm: string): Answers & LoginAnswers<U, SignedFacts> & MethodAnswers {
  const challenge = challenger('Bearer', realm)
  return {
    // Whoever is refused is nobody, for every reason: the reason is in the challenge.
    tokenRefused(ctx, refusal) {
      ctx.set('WWW-Authenticate', challenge(refusal))
      write(ctx, { detail: 'anonymous' }, 401)
    },
    notAllowed(ctx, allow) {
      ctx.set('Allow', allow)
      write(ctx, { detail: `Method "${ctx.method}" not allowed.` }, 405)
    },
    loginRefused(ctx, refusal) {
      const { reason } = refusal
      if (reason === 'throttled') return throttled(ctx, refusal.retryAfter)
      ctx.set('WWW-Authenticate', challenge())
      const isIncomplete = reason === 'missing' || reason === 'malformed'
      const detail = isIncomplete
        ? "Must include 'username' and 'password'."
        : 'Please enter a correct username and password. Note that both fields may be case-sensitive.'
      write(ctx, { detail }, 401)
    },
    loggedIn: (ctx, _user, { token }) => write(ctx, { token }, 200),
    unavailable,
  }
}
