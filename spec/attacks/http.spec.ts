import { createHash } from 'node:crypto'
import { expect } from 'chai'
import type { Middleware } from 'koa'
import { memoryUsers, type User } from 'koa-tokenapi'
import { MISSING, hash, ADMIN, token, query, expectRefusal, apiOf, onEachParser } from '../support/attacks.js'
import { withServer } from '../support/http.js'
import { rawly } from '../support/rawly.js'
import { send } from '../support/send.js'
import { tokenApp } from '../support/token-app.js'

/** A CORS layer as small as one can be. */
const cors: Middleware = async (ctx, next) => {
  ctx.vary('Origin')
  ctx.set('Access-Control-Allow-Origin', 'https://app.example.org')
  if (ctx.method === 'OPTIONS' && ctx.get('Access-Control-Request-Method') !== '') {
    ctx.set('Access-Control-Allow-Headers', 'Authorization')
    ctx.status = 204
    return
  }
  await next()
}

/** What koa-etag and koa-conditional-get do: a tag and a date for each body, and 304 if the client has that body already. */
const conditionalGet: Middleware = async (ctx, next) => {
  await next()
  if (ctx.status !== 200) return
  ctx.etag = createHash('sha256').update(JSON.stringify(ctx.body)).digest('hex')
  ctx.lastModified = new Date(0)
  if (ctx.fresh) ctx.status = 304
}

describe('attacks on HTTP semantics', () => {
  onEachParser(({ served, guarded, untouched }) => {
    it('132, 133: sends no-store with every response about a token, and never 304', async () => {
      const paths = [
        '/guarded',
        `/guarded?${query('1', token)}`,
        `/guarded?${query('2', token)}`,
        `/token/${token}/1`,
        `/token/${token}/2`,
        '/token/new',
        '/free',
      ]
      for (const path of paths) {
        const response = await send(served().url, path, {
          headers: { 'if-none-match': '*', 'if-modified-since': new Date().toUTCString() },
        })
        expect(response.status, path).not.to.equal(304)
        expect(response.headers['cache-control'], path).to.equal('no-store')
        expect(response.headers['referrer-policy'], path).to.equal('no-referrer')
        if (response.status === 401) expect(response.headers['www-authenticate'], path).to.match(/^Basic realm="api"/)
      }
    })

    it('135: responds to HEAD as to GET, and lets neither OPTIONS nor TRACE through', async () => {
      for (const method of ['HEAD', 'OPTIONS', 'TRACE']) {
        const response = await send(served().url, '/guarded', { method })
        expect(response.status, method).to.equal(401)
        expect(response.headers['www-authenticate'], method).to.equal('Basic realm="api", charset="UTF-8"')
      }
      const [get, head] = [
        await send(served().url, '/guarded'),
        await send(served().url, '/guarded', { method: 'HEAD' }),
      ]
      expect(head.text).to.equal('')
      expect(head.headers['content-length']).to.equal(get.headers['content-length'])
      untouched('135')
    })

    it('143: does not carry a user over from one request of a connection to the next', async () => {
      const good = `GET /guarded?${query('1', token)} HTTP/1.1\r\nHost: x\r\n\r\n`
      const bad = 'GET /guarded HTTP/1.1\r\nHost: x\r\n\r\n'
      const last = 'GET /guarded HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
      const responses = await rawly(served().url, good + bad + good + last)
      expect(responses.match(/HTTP\/1\.1 [0-9]+/g)).to.deep.equal(
        ['200', '401', '200', '401'].map((one) => `HTTP/1.1 ${one}`),
      )
      expect(await rawly(served().url, 'GET /guarded HTTP/1.0\r\n\r\n')).to.match(/^HTTP\/1\.1 401 /)
      expect(guarded().reached).to.deep.equal(['1', '1'])
    })
  })

  it('133: verifies each conditional request, behind middleware that responds 304', async () => {
    const guarded = tokenApp(apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }])))
    guarded.app.middleware.unshift(conditionalGet)
    await withServer(guarded.app, async ({ url }) => {
      const statusesOf = async (headers: Record<string, string>): Promise<number[]> => {
        const statuses: number[] = []
        for (const path of [
          `/token/${token}/1`,
          `/token/${token}/1.json`,
          `/token/${token}/2`,
          `/guarded?${query('2', token)}`,
        ]) {
          statuses.push((await send(url, path, { headers })).status)
        }
        return statuses
      }
      const { etag = '' } = (await send(url, `/token/${token}/1`)).headers
      const ofAnyBody = [{ 'if-none-match': '*' }, { 'if-modified-since': new Date(1).toUTCString() }]
      for (const headers of [{ 'if-none-match': etag }, ...ofAnyBody]) {
        expect(await statusesOf(headers), JSON.stringify(headers)).to.deep.equal([200, 200, 401, 403])
      }
      // The middleware does its work: what a handler sends to the right user may be 304.
      for (const headers of ofAnyBody) {
        expect((await send(url, `/guarded?${query('1', token)}`, { headers })).status).to.equal(304)
      }
    })
  })

  it('134: leaves a preflight to a CORS layer before the guard, and never to a handler behind it', async () => {
    const guarded = tokenApp(apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }])))
    const preflight = {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example.org', 'access-control-request-method': 'GET' },
    }
    await withServer(guarded.app, async ({ url }) => {
      expectRefusal(await send(url, '/guarded', preflight), 401, MISSING, 'without a CORS layer')
    })
    guarded.app.middleware.unshift(cors)
    await withServer(guarded.app, async ({ url }) => {
      const response = await send(url, '/guarded', preflight)
      expect([response.status, response.headers['access-control-allow-headers']]).to.deep.equal([204, 'Authorization'])
    })
    expect(guarded.reached).to.deep.equal([])
  })

  it('136: keeps headers that were set before, in every refusal and internal error', async () => {
    const users = memoryUsers<User>([{ ...ADMIN, password: hash }])
    let isDown = false
    const flaky = {
      ...users,
      findById: (id: string) => (isDown ? Promise.reject(new Error('down')) : users.findById(id)),
    }
    const guarded = tokenApp(apiOf(flaky))
    guarded.app.middleware.unshift(cors)
    await withServer(guarded.app, async ({ url }) => {
      const paths = ['/guarded', '/guarded?user=1&token=x', '/token/x/1', '/token/new', `/guarded?${query('1', token)}`]
      const statuses: number[] = []
      for (isDown of [false, true]) {
        for (const path of paths) {
          const { status, headers } = await send(url, path)
          statuses.push(status)
          expect(headers['access-control-allow-origin'], path).to.equal('https://app.example.org')
          expect(headers.vary, path).to.equal('Origin')
        }
      }
      expect(statuses).to.deep.equal([401, 403, 401, 405, 200, 401, 403, 401, 405, 503])
    })
  })
})
