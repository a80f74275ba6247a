import { bodyParser } from '@koa/bodyparser'
import Koa from 'koa'
import type { Knex } from 'knex'
import type { ThrottleOptions } from 'koa-tokenapi'
import { answerFaults, answerUnhandled } from './answers.js'
import { healthRoutes } from './routes/health.js'
import { pairRoutes } from './routes/pair.js'
import { expiringRoutes, jwtRoutes, signedRoutes, timedRoutes } from './routes/siblings.js'
import { type Users, usersOf } from './users.js'

/** What the app is built from. */
export interface AppOptions {
  readonly db: Knex
  readonly secret: string
  /** Where logins are counted; in memory by default. */
  readonly throttle?: ThrottleOptions
  /** How many proxies stand before the app and name the client's address in X-Forwarded-For; 0. */
  readonly proxies?: number
}

/** What each set of routes is built from. */
export interface Parts {
  readonly db: Knex
  readonly users: Users
  readonly secret: string
  readonly throttle: ThrottleOptions
}

/** Mounts a set of routes: an API and what it guards. */
export type Routes = (app: Koa, parts: Parts) => void

/** In the order in which a request meets them. */
const ROUTES: readonly Routes[] = [healthRoutes, pairRoutes, timedRoutes, expiringRoutes, signedRoutes, jwtRoutes]

/** The example's app: the same for `npm start` and for its specs. */
export function createApp(options: AppOptions): Koa {
  const { db, secret, throttle = {}, proxies = 0 } = options
  const parts: Parts = { db, users: usersOf(db), secret, throttle }

  const app = new Koa({ proxy: proxies > 0, maxIpsCount: proxies })
  app.use(answerFaults)
  app.use(answerUnhandled)
  app.use(bodyParser({ jsonLimit: '64kb', formLimit: '64kb' }))
  for (const mount of ROUTES) mount(app, parts)
  return app
}
