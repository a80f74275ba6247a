import type Koa from 'koa'
import type { Knex } from 'knex'
import type { ThrottleOptions } from 'koa-tokenapi'
import type { Users } from './users.js'

/** What each set of routes is built from. */
export interface Parts {
  readonly db: Knex
  readonly users: Users
  readonly secret: string
  readonly throttle: ThrottleOptions
}

/** Mounts a set of routes: an API and what it guards. */
export type Routes = (app: Koa, parts: Parts) => void
