import { Router } from '@koa/router'
import type Koa from 'koa'
import {
  expiringTokenApi,
  jsonNotFound,
  jsonResponse,
  signedTokenApi,
  timedTokenApi,
  type TokenApi,
  type TokenFacts,
} from 'koa-tokenapi'
import { jwtApi } from 'koa-tokenapi/jwt'
import { type KnexUser, knexTokens } from 'koa-tokenapi/knex'
import type { Routes } from '../parts.js'

/** djangorestframework-timed-auth-token under `/timed`, with a list of the user's devices. */
export const timedRoutes: Routes = (app, { db, users, throttle }) => {
  const api = timedTokenApi({ users, throttle, store: knexTokens(db), prefix: '/timed' })
  const router = new Router({ prefix: '/timed/devices' })

  router.get(
    '/',
    api.tokenRequired(async (ctx) => {
      const { user, token } = ctx.state
      const devices = await api.listTokens(user)
      jsonResponse(ctx, { devices: devices.map((device) => ({ ...device, isThisOne: device.id === token.id })) })
    }),
  )
  router.delete(
    '/:id',
    api.tokenRequired(async (ctx) => {
      const id = ctx.path.slice(ctx.path.lastIndexOf('/') + 1)
      if (await api.revokeOne(ctx.state.user, id)) jsonResponse(ctx)
      else jsonNotFound(ctx, 'You have no such device.')
    }),
  )
  app.use(router.routes())
  mount(app, '/timed', api)
}

/** djangorestframework-expiring-authtoken under `/expiring`. */
export const expiringRoutes: Routes = (app, { db, users, throttle }) =>
  mount(app, '/expiring', expiringTokenApi({ users, throttle, store: knexTokens(db), prefix: '/expiring' }))

/** nap-token-auth under `/signed`. */
export const signedRoutes: Routes = (app, { users, secret, throttle }) =>
  mount(app, '/signed', signedTokenApi({ users, secret, throttle, prefix: '/signed' }))

/** djangorestframework-jwt under `/jwt`. */
export const jwtRoutes: Routes = (app, { users, secret, throttle }) =>
  mount(app, '/jwt', jwtApi({ users, secret, throttle, prefix: '/jwt' }))

/** The routes of an API, and `/me`, which returns the user of a token. */
function mount<T extends TokenFacts>(app: Koa, prefix: string, api: TokenApi<KnexUser, T>): void {
  const router = new Router({ prefix })
  router.get(
    '/me',
    api.tokenRequired((ctx) => {
      const { id, username } = ctx.state.user
      jsonResponse(ctx, { user: { id, username } })
    }),
  )
  app.use(api.routes())
  app.use(router.routes())
}
