import { expect } from 'chai'
import knex from 'knex'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { type AppOptions, createApp } from '../../example-app/app.js'
import { migrate } from '../../example-app/migrate.js'
import { usersOf } from '../../example-app/users.js'
import { onEachDatabase } from '../support/databases.js'
import { basicHeader, serve, type Served } from '../support/http.js'

const SECRET = 'a secret of the specs, long enough to be one'
const PASSWORD = 'correct horse battery staple'

interface Received {
  readonly status: number
  readonly headers: Headers
  readonly json: Record<string, unknown>
}

async function ask(url: string, init: RequestInit = {}): Promise<Received> {
  const response = await fetch(url, init)
  const json = (await response.json()) as Record<string, unknown> // each answer of the app is an object
  return { status: response.status, headers: response.headers, json }
}

function form(fields: Record<string, string>): RequestInit {
  return { method: 'POST', body: new URLSearchParams(fields) }
}

onEachDatabase((db) => {
  describe('the example app', () => {
    let served: Served

    const login = (username: string, password = PASSWORD, at = served): Promise<Received> =>
      ask(`${at.url}/token/new`, form({ username, password }))
    /** The header of a user who has just logged in. */
    const headerOf = async (username: string, password = PASSWORD): Promise<{ authorization: string }> => {
      const { json } = await login(username, password)
      return basicHeader(Number(json['user']), String(json['token']))
    }
    const changePassword = (
      headers: { authorization: string },
      fields: Record<string, string>,
      at = served,
    ): Promise<Received> => ask(`${at.url}/password`, { ...form(fields), headers })

    before(async () => {
      await migrate(db())
      served = await serveOn({ db: db() })
    })
    beforeEach(async () => {
      await db()('users').del()
      await usersOf(db()).add('demo', PASSWORD)
      await usersOf(db()).add('other', PASSWORD)
    })
    after(() => served.close())
    afterEach(() => expect(served.errors).to.deep.equal([]))

    it('migrates again without harm', async () => {
      await migrate(db())
      expect((await login('demo')).status).to.equal(200)
    })

    it('adds a user once', async () => {
      await usersOf(db()).add('demo', 'another password')
      expect((await login('demo')).status).to.equal(200)
      expect((await login('demo', 'another password')).status).to.equal(401)
    })

    it('knows the user by query, form, JSON and Basic', async () => {
      const { json } = await login('demo')
      const user = Number(json['user'])
      const token = String(json['token'])
      const me = { success: true, user: { id: user, username: 'demo' } }
      const done = { success: true, test1: 49, test2: 'awesome' }
      const type = { 'content-type': 'application/json' }

      expect((await ask(`${served.url}/me?user=${user}&token=${token}`)).json).to.deep.equal(me)
      expect((await ask(`${served.url}/me`, { headers: basicHeader(user, token) })).json).to.deep.equal(me)
      const byForm = await ask(`${served.url}/index.json`, form({ user: String(user), token }))
      expect(byForm.json).to.deep.equal(done)
      const body = JSON.stringify({ user, token })
      const byJson = await ask(`${served.url}/index.json`, { method: 'POST', body, headers: type })
      expect(byJson.json).to.deep.equal(done)
      const check = await ask(`${served.url}/token/${token}/${user}.json`)
      expect(check.json).to.deep.equal({ success: true })
    })

    it('allows only POST on /index.json, with the status of django-tokenapi', async () => {
      const { status, json } = await ask(`${served.url}/index.json`, { headers: await headerOf('demo') })
      expect(status).to.equal(200)
      expect(json).to.deep.equal({ success: false, errors: 'Only POST is allowed' })
    })

    it('lets nobody in without a token', async () => {
      for (const [method, path] of [
        ['GET', '/me'],
        ['GET', '/index.json'],
        ['POST', '/index.json'],
        ['POST', '/password'],
        ['POST', '/logout-all'],
      ] as const) {
        const { status, headers } = await ask(served.url + path, { method })
        expect(status, path).to.equal(401)
        expect(headers.get('www-authenticate'), path).to.match(/^Basic /)
      }
    })

    describe('POST /password', () => {
      it('ends the older tokens of this user alone, and answers a new one', async () => {
        const [old, other] = [await headerOf('demo'), await headerOf('other')]
        const { status, headers, json } = await changePassword(old, {
          password: PASSWORD,
          new_password: 'a better one',
        })
        expect(status).to.equal(200)
        expect(json).to.have.all.keys('success', 'token', 'user')
        expect(headers.get('cache-control')).to.equal('no-store')

        const fresh = basicHeader(Number(json['user']), String(json['token']))
        expect((await ask(`${served.url}/me`, { headers: fresh })).status).to.equal(200)
        expect((await ask(`${served.url}/me`, { headers: old })).status).to.equal(403)
        expect((await ask(`${served.url}/me`, { headers: other })).status).to.equal(200)
        expect((await login('demo')).status).to.equal(401)
        expect((await login('demo', 'a better one')).status).to.equal(200)
      })

      it('refuses a wrong old password', async () => {
        const { status, json } = await changePassword(await headerOf('demo'), { password: 'x', new_password: 'y' })
        expect(status).to.equal(401)
        expect(json).to.deep.equal({ success: false, errors: 'The old password is wrong.' })
      })

      it('wants a new password that can log in, and the old one', async () => {
        const headers = await headerOf('demo')
        for (const fields of [
          { password: PASSWORD },
          { password: PASSWORD, new_password: '' },
          { password: PASSWORD, new_password: 'x'.repeat(4097) },
          { new_password: 'a better one' },
        ]) {
          expect((await changePassword(headers, fields)).status, JSON.stringify(fields).slice(0, 60)).to.equal(400)
        }
        const body = JSON.stringify({ password: PASSWORD, new_password: 1 })
        const init = { method: 'POST', body, headers: { ...headers, 'content-type': 'application/json' } }
        expect((await ask(`${served.url}/password`, init)).status).to.equal(400)
        expect((await login('demo')).status).to.equal(200)
      })

      it('lets one of several changes at once win', async () => {
        const headers = await headerOf('demo')
        const wanted = ['one', 'two', 'three']
        const answers = await Promise.all(
          wanted.map((password) => changePassword(headers, { password: PASSWORD, new_password: password })),
        )
        const winners = wanted.filter((_, at) => answers[at]?.status === 200)
        expect(winners).to.have.length(1)
        // The others came too late for the old password, for the token, or for the row.
        for (const { status } of answers) expect(status).to.be.oneOf([200, 401, 403, 409])
        for (const password of wanted) {
          expect((await login('demo', password)).status).to.equal(winners.includes(password) ? 200 : 401)
        }
      })

      it('throttles guesses of the old password like logins', async () => {
        const account = points(2)
        const strict = await serveOn({ db: db(), throttle: { account } })
        try {
          const headers = await headerOf('demo')
          const guess = (): Promise<Received> => changePassword(headers, { password: 'x', new_password: 'y' }, strict)
          expect([(await guess()).status, (await guess()).status]).to.deep.equal([401, 401])
          const { status, headers: answered } = await guess()
          expect(status).to.equal(429)
          expect(Number(answered.get('retry-after'))).to.be.within(1, 600)
          expect((await login('demo', PASSWORD, strict)).status).to.equal(429)
        } finally {
          await strict.close()
        }
      })
    })

    describe('POST /logout-all', () => {
      it('ends all tokens of this user alone', async () => {
        const [one, two, other] = [await headerOf('demo'), await headerOf('demo'), await headerOf('other')]
        const { json } = await ask(`${served.url}/logout-all`, { method: 'POST', headers: one })
        expect(json).to.deep.equal({ success: true })
        for (const headers of [one, two]) expect((await ask(`${served.url}/me`, { headers })).status).to.equal(403)
        expect((await ask(`${served.url}/me`, { headers: other })).status).to.equal(200)
        expect((await login('demo')).status).to.equal(200)
      })
    })

    describe('what it cannot serve', () => {
      it('is 404 in JSON', async () => {
        const { status, json } = await ask(`${served.url}/nowhere`)
        expect(status).to.equal(404)
        expect(json).to.deep.equal({ success: false, errors: 'Not Found' })
      })

      it('is 405 with Allow for another method', async () => {
        const { status, headers, json } = await ask(`${served.url}/me`, { method: 'DELETE' })
        expect(status).to.equal(405)
        expect(headers.get('allow')).to.equal('HEAD, GET')
        expect(json).to.deep.equal({ success: false, errors: 'Method Not Allowed' })
      })

      it('is 400 for a body that cannot be read, and 413 for one that is too large', async () => {
        const large = JSON.stringify({ username: 'x'.repeat(100_000) })
        for (const [body, expected] of [
          ['{"username":', 400],
          ['"text"', 400],
          [large, 413],
        ] as const) {
          const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } }
          const { status, json } = await ask(`${served.url}/token/new`, init)
          expect(status).to.equal(expected)
          expect(json['success']).to.equal(false)
        }
      })
    })

    it('counts the address that the nearest proxy names, and none without proxies', async () => {
      for (const [proxies, expected] of [
        [0, 429],
        [1, 401],
      ] as const) {
        const address = points(1)
        const behind = await serveOn({ db: db(), proxies, throttle: { ...generous(), address } })
        const attempt = (forwarded: string): Promise<Received> =>
          ask(`${behind.url}/token/new`, {
            ...form({ username: 'demo', password: 'x' }),
            headers: { 'x-forwarded-for': forwarded },
          })
        try {
          expect((await attempt('192.0.2.1')).status).to.equal(401)
          expect((await attempt('192.0.2.2')).status).to.equal(expected)
          // What a client wrote itself stands before what the proxy added.
          expect((await attempt('192.0.2.9, 192.0.2.1')).status).to.equal(429)
        } finally {
          await behind.close()
        }
      }
    })

    it('is healthy while its database answers', async () => {
      expect(await ask(`${served.url}/healthz`)).to.deep.include({ status: 200, json: { success: true } })
    })

    it('answers 503 where the database is gone, and tells no value of a query', async () => {
      const headers = await headerOf('demo')
      const gone = knex({ client: 'sqlite3', connection: ':memory:', useNullAsDefault: true })
      await gone.destroy()
      const broken = await serveOn({ db: gone })
      try {
        const { status, headers: answered } = await ask(`${broken.url}/me`, { headers })
        expect(status).to.equal(503)
        expect(answered.get('retry-after')).to.equal('2')
        const { status: health } = await ask(`${broken.url}/healthz`)
        expect(health).to.equal(503)
        expect(broken.errors).to.have.length(2)
        for (const error of broken.errors) expect(String(error)).not.to.match(/select|users/i)
      } finally {
        await broken.close()
      }
    })
  })
})

function serveOn(options: Pick<AppOptions, 'db'> & Partial<AppOptions>): Promise<Served> {
  return serve(createApp({ secret: SECRET, throttle: generous(), ...options }))
}

/** Enough attempts for a spec. */
function generous(): { account: RateLimiterMemory; address: RateLimiterMemory } {
  return { account: points(1000), address: points(1000) }
}

function points(count: number): RateLimiterMemory {
  return new RateLimiterMemory({ points: count, duration: 600 })
}
