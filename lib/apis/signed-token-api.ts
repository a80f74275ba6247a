import { Router } from '@koa/router'
import type { Context, Middleware } from 'koa'
import { authorization } from '../credentials/authorization.js'
import { loginRoute, type Typed } from '../koa/routes.js'
import { bodyField } from '../koa/source.js'
import { SIGNED_TOKEN_OPTIONS, type SignedFacts, type SignedTokenOptions, signedTokens } from '../tokens/signed.js'
import type { User } from '../user.js'
import { loginApi } from './login-api.js'
import { strip } from './drf/fields.js'
import { addressReader, API_OPTIONS, pathPrefix, routesOptions } from './options.js'
import { signedResponses } from './signed-responses.js'
import type { ApiOptions, TokenApi } from './token-api-contract.js'
import { checkOptions, type OptionNames, pickOptions } from '../option-names.js'

export interface SignedTokenApiOptions<U extends User> extends ApiOptions<U>, SignedTokenOptions<U> {
  /** What comes before the API's own address; ''. */
  readonly prefix?: string
  /** The challenge's realm, only text; 'api'. */
  readonly realm?: string
}

const OPTIONS = { ...API_OPTIONS, ...SIGNED_TOKEN_OPTIONS, prefix: true, realm: true } as const satisfies OptionNames<
  SignedTokenApiOptions<User>
>

/**
 * nap-token-auth for Koa: `Authorization: Bearer …` with a token of `django.core.signing`, nothing stored, and `POST /token`
 * to get one, for which the ancestor has no route.
 *
 * `tokenOptional` leaves a user that session middleware put into `ctx.state` only if the request has no token: the ancestor
 * falls back to the session for a forged one too.
 *
 * @throws {TypeError} at start-up that names the option that is wrong.
 */
export function signedTokenApi<U extends User>(options: SignedTokenApiOptions<U>): TokenApi<U, SignedFacts> {
  checkOptions('signedTokenApi', options, OPTIONS)
  const { realm = 'api' } = options
  const prefix = pathPrefix(options.prefix)
  const responses = signedResponses<U>(realm)
  const { shared, loginAndIssue } = loginApi(options, {
    tokens: signedTokens<U>({ ...pickOptions(options, SIGNED_TOKEN_OPTIONS), secret: options.secret }),
    credentials: authorization('Bearer'),
    responses,
    clock: options.clock,
  })
  const login = { logIn: loginAndIssue, addressOf: addressReader(options), responses }

  return {
    ...shared,
    routes(given) {
      routesOptions(given)
      const router = new Router({ sensitive: true, strict: true })
      router.all([`${prefix}/token`, `${prefix}/token/`], loginRoute(login, typedForm))
      return router.routes() as Middleware // it sets the params and the router that its type asks for
    },
  }
}

/** Django's login form trims the user name, and not the password. */
function typedForm(ctx: Context): Typed {
  const username = bodyField(ctx, 'username')
  return { username: typeof username === 'string' ? strip(username) : username, password: bodyField(ctx, 'password') }
}
