import type { Context, Middleware } from 'koa'
import type { Source } from '../credentials/credentials.js'
import type { LoginAttempt } from '../login.js'
import type { HttpResponse } from '../response.js'
import type { Issued, TokenFacts } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import type { LoginReason, LoginRefusal, Verdict } from '../verdict.js'
import { ClientGone, writeInternalError } from './errors.js'
import type { GuardResponses } from './guard.js'
import { noStore, writeResponse } from './responses.js'
import { bodyField, sourceOf, warnOfMissingParser } from './source.js'

/** The responses of a login. */
export interface LoginResponses<U extends User, T extends TokenFacts> extends Pick<GuardResponses, 'unavailable'> {
  loginRefused(refusal: LoginRefusal): HttpResponse
  /** `source` is the request, for what depends on where it came from (a cookie). */
  loggedIn(user: U, issued: Issued<T>, source: Source): HttpResponse | Promise<HttpResponse>
}

/** A login over HTTP: what checks the password and issues, and whose address counts. */
export interface LoginRoute<U extends User, T extends TokenFacts> {
  readonly logIn: (attempt: LoginAttempt) => Promise<Verdict<{ user: U; issued: Issued<T> }, LoginReason>>
  readonly addressOf: (ctx: Context) => string
  readonly responses: LoginResponses<U, T>
}

/** What was typed: untrusted. */
export type Typed = Pick<LoginAttempt, 'username' | 'password'>

/** The response to a login by another method than POST. */
export interface MethodResponses {
  notAllowed(method: string, allow: string): HttpResponse
}

/** A route whose response is chosen as data. Nothing of it is cached, and an internal error becomes the API's 503. */
export function route(
  responses: Pick<GuardResponses, 'unavailable'>,
  choose: (ctx: Context) => HttpResponse | Promise<HttpResponse>,
): Middleware {
  return async (ctx) => {
    noStore(ctx)
    try {
      writeResponse(ctx, await choose(ctx))
    } catch (error) {
      if (!(error instanceof ClientGone)) writeInternalError(ctx, error, responses.unavailable())
    }
  }
}

/** The handler of a login: what `read` finds in the body of a POST, and nothing from anywhere else. */
export function loginRoute<U extends User, T extends TokenFacts>(
  login: LoginRoute<U, T> & { readonly responses: MethodResponses },
  read: (ctx: Context) => Typed = typedFields,
): Middleware {
  return route(login.responses, (ctx) => {
    if (ctx.method !== 'POST') return login.responses.notAllowed(ctx.method, 'POST')
    warnOfMissingParser(ctx)
    return completeLogin(login, ctx, read(ctx))
  })
}

/** Checks what was typed and chooses the response. */
export async function completeLogin<U extends User, T extends TokenFacts>(
  { logIn, addressOf, responses }: LoginRoute<U, T>,
  ctx: Context,
  typed: Typed,
): Promise<HttpResponse> {
  const verdict = await logIn({ ...typed, address: addressOf(ctx), signal: goneSignal(ctx) })
  if (!verdict.ok) return responses.loginRefused(verdict)
  const { user, issued } = verdict.value
  return responses.loggedIn(user, issued, sourceOf(ctx))
}

/** `username` and `password` of the body. */
export function typedFields(ctx: Context): Typed {
  return { username: bodyField(ctx, 'username'), password: bodyField(ctx, 'password') }
}

function goneSignal(ctx: Context): AbortSignal {
  const controller = new AbortController()
  ctx.res.once('close', () => controller.abort(new ClientGone()))
  return controller.signal
}
