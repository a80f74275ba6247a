import { Router } from '@koa/router'
import { jsonResponse } from 'koa-tokenapi'
import type { Routes } from '../app.js'

/** `GET /healthz`: 200 while the database answers, else 503 as any fault. */
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
