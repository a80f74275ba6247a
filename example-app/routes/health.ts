import { Router } from '@koa/router'
import { jsonResponse } from 'koa-tokenapi'
import type { Routes } from '../parts.js'

/** `GET /healthz`: 200 while the database responds, else 503 as any internal error. */
export const healthRoutes: Routes = (app, { db }) => {
  const router = new Router()

  router.get('/healthz', async (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    await db.raw('select 1').timeout(2000)
    jsonResponse(ctx)
  })

  app.use(router.routes())
  app.use(router.allowedMethods())
}
