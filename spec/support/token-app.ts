import { Router } from '@koa/router'
import { bodyParser as scopedBodyParser } from '@koa/bodyparser'
import Koa, { type Middleware } from 'koa'
import bodyParser from 'koa-bodyparser'
import { jsonResponse, passwords, scrypt, type TokenApi, type TokenFacts, type User } from 'koa-tokenapi'

export const SECRET = 'a secret of the specs, long enough to be one'
export const NOON = 1_800_000_000

/** Cheap, since the specs check what is hashed and how often, not how well. */
export const quickPasswords = passwords({ hashers: [scrypt({ cost: 16, blockSize: 1, parallelization: 1 })] })

/** Both body parsers of Koa. */
export const PARSERS: Readonly<Record<string, () => Middleware>> = {
  'koa-bodyparser': () => bodyParser(),
  '@koa/bodyparser': () => scopedBodyParser() as Middleware, // its context type is wider than Koa's
}

/** An app that is guarded by an API, and what its handlers and its outermost middleware saw. */
export interface TokenApp {
  readonly app: Koa
  /** The ids of the users that reached the handler of `/guarded`. */
  readonly reached: string[]
  /** `ctx.state.user` at the end of each request. */
  readonly users: unknown[]
}

/**
 * The routes of an API, `/guarded` behind `tokenRequired` and `/free` behind `tokenOptional`, both for every method.
 */
export function tokenApp<U extends User, T extends TokenFacts>(
  api: TokenApi<U, T>,
  parser: Middleware | null = bodyParser(),
): TokenApp {
  const app = new Koa()
  const reached: string[] = []
  const users: unknown[] = []
  const router = new Router()
  router.all('/guarded', api.tokenRequired((ctx) => {
    reached.push(String(ctx.state.user.id))
    jsonResponse(ctx, { user: ctx.state.user.id })
  })) // prettier-ignore
  router.all(
    '/free',
    api.tokenOptional((ctx) => jsonResponse(ctx, { user: ctx.state.user?.id ?? null })),
  )
  router.get('/whole-user', api.tokenRequired((ctx) => void (ctx.body = ctx.state.user))) // prettier-ignore
  app.use(async (ctx, next) => {
    await next()
    users.push(ctx.state['user'])
  })
  if (parser !== null) app.use(parser)
  app.use(api.routes())
  app.use(router.routes() as Middleware)
  return { app, reached, users }
}
