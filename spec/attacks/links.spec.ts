import { randomBytes } from 'node:crypto'
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Router } from '@koa/router'
import { expect } from 'chai'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import {
  basic,
  bearer,
  firstOf,
  jsonResponse,
  type Limits,
  memoryUsers,
  params,
  tokenApi,
  type TokenApi,
  type User,
} from 'koa-tokenapi'
import { link, narrow } from 'koa-tokenapi/narrow'
import { hasChromium, openChromium } from '../support/browser.js'
import { basicHeader, serve, type Served } from '../support/http.js'

const SECRET = 'a secret of the specs, long enough to be one'
const MALFORMED = "Must include 'user' and 'token' parameters with request."

function query(token: string): string {
  return `user=1&token=${token}`
}

async function statusOf(url: string, init?: RequestInit): Promise<number> {
  return (await fetch(url, init)).status
}

describe('M 179: links, and what else a query may not hold', () => {
  const file = randomBytes(300_000)
  const user: User = { id: 1, username: 'ann', password: 'scrypt$16384$salt$8$5$ann', tokenEpoch: 0 }
  let now: number
  let folder: string
  let served: Served
  let reached: string[]
  let token: string
  let api: TokenApi<User>

  // By the clock of this machine, which link() reads.
  const build = (): TokenApi<User> =>
    tokenApi({
      users: memoryUsers([user]),
      secret: SECRET,
      credentials: firstOf(params({ query: 'links' }), basic(), bearer()),
      clock: () => now,
    })

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'koa-tokenapi-links-'))
    writeFileSync(join(folder, 'report.bin'), file)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  beforeEach(async () => {
    now = Math.floor(Date.now() / 1000)
    api = build()
    reached = []
    const router = new Router()
    const seen = (path: string): void => void reached.push(path)
    const download = api.tokenRequired((ctx) => {
      seen(ctx.path)
      ctx.attachment('report.bin')
      ctx.body = createReadStream(join(folder, 'report.bin'))
    })
    const events = api.tokenRequired((ctx) => {
      seen(ctx.path)
      const stream = new PassThrough()
      ctx.set('Content-Type', 'text/event-stream')
      ctx.body = stream
      for (const data of ['one', 'two']) stream.write(`data: ${data} for ${ctx.state.user.username}\n\n`)
      if (ctx.method === 'HEAD') stream.end()
    })
    router.get('/files/report', download)
    router.get('/events/orders', events)
    router.get('/open', api.tokenOptional((ctx) => jsonResponse(ctx, { user: ctx.state.user?.id ?? null }))) // prettier-ignore
    router.all('/scoped', api.tokenRequired({ scope: 'orders:read' }, (ctx) => jsonResponse(ctx, {}))) // prettier-ignore
    router.all('/files/:name', api.tokenRequired((ctx) => { seen(ctx.path); jsonResponse(ctx, {}) })) // prettier-ignore
    const app = new Koa()
    app.use(bodyParser()).use(api.routes()).use(router.routes())
    served = await serve(app)
    token = (await api.issue(user)).token
  })
  afterEach(() => served.close())

  const linkTo = (path: string, seconds = 60): Promise<string> =>
    link({ user: 1, token }, path, { seconds, base: served.url })

  it('download a file', async () => {
    const response = await fetch(await linkTo('/files/report'))
    expect(response.status).to.equal(200)
    expect(response.headers.get('cache-control')).to.equal('no-store')
    expect(response.headers.get('referrer-policy')).to.equal('no-referrer')
    expect(Buffer.from(await response.arrayBuffer()).equals(file)).to.equal(true)
    const head = await fetch(await linkTo('/files/report'), { method: 'HEAD' })
    expect(head.status).to.equal(200)
  })

  it('open a stream of server-sent events', async () => {
    const response = await fetch(await linkTo('/events/orders'))
    expect(response.headers.get('content-type')).to.equal('text/event-stream')
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString()
      if (text.includes('two')) break
    }
    expect(text).to.equal('data: one for ann\n\ndata: two for ann\n\n')
  })

  it('open nothing else: no other path, no other method, and nothing once they have expired', async () => {
    const url = await linkTo('/files/report')
    expect(await statusOf(url.replace('/files/report', '/files/other'))).to.equal(403)
    expect(await statusOf(url.replace('/files/report', '/files/report/'))).to.be.oneOf([403, 404])
    expect(await statusOf(url.replace('/files/report', '/events/orders'))).to.equal(403)
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
      expect(await statusOf(url, { method }), method).to.equal(403)
    now += 61
    expect(await statusOf(url)).to.equal(403)
    expect(reached).to.deep.equal([])
  })

  it('are limited by what stands before the query, whatever the query says', async () => {
    const url = await linkTo('/files/report')
    expect((await fetch(`${url}&path=/files/other&method=POST`)).status).to.equal(200)
  })

  it('are the only tokens that a query may hold', async () => {
    const end: Limits = { expiresAt: now + 60 }
    const path: Limits = { path: '/files/report' }
    const get: Limits = { methods: ['GET'] }
    const others: Readonly<Record<string, readonly Limits[]>> = {
      'the full token': [],
      'one without an end': [path, get],
      'one without a path': [end, get],
      'one without a method': [end, path],
      'one for POST': [end, path, { methods: ['POST'] }],
      'one for GET and POST': [end, path, { methods: ['GET', 'POST'] }],
      'one for GET and HEAD': [end, path, { methods: ['GET', 'HEAD'] }],
    }
    for (const [what, limits] of Object.entries(others)) {
      let limited = token
      for (const limit of limits) limited = await narrow(limited, limit)
      for (const route of ['/files/report', '/open']) {
        const response = await fetch(`${served.url}${route}?${query(limited)}`)
        expect(response.status, `${what} at ${route}`).to.equal(401)
        expect(await response.json()).to.deep.equal({ success: false, errors: MALFORMED })
      }
    }
    expect(reached).to.deep.equal([])
  })

  it('are refused as links only once they are verified: a forged one says nothing of what it lacks', async () => {
    const forged = `${token.slice(0, -64)}${'0'.repeat(64)}`
    const response = await fetch(`${served.url}/files/report?${query(forged)}`)
    expect(response.status).to.equal(403)
    expect(response.headers.get('www-authenticate')).to.include('invalid_token')
  })

  it('are needed only in the query: a full token in the body or a header counts as ever', async () => {
    expect((await fetch(`${served.url}/files/report`, { headers: basicHeader(1, token) })).status).to.equal(200)
    const headers = { authorization: `Bearer 1.${token}` }
    expect((await fetch(`${served.url}/files/report`, { headers })).status).to.equal(200)
    const body = new URLSearchParams({ user: '1', token })
    expect((await fetch(`${served.url}/files/report`, { method: 'POST', body })).status).to.equal(200)
  })

  it('carry the scopes of their token, and no more', async () => {
    token = await narrow(token, { scopes: ['orders:read'] })
    expect((await fetch(await linkTo('/scoped'))).status).to.equal(200)
    expect((await fetch(await linkTo('/files/report'))).status).to.equal(403)
  })

  it('cannot renew a token nor end a login', async () => {
    const renewing = tokenApi({ users: memoryUsers([user]), secret: SECRET, renewDays: 90, clock: () => now })
    const limits: Limits[] = [{ expiresAt: now + 60, methods: ['GET'], path: '/token/renew' }]
    const { token: limited } = await renewing.issue(user, { limits, loggedInAt: now })
    const offered = { user: 1, token: limited }
    expect(await renewing.renew(offered)).to.include({ ok: false, reason: 'insufficient_scope' })
    expect(await renewing.endLogin(offered)).to.include({ ok: false, reason: 'insufficient_scope' })
  })

  if (!hasChromium()) return

  it('work in a real browser: an anchor that downloads, and an EventSource', async function () {
    this.timeout(60_000)
    const { browser, close } = await openChromium()
    try {
      const page = await browser.newPage()
      await page.goto(`${served.url}/nothing`)
      const events = await page.evaluate(`new Promise((resolve, reject) => {
        const seen = []
        const source = new EventSource(${JSON.stringify(await linkTo('/events/orders'))})
        source.onerror = () => reject(new Error('it failed'))
        source.onmessage = ({ data }) => { if (seen.push(data) === 2) { source.close(); resolve(seen) } }
      })`)
      expect(events).to.deep.equal(['one for ann', 'two for ann'])
      const waiting = page.waitForEvent('download')
      await page.evaluate(`(() => {
        const anchor = document.createElement('a')
        anchor.href = ${JSON.stringify(await linkTo('/files/report'))}
        anchor.download = ''
        document.body.append(anchor)
        anchor.click()
      })()`)
      const download = await waiting
      expect(download.suggestedFilename()).to.equal('report.bin')
      const stream = await download.createReadStream()
      const chunks: Buffer[] = []
      for await (const chunk of stream) chunks.push(chunk as Buffer)
      expect(Buffer.concat(chunks).equals(file)).to.equal(true)
    } finally {
      await close()
    }
  })
})
