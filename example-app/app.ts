import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import type { Knex } from 'knex'
import type { ThrottleOptions } from 'koa-tokenapi'
import type { Parts, Routes } from './parts.js'
import { respondToErrors, respondToUnhandled } from './responses.js'
import { healthRoutes } from './routes/health.js'
import { keyRoutes } from './routes/keys.js'
import { pairRoutes } from './routes/pair.js'
import { expiringRoutes, jwtRoutes, signedRoutes, timedRoutes } from './routes/siblings.js'
import { usersOf } from './users.js'

/** What the app is built from. */
export interface AppOptions {
  readonly db: Knex
  readonly secret: string
  /** Where logins are counted; in memory by default. */
  readonly throttle?: ThrottleOptions
  /** How many proxies in front of the app add the client's address to X-Forwarded-For; 0. */
  readonly proxies?: number
}

/** In the order in which a request meets them. */
const ROUTES: readonly Routes[] = [
  healthRoutes,
  pairRoutes,
  timedRoutes,
  expiringRoutes,
  signedRoutes,
  jwtRoutes,
  keyRoutes,
]

/** The example's app: the same for `npm start` and for its specs. */
export function createApp(options: AppOptions): Koa {
  const { db, secret, throttle = {}, proxies = 0 } = options
  const parts: Parts = { db, users: usersOf(db), secret, throttle }

  const app = new Koa({ proxy: proxies > 0, maxIpsCount: proxies })
  // Outside the body parser, whose errors hold the raw body, passwords included: they never reach an error listener.
  app.use(respondToErrors)
  app.use(respondToUnhandled)
  app.use(bodyParser({ jsonLimit: '64kb', formLimit: '64kb' }))
  for (const mount of ROUTES) mount(app, parts)
  return app
}
