import { Router } from '@koa/router'
import type { Context } from 'koa'
import {
  hashPassword,
  jsonBadRequest,
  jsonError,
  jsonResponse,
  jsonUnauthorized,
  type LoginRefusal,
  tokenApi,
} from 'koa-tokenapi'
import type { Routes } from '../parts.js'

/** django-tokenapi's example, and what an application adds: the current user, a new password, log out everywhere. */
export const pairRoutes: Routes = (app, { users, secret, throttle }) => {
  const api = tokenApi({ users, secret, throttle, renewDays: 30 })
  const router = new Router()

  // As in django-tokenapi's README: JsonError has the status 200.
  router.all(
    '/index.json',
    api.tokenRequired((ctx) => {
      if (ctx.method !== 'POST') return jsonError(ctx, 'Only POST is allowed')
      jsonResponse(ctx, { test1: 49, test2: 'awesome' })
    }),
  )

  router.get(
    '/me',
    api.tokenRequired((ctx) => {
      const { id, username } = ctx.state.user
      jsonResponse(ctx, { user: { id, username } })
    }),
  )

  // For whole tokens, and for those that their holder has narrowed to this scope.
  router.get(
    '/notes',
    api.tokenRequired({ scope: 'notes:read' }, (ctx) => jsonResponse(ctx, { notes: ['Water the plants.'] })),
  )

  // A link to it is a token that is narrowed to this path, GET and some minutes.
  router.get(
    '/files/:name',
    api.tokenRequired((ctx) => {
      ctx.attachment(ctx.params.name)
      ctx.body = `A file for ${ctx.state.user.username}.\n`
    }),
  )

  // Five minutes after the password was typed it must be typed again.
  router.get(
    '/settings',
    api.tokenRequired({ maxAge: 300 }, (ctx) => jsonResponse(ctx, { settings: {} })),
  )

  router.post(
    '/password',
    api.tokenRequired(async (ctx) => {
      const { password, new_password: wanted } = fieldsOf(ctx)
      if (typeof wanted !== 'string' || wanted === '') return unusable(ctx)

      // A login, so that the holder of a stolen token cannot guess the password without being throttled.
      const { username } = ctx.state.user
      const verdict = await api.login({ username, password, address: ctx.ip })
      if (!verdict.ok) return refuse(ctx, verdict)
      const hash = await hashOf(wanted)
      if (hash === null) return unusable(ctx)
      const user = verdict.value
      if (!(await users.changePassword(user, hash))) {
        return jsonError(ctx, 'Another request has changed the password in the meantime.', 409)
      }
      user.password = hash
      // The password has just been typed: the new token may do what asks for a recent login.
      const { token } = await api.issue(user, { loggedInAt: Math.floor(Date.now() / 1000) })
      jsonResponse(ctx, { token, user: user.id })
    }),
  )

  router.post(
    '/logout-all',
    api.tokenRequired(async (ctx) => {
      await api.revokeAll(ctx.state.user)
      jsonResponse(ctx)
    }),
  )

  app.use(api.routes())
  app.use(router.routes())
  app.use(router.allowedMethods())
}

function fieldsOf(ctx: Pick<Context, 'request'>): { readonly password?: unknown; readonly new_password?: unknown } {
  return ctx.request.body ?? {} // a parsed body of any shape; each field may be anything
}

/** The hash of a new password; null for one that could not log in. */
async function hashOf(password: string): Promise<string | null> {
  try {
    return await hashPassword(password)
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}

function unusable(ctx: Context): void {
  jsonBadRequest(ctx, "'new_password' must be a text of 1 to 4096 bytes.")
}

function refuse(ctx: Context, refusal: LoginRefusal): void {
  const { reason } = refusal
  if (reason === 'throttled') {
    ctx.set('Retry-After', String(refusal.retryAfter))
    return jsonError(ctx, 'Too many attempts, please try again later.', 429)
  }
  if (reason === 'missing' || reason === 'malformed') return jsonBadRequest(ctx, "'password' must be the old password.")
  jsonUnauthorized(ctx, 'The old password is wrong.')
}
