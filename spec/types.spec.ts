import { Router } from '@koa/router'
import { expect } from 'chai'
import Koa from 'koa'
import {
  anyOf,
  djangoPairs,
  expiringTokenApi,
  jsonResponse,
  memoryTokens,
  memoryUsers,
  sealedPairs,
  signedTokenApi,
  timedTokenApi,
  tokenApi,
  type TokenApi,
  type User,
} from 'koa-tokenapi'
import { jwtApi } from 'koa-tokenapi/jwt'
import type { KnexUser } from 'koa-tokenapi/knex'

// These hold when the compiler takes this file (`npm run check`): each `@ts-expect-error` is an error that must be one.
const secret = 'a secret of more than thirty-two bytes'
const users = memoryUsers([{ id: 1, username: 'demo', password: 'hash', email: 'demo@example.com' }])
const api = tokenApi({ users, secret })

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- how the compiler compares two types exactly
type Same<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false

/** Takes only a value of exactly this type; not `any`. */
function exactly<T>(): <V>(value: V, ...same: Same<T, V> extends true ? [] : [wrong: never]) => void {
  return () => undefined
}

describe('the types', () => {
  it('give a wrapped handler the user of the store, on every kind of router', () => {
    interface AppState {
      language: string
    }
    const router = new Router()
    router.get(
      '/',
      api.tokenRequired((ctx) => exactly<string>()(ctx.state.user.email)),
    )
    const bare = new Router<{}>()
    bare.get(
      '/',
      api.tokenRequired((ctx) => exactly<number>()(ctx.state.user.id)),
    )
    const typed = new Router<AppState>()
    typed.get(
      '/',
      api.tokenRequired<AppState>((ctx) => {
        exactly<string>()(ctx.state.user.email)
        exactly<string>()(ctx.state.language)
        // @ts-expect-error the store's rows have no such column
        void ctx.state.user.phone
      }),
    )
    expect(typed.stack).to.have.length(1)
  })

  it('give the handlers after the middleware form the user, and the facts of the token', () => {
    const router = new Router()
    router.get('/', api.tokenRequired(), (ctx) => {
      exactly<string>()(ctx.state.user.email)
      exactly<number>()(ctx.state.token.issuedAt)
      jsonResponse(ctx, { id: ctx.state.user.id })
    })
    const app = new Koa()
    app.use(router.routes()).use(api.routes())
    expect(app.middleware).to.have.length(2)
  })

  it('leave the user out of routes without a guard, and open behind an optional one', () => {
    const router = new Router<{}>()
    router.get('/', (ctx) => {
      // @ts-expect-error nothing has put a user there
      void ctx.state.user
    })
    router.get(
      '/optional',
      api.tokenOptional((ctx) => {
        // @ts-expect-error there may be none
        void ctx.state.user.email
        exactly<string | undefined>()(ctx.state.user?.email)
      }),
    )
    expect(router.stack).to.have.length(2)
  })

  it('refuse a guard that was not called, what is not a handler, and a misspelled option', () => {
    // The compiler takes an uncalled guard for middleware with optional needs: only the strict check at run time refuses it.
    expect(() => api.tokenRequired({}, async () => undefined)).to.throw(TypeError)
    // @ts-expect-error there is no such need
    expect(() => api.tokenRequired({ maxage: 60 })).to.throw(TypeError)
    // @ts-expect-error a handler is a function
    expect(() => api.tokenRequired('handler')).to.throw(TypeError)
    // @ts-expect-error there is no such option
    expect(() => tokenApi({ users, secret, timeout_days: 7 })).to.throw(TypeError)
    // @ts-expect-error the users are missing
    expect(() => tokenApi({ secret })).to.throw(TypeError)
  })

  it('let one list of kinds serve a store of rows, and an undefined secret compile', async () => {
    const both = tokenApi({ users, tokens: anyOf(sealedPairs({ secret }), djangoPairs({ secret })) })
    const verdict = await both.verify({ user: 1, token: 'x' })
    if (verdict.ok) exactly<string>()(verdict.value.user.email)
    else exactly<string | undefined>()(verdict.detail)
    expect(verdict.ok).to.equal(false)
    expect(() => tokenApi({ users, secret: process.env['NO_SUCH_SECRET'] })).to.throw(TypeError, 'secret')
  })

  it('know the facts of the kind that was given, and of no other', () => {
    const pairs = tokenApi({ users, tokens: djangoPairs({ secret }) })
    pairs.tokenRequired((ctx) => {
      exactly<number>()(ctx.state.token.expiresAt)
      // @ts-expect-error a Django pair knows no second
      void ctx.state.token.issuedAt
    })
    // @ts-expect-error sealed pairs have no id
    const wrong: TokenApi<User, { expiresAt: number; id: string }> = tokenApi({ users, secret })
    expect(wrong).to.have.property('tokenRequired')
  })

  it('name what each API knows of its tokens', () => {
    const stored = expiringTokenApi({ users, store: memoryTokens() })
    const jwt = jwtApi({ users, secret })
    const router = new Router()
    router.get(
      '/stored',
      stored.tokenRequired((ctx) => exactly<string>()(ctx.state.token.id)),
    )
    router.get(
      '/jwt',
      jwt.tokenRequired((ctx) => exactly<unknown>()(ctx.state.token.claims['user_id'])),
    )
    expect(router.stack).to.have.length(2)
  })

  it('let every API be a TokenApi, so that a list of them has a type', () => {
    type Row = { id: number; username: string; password: string; email: string }
    const store = memoryTokens()
    const all: readonly TokenApi<Row>[] = [
      api,
      timedTokenApi({ users, store }),
      expiringTokenApi({ users, store }),
      signedTokenApi({ users, secret }),
      jwtApi({ users, secret }),
    ]
    for (const one of all) {
      one.tokenRequired((ctx) => {
        exactly<string>()(ctx.state.user.email)
        exactly<number>()(ctx.state.token.expiresAt)
      })
    }
    // @ts-expect-error an API of other users is not assignable
    const strangers: TokenApi<Row & { phone: string }> = api
    expect([...all, strangers]).to.have.length(6)
  })

  it('say what the ids of a table are', () => {
    const big: KnexUser<'bigint'>['id'] = 1n
    const uuid: KnexUser<'uuid', { email: string }>['email'] = 'demo@example.com'
    // @ts-expect-error a 64-bit id is no number
    const wrong: KnexUser<'bigint'>['id'] = 1
    expect([big, uuid, wrong]).to.have.length(3)
  })
})
