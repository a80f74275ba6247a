import { bodyParser } from '@koa/bodyparser'
import { Router } from '@koa/router'
import Koa from 'koa'
import type { Knex } from 'knex'
import { memoryTokens, memoryUsers, type TokenApi, type TokenStore, type User, type UserStore } from 'koa-tokenapi'
import { createTokenTable, knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { onEachDatabase } from '../support/databases.js'
import { serve, type Served } from '../support/http.js'
import { readFixture } from '../support/transcript.js'

/** `main` ran on the packages' defaults, `alt` with UUID keys, the e-mail as user name and other settings. */
export type ServerName = 'main' | 'alt'

const servers: readonly ServerName[] = ['main', 'alt']

interface SeedUser {
  /** A bigint above 2^53. */
  readonly pk: number | bigint | string
  readonly encoded: string
  readonly is_active: boolean
  readonly is_staff: boolean
  readonly email?: string
  readonly jwt_secret?: string
}

/** A key that was in a table, and whose: `created` for expiring ones, `expires` for timed ones. */
interface SeedKey {
  readonly key: string
  readonly user: string
  readonly created?: string
  readonly expires?: string
}

interface Seed {
  /** Where the clock stood. */
  readonly now: number
  readonly secret_key: string
  readonly users: Readonly<Record<string, SeedUser>>
  /** User name → age in days → token. */
  readonly tokenapi: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly expiring: Readonly<Record<string, SeedKey>>
  readonly timed: Readonly<Record<string, SeedKey>>
  readonly nap: Readonly<Record<string, string>>
  readonly jwt: Readonly<Record<string, string>>
  /** User name → session id; only on `main`. */
  readonly sessions?: Readonly<Record<string, string>>
}

/** What the recorded servers were seeded with. */
export const { seed } = readFixture('seed') as { seed: Readonly<Record<ServerName, Seed>> } // the form of seed.json

export interface Member extends User {
  /** A database without booleans has 0 and 1. */
  isStaff: boolean | number
  email?: string | null
  jwtSecret?: string | null
}

/** Defines the same specs on users in memory and on user tables as Django makes them, on each database. */
export function onEachUserStore(define: (users: (server: ServerName) => UserStore<Member>) => void): void {
  describe('on users in memory', () => define((server) => memoryUsers(seededUsers(server))))

  onEachDatabase((db, name) => {
    before(async () => {
      await createAuthUser(db())
      await createAccountsUser(db(), name === 'PostgreSQL')
    })
    define((server) => (server === 'main' ? authUsers(db()) : accountsUsers(db())))
  })
}

/** Defines the same specs on users and tokens in memory and on tables, on each database. */
export function onEachStore(
  define: (users: (server: ServerName) => UserStore<Member>, tokens: (server: ServerName) => TokenStore) => void,
): void {
  describe('in memory', () =>
    define(
      (server) => memoryUsers(seededUsers(server)),
      () => memoryTokens(),
    ))

  onEachDatabase((db, name) => {
    before(async () => {
      await createAuthUser(db())
      await createAccountsUser(db(), name === 'PostgreSQL')
      for (const server of servers) await createTokenTable(db(), { table: `${server}_tokens` })
    })
    define(
      (server) => (server === 'main' ? authUsers(db()) : accountsUsers(db())),
      (server) => knexTokens(db(), { table: `${server}_tokens` }),
    )
  })
}

/** A user of a recorded server by name. */
export function seededUser(server: ServerName, username: string): Member {
  const user = seededUsers(server).find((one) => one.username === username)
  if (user === undefined) throw new Error(`there is no ${username} on ${server}`)
  return user
}

/** The time of a text in seconds since 1970. */
export function secondsOf(text: string | undefined): number {
  const milliseconds = Date.parse(text ?? '')
  if (Number.isNaN(milliseconds)) throw new Error(`no time: ${text}`)
  return milliseconds / 1000
}

/** A recorded project's addresses as ours: the paths that start like a key go on as its value does. */
function addressed(addresses: Readonly<Record<string, string>>): Koa.Middleware {
  return async function readdress(ctx, next) {
    for (const [recorded, ours] of Object.entries(addresses)) {
      if (ctx.path === recorded || ctx.path === `${recorded}/`) ctx.path = ours + ctx.path.slice(recorded.length)
    }
    await next()
  }
}

/** A body parser as an application of these apis has it: JSON of any shape goes through, and what is no JSON is refused in DRF's form. */
export function drfBodyParser(): Koa.Middleware {
  const parse = bodyParser({ jsonStrict: false })
  return async function parseOrRefuse(ctx, next) {
    try {
      await parse(ctx, async () => undefined)
    } catch {
      ctx.status = 400
      ctx.body = JSON_PARSE_ERROR
      return
    }
    await next()
  }
}

/** A recorded project as an app: its addresses as ours, a body parser, the API's routes and the project's views. */
export function projectApp(
  api: Pick<TokenApi<Member>, 'routes'>,
  views: Router,
  { addresses = {}, parser = drfBodyParser() }: { addresses?: Record<string, string>; parser?: Koa.Middleware } = {},
): Koa {
  const app = new Koa()
  app.use(addressed(addresses))
  app.use(parser)
  app.use(api.routes())
  app.use(views.routes())
  return app
}

/** The one view of a project that has no more: it echoes the user of the methods that Django's view took. */
export function meView(api: Pick<TokenApi<Member>, 'tokenRequired'>): Router {
  return new Router().all(
    '/me',
    api.tokenRequired((ctx) => echo(ctx, ['GET', 'HEAD', 'POST'])),
  )
}

export const JSON_PARSE_ERROR = { detail: 'JSON parse error' }

/** The view behind each guard of the recorded project: it echoes the user. */
export function echo(ctx: Koa.ParameterizedContext<{ user: Member }>, methods?: readonly string[]): void {
  if (methods !== undefined && !methods.includes(ctx.method)) {
    ctx.status = 405
    ctx.body = { detail: `Method "${ctx.method}" not allowed.` }
    return
  }
  const { id, username, isStaff } = ctx.state.user
  ctx.type = 'json'
  // A bigint has no form of its own in JSON.
  const user = typeof id === 'string' ? JSON.stringify(id) : String(id)
  const rest = JSON.stringify({ username, is_staff: Boolean(isStaff), method: ctx.method }).slice(1)
  ctx.body = `{"user":${user},${rest}`
}

/** Serves an app for each recorded server while the specs of a block run. */
export function serveBoth(app: (server: ServerName) => Koa | Promise<Koa>): (server: string) => Served {
  const running = new Map<string, Served>()
  before(async () => {
    for (const server of servers) running.set(server, await serve(await app(server)))
  })
  after(async () => {
    for (const served of running.values()) await served.close()
  })
  return (server) => {
    const served = running.get(server)
    if (served === undefined) throw new Error(`nothing serves ${server}`)
    return served
  }
}

function seededUsers(server: ServerName): Member[] {
  return Object.entries(seed[server].users).map(([username, user]) => ({
    id: user.pk,
    username,
    password: user.encoded,
    isActive: user.is_active,
    isStaff: user.is_staff,
    email: user.email ?? username,
    jwtSecret: user.jwt_secret ?? null,
  }))
}

function authUsers(db: Knex): UserStore<Member> {
  return knexUsers<{ isStaff: boolean | number; email: string }, 'bigint'>(db, {
    table: 'auth_user',
    id: 'bigint',
    columns: { tokenEpoch: null, isStaff: 'is_staff', email: 'email' },
  })
}

/** Django's auth_user, as its migrations make it. */
async function createAuthUser(db: Knex): Promise<void> {
  await db.schema.createTable('auth_user', (table) => {
    table.bigInteger('id').primary()
    table.string('password', 128).notNullable()
    table.datetime('last_login')
    table.boolean('is_superuser').notNullable().defaultTo(false)
    table.string('username', 150).notNullable().unique()
    table.string('first_name', 150).notNullable().defaultTo('')
    table.string('last_name', 150).notNullable().defaultTo('')
    table.string('email', 254).notNullable()
    table.boolean('is_staff').notNullable()
    table.boolean('is_active').notNullable()
    table.datetime('date_joined').notNullable().defaultTo(db.fn.now())
  })
  for (const { id, username, password, isActive, isStaff, email } of seededUsers('main')) {
    const row = { id: String(id), username, password, is_active: isActive, is_staff: isStaff, email }
    await db('auth_user').insert(row)
  }
}

function accountsUsers(db: Knex): UserStore<Member> {
  return knexUsers<{ isStaff: boolean | number; email: string; jwtSecret: string }, 'uuid'>(db, {
    table: 'accounts_user',
    id: 'uuid',
    columns: { username: 'email', tokenEpoch: null, isStaff: 'is_staff', email: 'email', jwtSecret: 'jwt_secret' },
  })
}

/** A user model of an application's own: UUID keys, which Django keeps without dashes where the database has no type for them. */
async function createAccountsUser(db: Knex, hasUuids: boolean): Promise<void> {
  await db.schema.createTable('accounts_user', (table) => {
    if (hasUuids) table.uuid('id').primary()
    else table.specificType('id', 'char(32)').primary()
    table.string('password', 128).notNullable()
    table.string('email', 254).notNullable().unique()
    table.boolean('is_staff').notNullable()
    table.boolean('is_active').notNullable()
    table.string('jwt_secret', 36)
  })
  for (const { id, username, password, isActive, isStaff, jwtSecret } of seededUsers('alt')) {
    const key = hasUuids ? String(id) : String(id).replaceAll('-', '')
    const row = {
      id: key,
      email: username,
      password,
      is_active: isActive,
      is_staff: isStaff,
      jwt_secret: jwtSecret,
    }
    await db('accounts_user').insert(row)
  }
}
