import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import type { Knex } from 'knex'
import type { Middleware } from 'koa'
import jwt from 'koa-jwt'
import passport from 'koa-passport'
import {
  expiringTokenApi,
  memoryUsers,
  signedTokenApi,
  type TokenApi,
  type TokenFacts,
  timedTokenApi,
  tokenApi,
  type User,
  type UserStore,
} from 'koa-tokenapi'
import { jwtApi } from 'koa-tokenapi/jwt'
import { knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { Strategy } from 'passport-http-bearer'

/** A guard for a route, and what a user sends to pass it. */
export interface Guard {
  readonly guard: Middleware
  readonly authorizationOf: (id: number) => Promise<string>
  /** Routes of its own: its login. */
  readonly routes?: Middleware
}

/** What guards are made from. */
export interface Ground {
  /** Undefined for guards that ask no database. */
  readonly db: Knex
  /** The table of users. */
  readonly table: string
  /** Ids that will be asked for. */
  readonly ids: readonly number[]
  /** Whether logins are limited by account and address, as they are by default. */
  readonly isThrottled: boolean
}

const SECRET = 'a secret of the bench alone, of more than 32 bytes'

export type GuardName = keyof typeof GUARDS

export const GUARDS = {
  memory({ ids }: Ground): Guard {
    const rows = ids.map((id) => ({ id, username: `user${id}`, password: `hash ${id}`, isActive: true, tokenEpoch: 0 }))
    return byPair(tokenApi({ users: memoryUsers(rows), secret: SECRET }), memoryUsers(rows))
  },

  knex({ db, table, isThrottled }: Ground): Guard {
    const users = knexUsers(db, { table })
    const limits = isThrottled ? {} : { throttle: false as const }
    return byPair(tokenApi({ users, secret: SECRET, ...limits }), users)
  },

  /** As people write it: one look-up for each request, one HMAC over what must not change. */
  byHand({ db, table }: Ground): Guard {
    return {
      async guard(ctx, next) {
        const [scheme, encoded] = ctx.get('authorization').split(' ')
        if (scheme !== 'Basic' || !encoded) ctx.throw(401)
        const [id, token = ''] = Buffer.from(encoded ?? '', 'base64')
          .toString()
          .split(':')
        const [time = '', tag = ''] = token.split('-')
        const user = await db(table).where({ id }).first()
        if (!user || !user.is_active) ctx.throw(401)
        const expected = Buffer.from(handmadeTagOf(user, time))
        if (tag.length !== expected.length || !timingSafeEqual(Buffer.from(tag), expected)) ctx.throw(401)
        if (Date.now() / 1000 - Number.parseInt(time, 36) > 7 * 24 * 60 * 60) ctx.throw(401)
        ctx.state['user'] = user
        await next()
      },
      async authorizationOf(id) {
        const user = await db(table).where({ id }).first()
        const time = Math.floor(Date.now() / 1000).toString(36)
        return basicHeader(id, `${time}-${handmadeTagOf(user, time)}`)
      },
    }
  },

  /** As its README shows: a secret that is a string, which jsonwebtoken makes a key of at each request. */
  koaJwt(): Guard {
    return byJwt(SECRET)
  },

  koaJwtKeyObject(): Guard {
    return byJwt(createSecretKey(Buffer.from(SECRET)) as unknown as string) // jsonwebtoken takes it; koa-jwt's types do not say so
  },

  passportBearer({ db, table, ids }: Ground): Guard {
    const plain = 'plain_tokens'
    const find = async (token: string): Promise<object | undefined> =>
      db(table).join(plain, `${plain}.user_id`, `${table}.id`).where({ token }).first(`${table}.*`)
    const verify = async (token: string, done: (error: unknown, user?: object | false) => void): Promise<void> => {
      try {
        done(null, (await find(token)) ?? false)
      } catch (error) {
        done(error)
      }
    }
    passport.use(new Strategy((token, done) => void verify(token, done)))
    const start = passport.initialize()
    const authenticate = passport.authenticate('bearer', { session: false })
    let isFilled: Promise<void> | undefined
    const filled = async (): Promise<void> => {
      await db.schema.createTable(plain, (columns) => {
        columns.string('token', 64).primary()
        columns.integer('user_id').notNullable()
      })
      await db.batchInsert(
        plain,
        ids.map((id) => ({ token: plainTokenOf(id), user_id: id })),
        200,
      )
    }
    return {
      guard: (ctx, next) => start(ctx, () => authenticate(ctx, next)),
      async authorizationOf(id) {
        await (isFilled ??= filled())
        return `Bearer ${plainTokenOf(id)}`
      },
    }
  },

  timedTokenApi({ db, table }: Ground): Guard {
    const users = knexUsers(db, { table })
    return byToken('Token', timedTokenApi({ users, store: knexTokens(db) }), users)
  },

  expiringTokenApi({ db, table }: Ground): Guard {
    const users = knexUsers(db, { table })
    return byToken('Token', expiringTokenApi({ users, store: knexTokens(db) }), users)
  },

  signedTokenApi({ db, table }: Ground): Guard {
    const users = knexUsers(db, { table })
    return byToken('Bearer', signedTokenApi({ users, secret: SECRET }), users)
  },

  jwtApi({ db, table }: Ground): Guard {
    const users = knexUsers(db, { table })
    return byToken('JWT', jwtApi({ users, secret: SECRET, lifetime: 24 * 60 * 60 }), users)
  },
} as const

function byPair<U extends User, T extends TokenFacts>(api: TokenApi<U, T>, users: UserStore<U>): Guard {
  return {
    guard: api.tokenRequired() as Middleware, // it sets the state that its type asks for
    routes: api.routes(),
    authorizationOf: async (id) => basicHeader(id, (await api.issue(await userOf(users, id))).token),
  }
}

function byToken<U extends User, T extends TokenFacts>(
  scheme: string,
  api: TokenApi<U, T>,
  users: UserStore<U>,
): Guard {
  return {
    guard: api.tokenRequired() as Middleware, // as above
    routes: api.routes(),
    authorizationOf: async (id) => `${scheme} ${(await api.issue(await userOf(users, id))).token}`,
  }
}

function byJwt(secret: string): Guard {
  return {
    guard: jwt({ secret }),
    authorizationOf: async (id) =>
      `Bearer ${jsonwebtoken.sign({ user_id: id }, SECRET, { algorithm: 'HS256', expiresIn: '1d' })}`,
  }
}

async function userOf<U extends User>(users: UserStore<U>, id: number): Promise<U> {
  const user = await users.findById(String(id))
  if (user === null) throw new Error(`there is no user ${id}`)
  return user
}

function basicHeader(id: number, token: string): string {
  return `Basic ${Buffer.from(`${id}:${token}`).toString('base64')}`
}

function handmadeTagOf(user: { readonly id: number; readonly password: string }, time: string): string {
  return createHmac('sha256', SECRET).update(`${user.id}:${time}:${user.password}`).digest('hex')
}

function plainTokenOf(id: number): string {
  return createHmac('sha256', SECRET).update(String(id)).digest('hex')
}
