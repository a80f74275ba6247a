import { bodyParser } from '@koa/bodyparser'
import { Router } from '@koa/router'
import Koa from 'koa'
import type { Knex } from 'knex'
import {
  type GuardApi,
  type Passwords,
  passwords,
  pbkdf2,
  type TokenApi,
  type TokenFacts,
  type User,
} from 'koa-tokenapi'
import { createTokenTable, createUserTable, knexUsers } from 'koa-tokenapi/knex'
import { gate } from '../../lib/passwords/gate.js'
import { type Served, withServer } from './http.js'
import { type Received, asJson, send } from './send.js'

export const NOW = 1795000000
export const PASSWORD = 'correct horse battery staple'

/** Real hashes at the lowest cost, with room for every login of a spec at once. */
export const cheap: Passwords = passwords({
  hashers: [pbkdf2({ iterations: 1 })],
  gate: gate({ width: 4, queue: 1000 }),
})

/** The tables of users and tokens. */
export async function createTables(db: Knex): Promise<void> {
  await createUserTable(db)
  await createTokenTable(db)
}

/** Alice (1), Bob (2) and Carol (3), who is disabled, as they were, and no token. */
export async function refill(db: Knex): Promise<void> {
  await db('tokens').delete()
  await db('users').delete()
  const password = await cheap.hash(PASSWORD)
  const row = { password, is_active: true, token_epoch: 0 }
  await db('users').insert([
    { ...row, id: 1, username: 'alice' },
    { ...row, id: 2, username: 'bob' },
    { ...row, id: 3, username: 'carol', is_active: false },
  ])
}

/** An API with routes of its own or without. */
export type ApiUnderTest<U extends User, T extends TokenFacts> = GuardApi<U, T> &
  Partial<Pick<TokenApi<U, T>, 'routes'>>

/** Makes the tables before the specs of a block, and has the three users and no token in them before each spec. */
export function withUsers(db: () => Knex): void {
  before(() => createTables(db()))
  beforeEach(() => refill(db()))
}

/** What every API of these specs is made of: the users, real hashes at the lowest cost, no throttle and a clock of the spec. */
export function partsOn(db: Knex, clock: () => number) {
  return { users: knexUsers(db), passwords: cheap, throttle: false as const, clock }
}

/** An app with an API's routes, `/me` behind its guard, and `/hello` behind the one that lets requests without credentials through. */
export function appOf<U extends User, T extends TokenFacts>(
  api: ApiUnderTest<U, T>,
  options: { readonly session?: object } = {},
): Koa {
  const app = new Koa()
  app.use(bodyParser())
  if (options.session !== undefined) {
    app.use((ctx, next) => {
      ctx.state['user'] = options.session
      return next()
    })
  }
  if (api.routes !== undefined) app.use(api.routes())
  const router = new Router()
  router.all(
    '/me',
    api.tokenRequired((ctx) => {
      ctx.body = { id: ctx.state.user.id, username: ctx.state.user.username }
    }),
  )
  router.all(
    '/hello',
    api.tokenOptional((ctx) => {
      ctx.body = { hello: ctx.state.user?.username ?? 'stranger' }
    }),
  )
  app.use(router.routes())
  return app
}

/** A client of an app that is served. */
export interface Client extends Omit<Served, 'close'> {
  readonly login: (path: string, username?: string, password?: string) => Promise<Received>
  /** `/me`, or another path, with a header. */
  readonly ask: (authorization?: string, path?: string, method?: string) => Promise<Received>
}

/** Serves an API for one use. */
export function served<U extends User, T extends TokenFacts, R>(
  api: ApiUnderTest<U, T>,
  use: (client: Client) => Promise<R>,
  options: { readonly session?: object } = {},
): Promise<R> {
  return withServer(appOf(api, options), (app) =>
    use({
      ...app,
      login: (path, username = 'alice', password = PASSWORD) => send(app.url, path, asJson({ username, password })),
      ask: (authorization, path = '/me', method = 'GET') =>
        send(app.url, path, { method, headers: authorization === undefined ? {} : { authorization } }),
    }),
  )
}

/** The token in the JSON of a login. */
export function tokenIn(response: Received): string {
  const { json } = response
  if (typeof json === 'object' && json !== null && 'token' in json && typeof json.token === 'string') return json.token
  throw new Error(`there is no token in a response of status ${response.status}: ${response.text}`)
}
