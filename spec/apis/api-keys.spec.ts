import type { OutgoingHttpHeaders } from 'node:http'
import { Router } from '@koa/router'
import { expect } from 'chai'
import Koa from 'koa'
import {
  anyOf,
  apiKey,
  apiKeys,
  type ApiKeysOptions,
  apiKeyTokens,
  basic,
  firstOf,
  type Limits,
  memoryTokens,
  memoryUsers,
  params,
  sealedPairs,
  tokenApi,
  type TokenEvent,
} from 'koa-tokenapi'
import { type KnexUser, knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { InternalError } from '../../lib/errors.js'
import { onEachDatabase } from '../support/databases.js'
import { basicHeader, type Served, withServer } from '../support/http.js'
import { type Received, send } from '../support/send.js'
import { cheap, createTables, NOW, refill } from '../support/siblings.js'

const SECRET = 'one secret of more than 32 bytes for all'

/** Routes that need nothing, a scope, a recent login, and one for requests with or without a key. */
function appOf(api: Pick<ReturnType<typeof apiKeys<KnexUser>>, 'tokenRequired' | 'tokenOptional'>): Koa {
  const router = new Router()
  router.all(
    '/me',
    api.tokenRequired((ctx) => {
      ctx.body = { user: ctx.state.user.username, key: ctx.state.token.name }
    }),
  )
  const deploys = api.tokenRequired({ scope: 'deploy' }, (ctx) => {
    ctx.body = { deployed: ctx.state.token.name }
  })
  router.all('/deployments', deploys)
  router.all('/deployments/:id', deploys)
  router.all(
    '/password',
    api.tokenRequired({ maxAge: 600 }, (ctx) => {
      ctx.body = {}
    }),
  )
  router.all(
    '/hello',
    api.tokenOptional((ctx) => {
      ctx.body = { hello: ctx.state.user?.username ?? 'stranger' }
    }),
  )
  const app = new Koa()
  app.use(router.routes())
  return app
}

type Ask = (path: string, headers: OutgoingHttpHeaders, method?: string) => Promise<Received>

function bearer(token: string): OutgoingHttpHeaders {
  return { authorization: `Bearer ${token}` }
}

describe('apiKeys', () => {
  it('needs only users that are found by id, and a store', async () => {
    const ann = { id: 1, username: 'ann', password: null }
    const known = memoryUsers([ann])
    const api = apiKeys({ users: { findById: (id) => known.findById(id) }, store: memoryTokens() })
    const { token } = await api.issue(ann, { name: 'CI' })
    expect(token).to.match(/^key_[0-9A-Za-z]{49}$/)
    expect(await api.verify({ token })).to.include({ ok: true })
    await api.revokeAll(1)
    expect(await api.verify({ token })).to.include({ ok: false, reason: 'invalid' })
    for (const name of ['login', 'routes', 'renew', 'endLogin']) expect(api).not.to.have.property(name)
  })

  it('refuses wrong options at start-up, by name', () => {
    const [users, store] = [memoryUsers([]), memoryTokens()]
    const wrong: Readonly<Record<string, readonly unknown[]>> = {
      users: [undefined, null, {}, { findByUsername: () => null }],
      primary: [null, {}],
      store: [undefined, null, {}],
      tokenPrefix: ['key', ''],
      lifetime: [0, '1', undefined],
      credentials: [null, {}],
      realm: ['\n', 7],
      onEvent: [1],
      timeout: [0, '5'],
      clock: [1, () => 1.5],
      passwords: [cheap],
      throttle: [false],
    }
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        const options = { users, store, [name]: value } as unknown as ApiKeysOptions<KnexUser> // as a caller without types
        expect(() => apiKeys(options), `${name} ${String(value)}`).to.throw(TypeError, name)
      }
    }
  })

  onEachDatabase((db) => {
    let now: number
    let events: TokenEvent[]
    before(() => createTables(db()))
    beforeEach(async () => {
      now = NOW
      events = []
      await refill(db())
    })

    const apiOf = (options: Partial<ApiKeysOptions<KnexUser>> = {}) =>
      apiKeys<KnexUser>({
        users: knexUsers(db()),
        store: knexTokens(db()),
        clock: () => now,
        onEvent: (event) => void events.push(event),
        ...options,
      })
    const userOf = async (id: number): Promise<KnexUser> => {
      const user = await knexUsers(db()).findById(String(id))
      if (user === null) throw new Error('the user is missing')
      return user
    }
    const keyWith = async (limits: readonly Limits[], name = 'CI'): Promise<string> =>
      (await apiOf().issue(await userOf(1), { name, limits })).token
    const use = <R>(client: (served: Served & { readonly ask: Ask }) => Promise<R>, api = apiOf()): Promise<R> =>
      withServer(appOf(api), (served) =>
        client({
          ...served,
          ask: (path, headers, method = 'GET') => send(served.url, path, { method, headers }),
        }),
      )

    describe('over HTTP', () => {
      it('takes a key as Bearer and in X-API-Key', async () => {
        const key = await keyWith([])
        await use(async (client) => {
          for (const headers of [bearer(key), { 'x-api-key': key }, { authorization: `bearer  ${key}` }]) {
            const { status, json, headers: sent } = await client.ask('/me', headers)
            expect([status, json]).to.deep.equal([200, { user: 'alice', key: 'CI' }])
            expect(sent['cache-control']).to.equal('no-store')
          }
        })
      })

      it('refuses a request without a key, with a bare challenge, and lets it through at tokenOptional', async () => {
        await use(async (client) => {
          const { status, json, headers } = await client.ask('/me', {})
          expect([status, json]).to.deep.equal([
            401,
            { success: false, errors: 'Must include an API key with request.' },
          ])
          expect(headers['www-authenticate']).to.equal('Bearer realm="api"')
          expect(headers['cache-control']).to.equal('no-store')
          expect((await client.ask('/hello', {})).json).to.deep.equal({ hello: 'stranger' })
          expect((await client.ask('/hello', { 'x-api-key': 'key_x' })).status).to.equal(401)
          expect((await client.ask('/hello', { 'x-api-key': '' })).status).to.equal(401)
        })
      })

      it('refuses what is not a key, a mistyped, an expired, a revoked and an orphaned one with 401 invalid_token', async () => {
        const api = apiOf()
        const [mistyped, expired, revoked, gone] = [
          await keyWith([]),
          await keyWith([{ expiresAt: NOW + 10 }]),
          await keyWith([]),
          (await api.issue(await userOf(2))).token,
        ]
        await api.revoke(revoked)
        await db()('users').where({ id: 2 }).delete()
        now = NOW + 10
        const other = mistyped.at(9) === 'A' ? 'B' : 'A'
        const dead = [mistyped.slice(0, 9) + other + mistyped.slice(10), expired, revoked, gone, 'x', 'a.b.c', '1.key_']
        await use(async (client) => {
          for (const key of dead) {
            for (const headers of [bearer(key), { 'x-api-key': key }]) {
              const response = await client.ask('/me', headers)
              expect(response.status, key).to.equal(401)
              expect(response.headers['www-authenticate']).to.include('Bearer realm="api", error="invalid_token"')
              expect(response.text).not.to.include(key)
            }
          }
        })
      })

      it('refuses a header with a blank, and a repeated one, as invalid_request', async () => {
        const key = await keyWith([])
        await use(async (client) => {
          for (const headers of [
            bearer(`${key} x`),
            { 'x-api-key': `${key} ${key}` },
            { 'x-api-key': `${key}, ${key}` },
            { 'x-api-key': [key, key] },
          ]) {
            const { status, headers: sent } = await client.ask('/me', headers)
            expect(status).to.equal(401)
            expect(sent['www-authenticate']).to.include('error="invalid_request"')
          }
        })
      })

      it('holds a key to its scopes, methods and path: 403 insufficient_scope', async () => {
        const key = await keyWith([{ scopes: ['deploy'], methods: ['POST'], path: '/deployments/' }])
        const served: readonly (readonly [number, string, string?])[] = [
          [200, '/deployments/7', 'POST'],
          [200, '/deployments/7?x=/me', 'POST'],
          [403, '/deployments/7', 'GET'],
          [403, '/deployments', 'POST'],
          [403, '/deployments/../me', 'POST'],
          [403, '/deployments/%2e%2e/me', 'POST'],
          [403, '/me', 'POST'],
          [403, '/hello', 'POST'],
        ]
        await use(async ({ url }) => {
          for (const [status, path, method = 'GET'] of served) {
            const response = await send(url, path, { method, headers: { 'x-api-key': key } })
            expect(response.status, `${method} ${path}`).to.be.oneOf(status === 403 ? [403, 404] : [200])
            if (response.status !== 403) continue
            expect(response.headers['www-authenticate']).to.include('error="insufficient_scope"')
            expect(response.json).to.deep.equal({ success: false, errors: 'The token does not allow this request.' })
          }
        })
      })

      it('goes as far as every limit allows, and names the scope that is missing', async () => {
        const key = await keyWith([{ scopes: ['deploy', 'read'] }, { scopes: ['read'] }, { expiresAt: NOW + 10 }])
        await use(async (client) => {
          const { status, headers } = await client.ask('/deployments', bearer(key), 'POST')
          expect(status).to.equal(403)
          expect(headers['www-authenticate']).to.include('scope="deploy"')
          now = NOW + 10
          expect((await client.ask('/deployments', bearer(key), 'POST')).status).to.equal(401)
        })
      })

      it('is never recent enough for maxAge, whatever it was issued with', async () => {
        const api = apiOf()
        const { token } = await api.issue(await userOf(1), { loggedInAt: NOW } as object)
        await use(async (client) => {
          const { status, headers, json } = await client.ask('/password', bearer(token))
          expect([status, json]).to.deep.equal([401, { success: false, errors: 'Please log in again.' }])
          expect(headers['www-authenticate']).to.include('error="insufficient_user_authentication"')
          expect(headers['www-authenticate']).to.include('max_age=600')
        })
      })

      it('is 503 for a key whose limits were cut or cannot be read, and unlimited only for null', async () => {
        const key = await keyWith([{ scopes: ['deploy'] }])
        await use(async (client) => {
          for (const limits of ['', '.', '.sYQ', 'sYQ.', '.sYQ.x', '.zYQ.', 'null', '{}']) {
            await db()('tokens').update({ limits })
            expect((await client.ask('/me', bearer(key))).status, limits).to.equal(503)
            const error: unknown = await apiOf()
              .verify({ token: key })
              .catch((thrown: unknown) => thrown)
            expect(error, limits).to.be.instanceOf(InternalError).with.property('code', 'ERR_SCHEMA')
            expect(
              await apiOf()
                .listTokens(await userOf(1))
                .catch(() => 'rejected'),
            ).to.equal('rejected')
          }
          await db()('tokens').update({ limits: null })
          expect((await client.ask('/me', bearer(key))).status).to.equal(200)
        })
      })

      it('is 503 if a store fails or hangs, with nothing of the cause', async () => {
        const key = await keyWith([])
        const error = Object.assign(new Error('select digest from tokens'), { code: 'E_DOWN' })
        const store = knexTokens(db())
        const apis = [
          apiOf({ store: { ...store, find: () => Promise.reject(error) } }),
          apiOf({ users: { findById: () => Promise.reject(error) } }),
          apiOf({ users: { findById: () => new Promise(() => undefined) }, timeout: 0.05 }),
        ]
        for (const api of apis) {
          await use(async (client) => {
            const response = await client.ask('/me', bearer(key))
            expect(response.status).to.equal(503)
            expect(response.text).not.to.match(/select|E_DOWN/)
          }, api)
        }
        expect(events.map(({ type }) => type)).to.deep.equal(['fault', 'fault', 'fault'])
      })
    })

    describe('a key', () => {
      it('ends with its user and not with the password; bound, it ends with that too', async () => {
        const [free, bound] = [apiOf(), apiOf({ audience: 'bound', boundTo: ({ password }) => [password] })]
        const keys = [await free.issue(await userOf(1)), await bound.issue(await userOf(1))] as const
        await db()('users')
          .where({ id: 1 })
          .update({ password: await cheap.hash('a new password') })
        expect(await free.verify(keys[0])).to.include({ ok: true })
        expect(await bound.verify(keys[1])).to.include({ ok: false, reason: 'revoked' })
        await db()('users').where({ id: 1 }).update({ is_active: false })
        expect(await free.verify(keys[0])).to.include({ ok: false, reason: 'inactive' })
        await db()('users').where({ id: 1 }).delete()
        expect(await free.verify(keys[0])).to.include({ ok: false, reason: 'invalid' })
      })

      it('is refused under another user, and its digest is no key', async () => {
        const { token } = await apiOf().issue(await userOf(1))
        expect(await apiOf().verify({ token, user: 1 })).to.include({ ok: true })
        expect(await apiOf().verify({ token, user: 2 })).to.include({ ok: false, reason: 'invalid' })
        const [row] = (await db()('tokens')) as [{ digest: string }]
        expect(await apiOf().verify({ token: row.digest })).to.include({ ok: false, reason: 'invalid' })
      })

      it('is listed with name, limits, end and last use, newest first, and never as itself', async () => {
        const api = apiOf()
        const limits = [{ scopes: ['deploy'] }]
        const first = await api.issue(await userOf(1), { name: 'CI', limits })
        await api.issue(await userOf(1), { name: 'Überwachung 🔑', limits: [{ expiresAt: NOW + 60 }] })
        await api.issue(await userOf(2), { name: 'of Bob' })
        now = NOW + 59
        await api.verify({ token: first.token, needs: { scope: 'deploy' } })
        expect((await api.listTokens(await userOf(1))).map(({ lastUsedAt }) => lastUsedAt)).to.deep.equal([null, null])
        now = NOW + 60
        await api.verify({ token: first.token, needs: { scope: 'deploy' } })
        const listed = await api.listTokens(await userOf(1))
        expect(listed).to.deep.equal([
          {
            id: first.id,
            name: 'CI',
            issuedAt: NOW,
            expiresAt: Number.MAX_SAFE_INTEGER,
            lastUsedAt: NOW + 60,
            limits,
          },
        ])
        expect(await api.pruneTokens()).to.equal(1)
        expect(await db()('tokens').select('id')).to.have.lengthOf(2)
      })

      it('is revoked by itself, by its id and its owner only, or with all of its user', async () => {
        const api = apiOf()
        const [alice, bob] = [await userOf(1), await userOf(2)]
        const mine = [await api.issue(alice), await api.issue(alice), await api.issue(alice)] as const
        const theirs = await api.issue(bob)
        expect(await api.revoke(mine[0].token)).to.equal(true)
        expect(await api.revoke(mine[0].token)).to.equal(false)
        expect(await api.revokeOne(bob, mine[1].id)).to.equal(false)
        for (const id of ['0', '01', ` ${mine[1].id}`, '-1', '1e1', '99999999999', 'x'])
          expect(await api.revokeOne(alice, id), id).to.equal(false)
        const both = await Promise.all([api.revokeOne(alice, mine[1].id), api.revokeOne(alice, mine[1].id)])
        expect(both).to.include(true)
        await api.revokeAll(alice)
        for (const { token } of mine) expect(await api.verify({ token })).to.include({ ok: false, reason: 'invalid' })
        expect(await api.verify(theirs)).to.include({ ok: true })
        expect(events).to.deep.include({ type: 'revoke-all', userId: '1' })
      })

      it('leaves nothing to the next user with the same id after revokeAll, also once the row is gone', async () => {
        const { token } = await apiOf().issue(await userOf(1))
        await db()('users').where({ id: 1 }).delete()
        await apiOf().revokeAll(1)
        await db()('users').insert({ id: 1, username: 'anna', password: 'x', is_active: true, token_epoch: 0 })
        expect(await apiOf().verify({ token })).to.include({ ok: false, reason: 'invalid' })
        const error: unknown = await apiOf()
          .revokeAll(99)
          .catch((thrown: unknown) => thrown)
        expect(error).to.include({ code: 'ERR_USER_NOT_FOUND' })
      })

      it('is one of `limit` at most: one more is refused and none ends', async () => {
        const api = apiOf({ limit: 2 })
        const alice = await userOf(1)
        const keys = [await api.issue(alice), await api.issue(alice)]
        const outcomes = await Promise.allSettled([api.issue(alice), api.issue(alice)])
        expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
        for (const key of keys) expect(await api.verify(key)).to.include({ ok: true })
        expect(await db()('tokens').select('id')).to.have.lengthOf(2)
      })

      it('has its last use written once, however many requests use it', async () => {
        const { token } = await apiOf().issue(await userOf(1))
        now = NOW + 60
        const apis = [apiOf(), apiOf()] as const
        const uses = Array.from({ length: 40 }, (_, at) => apis[at % 2 === 0 ? 0 : 1].verify({ token }))
        for (const verdict of await Promise.all(uses)) expect(verdict).to.include({ ok: true })
        const [row] = (await db()('tokens')) as [{ last_used_at: unknown; expires_at: unknown }]
        expect([Number(row.last_used_at), Number(row.expires_at)]).to.deep.equal([NOW + 60, Number.MAX_SAFE_INTEGER])
      })
    })

    describe('anyOf with sealed pairs', () => {
      it('lets one guard take pairs, which need their user, and keys, which come without one', async () => {
        const api = tokenApi({
          users: knexUsers(db()),
          passwords: cheap,
          throttle: false,
          clock: () => now,
          tokens: anyOf(
            sealedPairs<KnexUser>({ secret: SECRET, clock: () => now }),
            apiKeyTokens<KnexUser>({ store: knexTokens(db()), clock: () => now }),
          ),
          credentials: firstOf(apiKey(), params(), basic()),
        })
        const pair = await api.issue(await userOf(1))
        const key = await keyWith([], 'of the CI')
        const app = new Koa().use(
          api.tokenRequired((ctx) => {
            ctx.body = ctx.state.user.username
          }),
        )
        await withServer(app, async ({ url }) => {
          const statusOf = async (headers: OutgoingHttpHeaders): Promise<number> =>
            (await send(url, '/', { headers })).status
          expect(await statusOf(basicHeader(1, pair.token))).to.equal(200)
          expect(await statusOf({ 'x-api-key': key })).to.equal(200)
          expect(await statusOf(basicHeader(1, key))).to.equal(200)
          expect(await statusOf(basicHeader(2, key))).to.equal(403)
          expect(await statusOf({ 'x-api-key': pair.token })).to.equal(403)
        })
        expect(await api.verify({ token: pair.token })).to.include({ ok: false, reason: 'invalid' })
        await api.revokeAll(1)
        expect(await api.verify({ token: key })).to.include({ ok: false, reason: 'invalid' })
        expect(await api.verify({ token: pair.token, user: 1 })).to.include({ ok: false, reason: 'revoked' })
      })
    })
  })
})
