import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import { connect as connectTo, type AddressInfo } from 'node:net'
import { Router } from '@koa/router'
import connect from 'connect'
import { expect } from 'chai'
import type { Knex } from 'knex'
import Koa, { type Middleware } from 'koa'
import bodyParser from 'koa-bodyparser'
import mount from 'koa-mount'
import { jsonResponse, type Limits, memoryUsers, tokenApi, type TokenApi, type User } from 'koa-tokenapi'
import { createUserTable, knexUsers } from 'koa-tokenapi/knex'
import { narrow } from 'koa-tokenapi/narrow'
import { chainedTag, field } from '../../lib/crypto.js'
import { onEachDatabase } from '../support/databases.js'

// Attacks on limits: what anyone can do who holds a token, and a request that is not quite the one that a token is limited to.

const SECRET = 'a secret of the specs, long enough to be one'
const NOW = 1_800_000_000
const ann: User = { id: 1, username: 'ann', password: 'scrypt$16384$salt$8$5$ann', tokenEpoch: 0 }

interface Reply {
  readonly status: number
  readonly text: string
}

/** What Koa's callback and a Connect app are. */
type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** An app whose every path and method is guarded, and the targets that reached its handler. */
interface Target {
  readonly app: Koa
  readonly api: TokenApi<User>
  readonly reached: string[]
}

function targetWith(users: Parameters<typeof tokenApi<User>>[0]['users'], ...before: readonly Middleware[]): Target {
  const api = tokenApi<User>({ users, secret: SECRET, clock: () => NOW })
  const reached: string[] = []
  const app = new Koa({ proxy: false })
  const router = new Router()
  const reach: Middleware = (ctx) => {
    reached.push(`${ctx.method} ${ctx.path}`)
    jsonResponse(ctx, {})
  }
  router.all('/orders', api.tokenRequired({ scope: 'orders:read' }, reach))
  router.all('/{*any}', api.tokenRequired(reach))
  for (const middleware of before) app.use(middleware)
  app.use(bodyParser()).use(api.routes()).use(router.routes())
  app.on('error', (error: Error) => reached.push(`error: ${error.message}`))
  return { app, api, reached }
}

