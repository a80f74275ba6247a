import { mkdtempSync, createReadStream, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Router } from '@koa/router'
import { expect } from 'chai'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { basic, bearer, firstOf, memoryUsers, params, tokenApi, type User } from 'koa-tokenapi'
import { link } from 'koa-tokenapi/narrow'
import { withServer } from '../support/http.js'
import { quickPasswords, SECRET } from '../support/token-app.js'

const ann: User = { id: 1, username: 'ann', password: await quickPasswords.hash('ann’s password'), tokenEpoch: 0 }

/** An app with files and server-sent events behind a guard that takes only links from the query. */
function appOf(file: string): Koa {
  const api = tokenApi({
    users: memoryUsers([ann]),
    secret: SECRET,
    passwords: quickPasswords,
    credentials: firstOf(params({ query: 'links' }), basic(), bearer()),
  })
  const router = new Router()
  router.get('/files/:name', api.tokenRequired((ctx) => {
    ctx.attachment(ctx.params.name)
    ctx.body = createReadStream(file)
  })) // prettier-ignore
  router.get('/events', api.tokenRequired((ctx) => {
    ctx.type = 'text/event-stream'
    const events = new PassThrough()
    events.end(`data: hello ${ctx.state.user.username}\n\n`)
    ctx.body = events
  })) // prettier-ignore
  const app = new Koa()
  app
    .use(bodyParser())
    .use(api.routes({ check: false }))
    .use(router.routes())
  return app
}

describe('a link', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'koa-tokenapi-'))
    writeFileSync(join(folder, 'report.pdf'), 'the report')
  })
  after(() => rmSync(folder, { recursive: true }))

  const withLogin = (use: (url: string, pair: { user: number; token: string }) => Promise<void>): Promise<void> =>
    withServer(appOf(join(folder, 'report.pdf')), async ({ url }) => {
      const body = new URLSearchParams({ username: 'ann', password: 'ann’s password' })
      const response = await fetch(`${url}/token/new`, { method: 'POST', body })
      await use(url, (await response.json()) as { user: number; token: string }) // a login that succeeded
    })

  it('downloads a file, and nothing else', () =>
    withLogin(async (url, pair) => {
      const address = await link(pair, '/files/report.pdf', { seconds: 300, base: url })
      const response = await fetch(address)
      expect([response.status, await response.text()]).to.deep.equal([200, 'the report'])
      expect(response.headers.get('content-disposition')).to.include('report.pdf')
      expect(response.headers.get('cache-control')).to.equal('no-store')
      for (const other of [address.replace('report', 'another'), address.replace('/files/report.pdf', '/events')]) {
        expect((await fetch(other)).status).to.equal(403)
      }
      expect((await fetch(address, { method: 'POST' })).status).to.be.oneOf([404, 405])
      const full = `${url}/files/report.pdf?user=${pair.user}&token=${pair.token}`
      expect((await fetch(full)).status).to.equal(401)
    }))

  it('opens a stream of server-sent events, which a browser opens without headers', () =>
    withLogin(async (url, pair) => {
      const response = await fetch(await link(pair, '/events', { seconds: 60, base: url }))
      expect(response.headers.get('content-type')).to.include('text/event-stream')
      expect(await response.text()).to.equal('data: hello ann\n\n')
    }))
})
