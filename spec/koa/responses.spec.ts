import { expect } from 'chai'
import Koa from 'koa'
import { noStore, writeResponse } from '../../lib/koa/responses.js'
import { response, tooManyRequests, unavailable } from '../../lib/response.js'
import { withServer } from '../support/http.js'
import { type Received, send } from '../support/send.js'

function written(middleware: Koa.Middleware): Promise<Received> {
  const app = new Koa()
  app.use(middleware)
  return withServer(app, ({ url }) => send(url, '/'))
}

describe('writeResponse', () => {
  it('writes status, headers and JSON', async () => {
    const { status, headers, text } = await written((ctx) =>
      writeResponse(ctx, response(401, { detail: 'no' }, { 'WWW-Authenticate': 'Token realm="api"' })),
    )
    expect([status, text]).to.deep.equal([401, '{"detail":"no"}'])
    expect(headers).to.include({
      'www-authenticate': 'Token realm="api"',
      'content-type': 'application/json; charset=utf-8',
    })
  })

  it('replaces a header that earlier middleware set, and adds to its cookies', async () => {
    const { headers } = await written((ctx) => {
      ctx.set({ Allow: 'GET', 'Set-Cookie': 'a=1', Vary: 'Origin' })
      writeResponse(ctx, response(405, {}, { Allow: 'POST', 'Set-Cookie': 'b=2' }))
    })
    expect([headers.allow, headers['set-cookie'], headers.vary]).to.deep.equal(['POST', ['a=1', 'b=2'], 'Origin'])
  })
})

describe('the responses every API has', () => {
  it('ask the client to come back after an internal error', async () => {
    const { status, headers, json } = await written((ctx) => writeResponse(ctx, unavailable({ detail: 'later' })))
    expect([status, json]).to.deep.equal([503, { detail: 'later' }])
    expect(headers).to.include({ 'retry-after': '2', 'cache-control': 'no-store' })
  })

  it('say how long to wait after too many attempts', async () => {
    const { status, headers } = await written((ctx) => writeResponse(ctx, tooManyRequests({}, 17)))
    expect([status, headers['retry-after']]).to.deep.equal([429, '17'])
  })
})

describe('noStore', () => {
  it('disables caching and the Referer header', async () => {
    const { headers } = await written((ctx) => noStore(ctx))
    expect(headers).to.include({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  })
})