/** Serves a listener while a spec sends requests to it. */
async function served<T>(listener: Listener, use: (port: number) => Promise<T>): Promise<T> {
  const server = createServer((request, response) => void listener(request, response)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    return await use((server.address() as AddressInfo).port) // it listens on TCP
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

/** A request as it is written, whatever its target. */
function ask(port: number, method: string, path: string, headers: Readonly<Record<string, string>>): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = connectTo(port, '127.0.0.1')
    const lines = Object.entries({ Host: 'localhost', Connection: 'close', ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    let text = ''
    outgoing.setEncoding('latin1')
    outgoing.on('data', (chunk: string) => (text += chunk))
    outgoing.once('error', reject)
    outgoing.once('close', () => resolve({ status: Number(text.slice(9, 12)), text }))
    outgoing.write(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  })
}

function bearer(token: string, headers: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return { Authorization: `Bearer 1.${token}`, ...headers }
}

/** A token with more texts in its head, chained as anyone who holds it can do, whether or not they are limits. */
function chained(token: string, ...texts: readonly string[]): string {
  let [head, seal, bond] = [token.slice(0, -65), token.slice(-64, -32), token.slice(-32)]
  for (const text of texts) {
    head += `.${text}`
    seal = chainedTag(seal, field(text))
    bond = chainedTag(bond, field(text))
  }
  return `${head}-${seal}${bond}`
}

function base64url(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64url')
}

/** A method override as applications have it. */
const override: Middleware = (ctx, next) => {
  if (ctx.get('X-HTTP-Method-Override') !== '') ctx.method = ctx.get('X-HTTP-Method-Override')
  return next()
}

async function queriesOf(db: Knex, work: () => Promise<unknown>): Promise<number> {
  let queries = 0
  const count = (): void => void (queries += 1)
  db.on('query', count)
  try {
    await work()
    return queries
  } finally {
    db.removeListener('query', count)
  }
}

describe('M: attacks on limits', () => {
  onEachDatabase((db) => {
    let target: Target
    let token: string

    before(async () => {
      await createUserTable(db())
      await db()('users').insert({ username: 'ann', password: ann.password, is_active: true, token_epoch: 0 })
    })

    beforeEach(async () => {
      target = targetWith(knexUsers(db()))
      token = (await target.api.issue(ann, { loggedInAt: NOW })).token
      await db()('users').update({ password: ann.password, token_epoch: 0, ended_logins: null })
    })

    const statusOf = (method: string, path: string, offered: string, headers = {}): Promise<number> =>
      served(target.app.callback(), async (port) => (await ask(port, method, path, bearer(offered, headers))).status)

    it('170: a limit that is removed, swapped, changed or doubled is invalid, without a query', async () => {
      const limited = chained(token, 'e1tip6ww', `s${base64url('orders:read')}`)
      expect(await statusOf('GET', '/orders', chained(token, 'etop2v4'))).to.equal(401) // over
      const [root = '', end = '', scope = ''] = limited.slice(0, -65).split('.')
      const tags = limited.slice(-65)
      const queries = await queriesOf(db(), async () => {
        for (const head of [
          [root],
          [root, end],
          [root, scope],
          [root, scope, end],
          [root, end, scope, scope],
          [root, end, `s${base64url('orders:reae')}`],
          [root, end, scope, 'e1tip6ww'],
        ]) {
          expect(await statusOf('GET', '/orders', head.join('.') + tags), head.join('.')).to.equal(401)
        }
      })
      expect(queries).to.equal(0)
      expect(target.reached).to.deep.equal([])
    })

    it('171: every limit counts, however wide a later one is', async () => {
      const short = await narrow(token, { expiresAt: NOW })
      expect(await statusOf('GET', '/any', await narrow(short, { expiresAt: NOW + 3600 }))).to.equal(401)
      const reading = await narrow(token, { scopes: ['orders:read'] })
      const wider = await narrow(reading, { scopes: ['orders:read', 'orders:write'] })
      expect(await statusOf('GET', '/orders', wider)).to.equal(200)
      const apart = await narrow(reading, { scopes: ['orders:write'] })
      expect(await statusOf('GET', '/orders', apart)).to.equal(403)
    })

    it('172: a child ends with its parent, and so do its children', async () => {
      const child = await narrow(token, { expiresAt: NOW + 60 })
      const grandchild = await narrow(child, { methods: ['GET'] })
      const all = [token, child, grandchild]
      for (const one of all) expect(await statusOf('GET', '/any', one)).to.equal(200)
      const { id = '' } = await factsOf(target.api, token)
      for (const change of [{ password: 'new' }, { token_epoch: 1 }, { ended_logins: `${id}:zzzzzz` }]) {
        await db()('users').update(change)
        for (const one of all) expect(await statusOf('GET', '/any', one), JSON.stringify(change)).to.equal(401)
        await db()('users').update({ password: ann.password, token_epoch: 0, ended_logins: null })
      }
      for (const one of all) expect(await statusOf('GET', '/any', one)).to.equal(200)
    })

    it('173: a limit in another form is invalid, without a query, though its chain is right', async () => {
      const others = [
        '',
        's',
        `s${base64url('b a')}`,
        `s${base64url('a a')}`,
        `s${base64url('a  b')}`,
        'e0u',
        'sYQ==',
        'sYR',
        'sYQ+',
        `p${base64url(`/${'x'.repeat(512)}`)}`,
        'xYQ',
        'e',
        ...Array.from({ length: 3 }, (_, at) => `p${base64url(['/a?b', '/a/../b', '/%2e'][at] ?? '')}`),
      ]
      const queries = await queriesOf(db(), async () => {
        for (const text of others) {
          const offered = chained(token, text)
          const verdict = await target.api.verify({ user: 1, token: offered, request: { method: 'GET', path: '/a' } })
          expect(verdict, text).to.deep.equal({ ok: false, reason: 'invalid' })
        }
        const many = chained(token, ...Array.from({ length: 9 }, () => 'e1tip6ww'))
        expect(await target.api.verify({ user: 1, token: many })).to.deep.equal({ ok: false, reason: 'invalid' })
        const long = chained(token, `p${base64url(`/${'x'.repeat(511)}`)}`, `s${base64url('x'.repeat(300))}`)
        expect(await target.api.verify({ user: 1, token: long })).to.deep.equal({ ok: false, reason: 'invalid' })
      })
      expect(queries).to.equal(0)
    })

    it('174: a token with scopes passes no route that names none, and nothing that is not known', async () => {
      const reading = await narrow(token, { scopes: ['orders:read'] })
      expect(await statusOf('GET', '/any', reading)).to.equal(403)
      expect(await statusOf('GET', `/token/${reading}/1`, reading)).to.equal(401)
      expect(await statusOf('GET', `/token/${reading}/1?scope=orders:write`, reading)).to.equal(401)
      expect(await statusOf('GET', `/token/${reading}/1?scope=orders:read`, reading)).to.equal(200)
      expect(await target.api.verify({ user: 1, token: reading })).to.include({ reason: 'insufficient_scope' })
      expect(await statusOf('GET', '/any', reading, { Upgrade: 'websocket' })).to.equal(403)
    })

    it('184: Bearer is read in one way', async () => {
      const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.AAAA'
      const queries = await queriesOf(db(), async () => {
        for (const offered of [
          token,
          `.${token}`,
          `1.2.${token}`,
          `${'1'.repeat(201)}.${token}`,
          `a:b.${token}`,
          jwt,
          '1.',
          '.',
        ]) {
          const reply = await served(target.app.callback(), (port) =>
            ask(port, 'GET', '/any', { Authorization: `Bearer ${offered}` }),
          )
          expect(reply.status, offered).to.equal(401)
          expect(reply.text, offered).to.match(/^WWW-Authenticate: Bearer realm="api", error="invalid_/im)
        }
      })
      expect(queries).to.equal(0)
      expect(target.reached).to.deep.equal([])
    })
  })

  describe('a request that is not the one of the limit', () => {
    let target: Target
    let token: string
    const reset = async (...before: readonly Middleware[]): Promise<void> => {
      target = targetWith(memoryUsers([ann]), ...before)
      token = (await target.api.issue(ann)).token
    }
    beforeEach(() => reset())

    const statusOf = async (
      limits: Limits,
      method: string,
      path: string,
      headers: Readonly<Record<string, string>> = {},
      listener: Listener = target.app.callback(),
    ): Promise<number> => {
      const limited = await narrow(token, limits)
      return served(listener, async (port) => (await ask(port, method, path, bearer(limited, headers))).status)
    }

    const exact: Limits = { path: '/files/1' }
    const prefix: Limits = { path: '/files/' }

    it('175: only the bytes that the client sent count', async () => {
      expect(await statusOf(exact, 'GET', '/files/1')).to.equal(200)
      expect(await statusOf(exact, 'GET', '/files/1?x=/../y#z')).to.equal(200)
      for (const path of [
        '/files/1/',
        '/files/12',
        '//files/1',
        '/files/%31',
        '/FILES/1',
        '/files/1#/../x',
        '/files/1#',
        '/files',
      ])
        expect(await statusOf(exact, 'GET', path), path).to.equal(403)
      expect(target.reached).to.deep.equal(['GET /files/1', 'GET /files/1'])
    })

    it('175: below koa-mount, the path is the one that arrived', async () => {
      const outer = new Koa().use(mount('/api', target.app))
      expect(await statusOf({ path: '/api/files/1' }, 'GET', '/api/files/1', {}, outer.callback())).to.equal(200)
      expect(await statusOf(exact, 'GET', '/api/files/1', {}, outer.callback())).to.equal(403)
      expect(target.reached).to.deep.equal(['GET /files/1'])
    })

    it('175: below Connect (and Express), the path is the one that arrived', async () => {
      const outer = connect().use('/sub', target.app.callback())
      expect(await statusOf({ path: '/sub/files/1' }, 'GET', '/sub/files/1', {}, outer)).to.equal(200)
      expect(await statusOf(exact, 'GET', '/sub/files/1', {}, outer)).to.equal(403)
      expect(target.reached).to.deep.equal(['GET /files/1'])
    })

    it('175: below a router with a prefix, the path is the one that arrived', async () => {
      const router = new Router({ prefix: '/v1' })
      router.get('/files/:id', target.api.tokenRequired((ctx) => jsonResponse(ctx, {}))) // prettier-ignore
      const outer = new Koa().use(router.routes())
      expect(await statusOf({ path: '/v1/files/1' }, 'GET', '/v1/files/1', {}, outer.callback())).to.equal(200)
      expect(await statusOf(exact, 'GET', '/v1/files/1', {}, outer.callback())).to.equal(403)
    })

    it('175: middleware that rewrites the path changes nothing of it', async () => {
      for (const rewrite of [
        (ctx: Koa.Context): void => void (ctx.path = '/files/1'),
        (ctx: Koa.Context): void => void (ctx.url = '/files/1?x'),
      ]) {
        await reset((ctx, next) => {
          rewrite(ctx)
          return next()
        })
        expect(await statusOf(exact, 'GET', '/admin')).to.equal(403)
        expect(await statusOf({ path: '/admin' }, 'GET', '/admin')).to.equal(200)
      }
    })

    it('176: no way leads out of a folder', async () => {
      for (const path of ['/files/', '/files/1', '/files/a/b', '/files/...', '/files/%20', '/files/?x'])
        expect(await statusOf(prefix, 'GET', path), path).to.equal(200)
      target.reached.length = 0
      for (const path of [
        '/files/../admin',
        '/files/..',
        '/files/.',
        '/files/%2e%2e/admin',
        '/files/%2E./x',
        '/files/.%2e/admin',
        '/files/a%2f..%2fb',
        '/files/a\\..\\b',
        '/files/a%5c..%5Cb',
        '/files//x',
        '/files',
        '/filesx',
        '/files/\xc3\xbc',
        '/files/a[1]',
      ]) {
        expect(await statusOf(prefix, 'GET', path), path).to.be.oneOf([400, 403])
      }
      expect(target.reached).to.deep.equal([])
    })

    it('177: a target in absolute form, "*" and CONNECT are within no path', async () => {
      for (const path of ['http://other/files/1', 'http://localhost/files/1', 'http:///files/1', 'files/1'])
        expect(await statusOf(exact, 'GET', path), path).to.be.oneOf([400, 403])
      expect(await statusOf({ path: '/' }, 'OPTIONS', '*')).to.be.oneOf([403, 404])
      expect(await statusOf({ path: '/' }, 'CONNECT', 'localhost:80')).to.not.equal(200)
      expect(target.reached).to.deep.equal([])
    })

    it('177: without a path limit, a target in absolute form is what Koa makes of it', async () => {
      expect(await statusOf({ expiresAt: NOW + 60 }, 'GET', 'http://other/files/1')).to.equal(200)
      expect(target.reached).to.deep.equal(['GET /files/1'])
    })

    it('178: GET allows HEAD, and nothing else', async () => {
      const get: Limits = { methods: ['GET'] }
      expect(await statusOf(get, 'HEAD', '/x')).to.equal(200)
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
        expect(await statusOf(get, method, '/x'), method).to.equal(403)
    })

    it('178: a method that is overridden counts as the router sees it', async () => {
      const post: Limits = { methods: ['POST'] }
      const headers = { 'X-HTTP-Method-Override': 'DELETE' }
      expect(await statusOf(post, 'POST', '/x?_method=DELETE', headers), 'without such middleware').to.equal(200)
      expect(target.reached).to.deep.equal(['POST /x'])
      await reset(override)
      expect(await statusOf(post, 'POST', '/x', headers), 'with it').to.equal(403)
      expect(target.reached).to.deep.equal([])
    })

    it('178: a request for a socket is within no method', async () => {
      for (const Upgrade of ['websocket', 'h2c', 'anything', ''])
        expect(await statusOf({ methods: ['GET'] }, 'GET', '/x', { Upgrade }), Upgrade).to.equal(403)
      const source = { method: 'GET', url: '/x', headers: { authorization: '', upgrade: 'websocket' } }
      source.headers.authorization = `Bearer 1.${await narrow(token, { methods: ['GET'] })}`
      const verdict = await target.api.authenticate(source as never) // as much of a request as is read
      expect(verdict).to.include({ ok: false, reason: 'insufficient_scope' })
    })

    it('178: the same holds for a real upgrade', async () => {
      const limited = await narrow(token, { methods: ['GET'] })
      const scoped = await narrow(token, { path: '/socket' })
      const server = createServer()
      const verdicts: unknown[] = []
      server.on('upgrade', (request, socket) => {
        const decide = async (): Promise<void> => {
          const verdict = await target.api.authenticate(request)
          verdicts.push(verdict.ok || verdict.reason)
          socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
        }
        void decide()
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo // it listens on TCP
      for (const offered of [limited, scoped]) {
        const headers = { ...bearer(offered), Connection: 'Upgrade', Upgrade: 'websocket' }
        await new Promise((resolve) =>
          httpRequest({ port, path: '/socket', headers }, resolve).on('error', resolve).end(),
        )
      }
      await new Promise((resolve) => server.close(resolve))
      expect(verdicts).to.deep.equal(['insufficient_scope', true])
    })
  })
})

async function factsOf(api: TokenApi<User>, token: string): Promise<{ id?: string }> {
  const verdict = await api.verify({ user: 1, token })
  return verdict.ok ? verdict.value.token : {}
}
