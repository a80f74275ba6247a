import { Router } from '@koa/router'
import { apiKeys, jsonBadRequest, jsonNotFound, jsonResponse, tokenApi } from 'koa-tokenapi'
import { type KnexUser, knexTokens } from 'koa-tokenapi/knex'
import type { Routes } from '../parts.js'

const SCOPES: readonly unknown[] = ['deploy', 'read']
/** Seconds after a login in which a key can be made. */
const RECENT = 600

/** Keys for machines under `/keys`, made and revoked by a user who has logged in, and `/deployments`, which takes only such keys. */
export const keyRoutes: Routes = (app, { db, users, secret, throttle }) => {
  const login = tokenApi({ users, secret, throttle })
  const keys = apiKeys<KnexUser>({ users, store: knexTokens(db), tokenPrefix: 'demo_key_' })
  const router = new Router()

  router.post(
    '/keys',
    login.tokenRequired({ maxAge: RECENT }, async (ctx) => {
      const { name, scope } = ctx.request.body as { name?: unknown; scope?: unknown } // untrusted: both are checked
      if (
        typeof name !== 'string' ||
        !/^[ -~]{1,50}$/.test(name) ||
        typeof scope !== 'string' ||
        !SCOPES.includes(scope)
      )
        return jsonBadRequest(ctx, "Must include 'name', and 'scope': deploy or read.")
      const { token, id } = await keys.issue(ctx.state.user, { name, limits: [{ scopes: [scope] }] })
      jsonResponse(ctx, { id, key: token }) // the only time that the key is shown
    }),
  )
  router.get(
    '/keys',
    login.tokenRequired(async (ctx) => {
      const listed = await keys.listTokens(ctx.state.user)
      jsonResponse(ctx, { keys: listed.map(({ id, name, limits, lastUsedAt }) => ({ id, name, limits, lastUsedAt })) })
    }),
  )
  router.delete(
    '/keys/:id',
    login.tokenRequired(async (ctx) => {
      if (await keys.revokeOne(ctx.state.user, ctx.params['id'] ?? '')) jsonResponse(ctx)
      else jsonNotFound(ctx, 'You have no such key.')
    }),
  )
  router.post(
    '/deployments',
    keys.tokenRequired({ scope: 'deploy' }, (ctx) => {
      jsonResponse(ctx, { deployedBy: ctx.state.token.name })
    }),
  )
  app.use(router.routes())
}
