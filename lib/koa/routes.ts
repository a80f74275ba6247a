import type { Context, Middleware } from 'koa'
import type { LoginAttempt } from '../login.js'
import type { Issued, TokenFacts } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import type { LoginReason, LoginRefusal, Verdict } from '../verdict.js'
import { type Answers, keepPrivate } from './responses.js'
import { loggable } from './errors.js'
import { bodyOf, warnOfMissingParser } from './source.js'

/** How one wire speaks at its login. */
export interface LoginAnswers<U extends User, T extends TokenFacts> extends Pick<Answers, 'unavailable'> {
  loginRefused(ctx: Context, refusal: LoginRefusal): void
  loggedIn(ctx: Context, user: U, issued: Issued<T>): void | Promise<void>
}

/** A login over HTTP: what verifies and issues, whose address counts, and how the outcome is said. */
export interface LoginRoute<U extends User, T extends TokenFacts> {
  readonly login: (attempt: LoginAttempt) => Promise<Verdict<{ user: U; issued: Issued<T> }, LoginReason>>
  readonly addressOf: (ctx: Context) => string
  readonly answers: LoginAnswers<U, T>
}

/** What was typed: as untrusted as it came. */
export type Typed = Pick<LoginAttempt, 'username' | 'password'>

/** How a wire says that a login takes only a POST. */
export interface MethodAnswers {
  notAllowed(ctx: Context, allow: string): void
}

/** The handler of a login: what `read` finds in the body of a POST; nothing from anywhere else. */
export function loginRoute<U extends User, T extends TokenFacts>(
  route: LoginRoute<U, T> & { readonly answers: MethodAnswers },
  read: (ctx: Context) => Typed = typedFields,
): Middleware {
  return answering(route.answers, async (ctx) => {
    if (ctx.method !== 'POST') return route.answers.notAllowed(ctx, 'POST')
    warnOfMissingParser(ctx)
    await enter(route, ctx, read(ctx))
  })
}

/** Judges what was typed, issues, and answers. */
export async function enter<U extends User, T extends TokenFacts>(
  route: LoginRoute<U, T>,
  ctx: Context,
  typed: Typed,
): Promise<void> {
  const { login, addressOf, answers } = route
  const verdict = await login({ ...typed, address: addressOf(ctx), signal: goneSignal(ctx) })
  if (!verdict.ok) return answers.loginRefused(ctx, verdict)
  await answers.loggedIn(ctx, verdict.value.user, verdict.value.issued)
}

function typedFields(ctx: Context): Typed {
  return { username: field(ctx, 'username'), password: field(ctx, 'password') }
}

/** A handler whose faults become the wire's 503, and whose answer nobody keeps. */
export function answering(answers: Pick<Answers, 'unavailable'>, handler: Middleware): Middleware {
  return async (ctx, next) => {
    keepPrivate(ctx)
    // A middleware that makes and compares entity tags must not turn a verdict into "304 Not Modified".
    delete ctx.req.headers['if-none-match']
    delete ctx.req.headers['if-modified-since']
    try {
      await handler(ctx, next)
    } catch (fault) {
      if (fault instanceof ClientGone) return
      answers.unavailable(ctx)
      ctx.app.emit('error', loggable(fault), ctx)
    }
  }
}

/** An own property of the body, or undefined. */
export function field(ctx: Context, name: string): unknown {
  const body = bodyOf(ctx)
  const isRecord = typeof body === 'object' && body !== null && !Array.isArray(body) && Object.hasOwn(body, name)
  return isRecord ? (body as Record<string, unknown>)[name] : undefined
}

/** The client closed its connection before it was answered: nobody is left to tell. */
class ClientGone extends Error {}

function goneSignal(ctx: Context): AbortSignal {
  const controller = new AbortController()
  ctx.res.once('close', () => controller.abort(new ClientGone()))
  return controller.signal
}
