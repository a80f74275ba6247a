import { generateKeyPairSync } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect } from 'chai'
import Koa from 'koa'
import { memoryUsers, type TokenEvent } from 'koa-tokenapi'
import { jwtApi, type JwtApiOptions } from 'koa-tokenapi/jwt'
import { type KnexUser } from 'koa-tokenapi/knex'
import { onEachDatabase } from '../support/databases.js'
import { forgedJwt } from '../support/forged-jwt.js'
import { type Received, asJson, send } from '../support/send.js'
import { withServer } from '../support/http.js'
import { behavesLikeASibling } from '../support/sibling-api.contract.js'
import { cheap, type Client, NOW, partsOn, PASSWORD, served, tokenIn, withUsers } from '../support/siblings.js'

const SECRET = 'a secret of more than thirty-two bytes'
const LOGIN = '/api-token-auth'
const REFRESH = '/api-token-refresh'
const VERIFY = '/api-token-verify'
const WEEK = 604800
const toState = (user: KnexUser): unknown[] => [user.password, user.tokenEpoch ?? 0]

/** An API with some options as a caller without types gives them. */
function loose(options: object): () => unknown {
  return () => jwtApi({ users: memoryUsers([]), secret: SECRET, ...options })
}

function claimsIn(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown> // as issued
}

function posted(client: Pick<Client, 'url'>, path: string, token: unknown): Promise<Received> {
  return send(client.url, path, asJson({ token }))
}

function asked(
  client: Pick<Client, 'url'>,
  method: string,
  headers: Record<string, string>,
  path = '/me',
): Promise<Received> {
  return send(client.url, path, { method, headers })
}

function secretOf(user: KnexUser): string {
  return `a secret of ${user.username}: ${user.password}`
}

describe('jwtApi', () => {
  behavesLikeASibling({
    make: (parts) => jwtApi({ ...parts, secret: SECRET }),
    scheme: 'JWT',
    path: LOGIN,
    loggedIn: 200,
    wrongPassword: 400,
    disabled: 400,
    stored: false,
  })

  onEachDatabase((db) => {
    let now: number
    withUsers(db)
    beforeEach(() => {
      now = NOW
    })

    const apiOf = (options: Partial<JwtApiOptions<KnexUser>> = {}) =>
      jwtApi({
        ...partsOn(db(), () => now),
        secret: SECRET,
        ...options,
      })
    const withCookie = (origins: string[] = []) => apiOf({ cookie: { name: 'jwt', origins } })
    const newPassword = async (): Promise<void> => {
      await db()('users')
        .where({ id: 1 })
        .update({ password: await cheap.hash('another') })
    }

    describe('refresh', () => {
      for (const slash of ['', '/']) {
        it(`returns a new token for a valid one, at ${REFRESH}${slash}`, async () => {
          await served(apiOf(), async (client) => {
            const token = tokenIn(await client.login(LOGIN))
            now = NOW + 299
            const response = await posted(client, REFRESH + slash, token)
            expect(response.status).to.equal(200)
            expect(response.headers['cache-control']).to.equal('no-store')
            expect(claimsIn(tokenIn(response))).to.include({ exp: NOW + 599, orig_iat: NOW, username: 'alice' })
            expect((await client.ask(`JWT ${tokenIn(response)}`)).status).to.equal(200)
          })
        })
      }

      it('is refused for an expired token, and a week after the login', async () => {
        await served(apiOf({ lifetime: 2 * WEEK }), async (client) => {
          const token = tokenIn(await client.login(LOGIN))
          now = NOW + WEEK
          expect((await posted(client, REFRESH, token)).status).to.equal(200)
          now = NOW + WEEK + 1
          expect((await posted(client, REFRESH, token)).json).to.deep.equal({
            non_field_errors: ['Refresh has expired.'],
          })
          now = NOW + 2 * WEEK
          expect((await posted(client, REFRESH, token)).json).to.deep.equal({
            non_field_errors: ['Signature has expired.'],
          })
        })
      })

      it('is refused for a disabled user, and for a deleted one', async () => {
        await served(apiOf(), async (client) => {
          const token = tokenIn(await client.login(LOGIN))
          await db()('users').where({ id: 1 }).update({ is_active: false })
          expect((await posted(client, REFRESH, token)).status).to.equal(400)
          await db()('users').where({ id: 1 }).delete()
          expect((await posted(client, REFRESH, token)).status).to.equal(400)
        })
      })

      it('is refused for what is not a token, or not text', async () => {
        await served(apiOf(), async (client) => {
          for (const token of [
            '',
            'x',
            'a.b.c',
            forgedJwt('another secret of more than 32 bytes', {}),
            null,
            7,
            ['x'],
            {},
            undefined,
          ]) {
            expect((await posted(client, REFRESH, token)).status, JSON.stringify(token)).to.equal(400)
          }
        })
      })

      it('emits its refusals and internal errors like the guard', async () => {
        const events: TokenEvent[] = []
        const onEvent = (event: TokenEvent): void => void events.push(event)
        const failure = Object.assign(new Error('down'), { code: 'E_DOWN' })
        const failing = (): Promise<never> => Promise.reject(failure)
        const { token } = await apiOf().issue({ id: 1, username: 'alice', password: null })
        expect(await apiOf({ onEvent }).refresh('x')).to.include({ ok: false, reason: 'invalid' })
        await served(apiOf({ onEvent, users: { findById: failing, findByUsername: failing } }), async (client) => {
          expect((await posted(client, REFRESH, token)).status).to.equal(503)
        })
        expect(events.map(({ type }) => type)).to.deep.equal(['token-refused', 'fault'])
      })

      it('refuses as malformed what a caller without types may pass', async () => {
        for (const token of [undefined, null, 7, ['x'], {}]) {
          const loosely = apiOf() as unknown as { refresh: (token: unknown) => Promise<object> } // as such a caller
          expect(await loosely.refresh(token)).to.deep.equal({ ok: false, reason: 'malformed' })
        }
      })
    })

    describe('verify', () => {
      it('returns a valid token, and refuses an invalid one', async () => {
        await served(apiOf(), async (client) => {
          const token = tokenIn(await client.login(LOGIN))
          const response = await posted(client, VERIFY, token)
          expect([response.status, response.json]).to.deep.equal([200, { token }])
          expect((await posted(client, `${VERIFY}/`, token)).status).to.equal(200)
          for (const bad of ['', 'x', `${token}x`, null, 7]) {
            expect((await posted(client, VERIFY, bad)).status, String(bad)).to.equal(400)
          }
          now = NOW + 300
          expect((await posted(client, VERIFY, token)).status).to.equal(400)
        })
      })
    })

    describe('a changed password', () => {
      it('ends tokens and their refresh if they are bound', async () => {
        await served(apiOf({ boundTo: toState }), async (client) => {
          const token = tokenIn(await client.login(LOGIN))
          expect((await client.ask(`JWT ${token}`)).status).to.equal(200)
          await newPassword()
          const response = await client.ask(`JWT ${token}`)
          expect(response.status).to.equal(401)
          expect(response.headers['www-authenticate']).to.include('revoked')
          expect((await posted(client, REFRESH, token)).status).to.equal(400)
          expect((await posted(client, VERIFY, token)).status).to.equal(400)
        })
      })

      it('does not end them if they are not bound, as in the ancestor', async () => {
        await served(apiOf(), async (client) => {
          const token = tokenIn(await client.login(LOGIN))
          await newPassword()
          expect((await client.ask(`JWT ${token}`)).status).to.equal(200)
          expect((await posted(client, REFRESH, token)).status).to.equal(200)
        })
      })

      it('ends them with a secret for each user that follows it', async () => {
        await served(apiOf({ secret: undefined, secretOf }), async (client) => {
          const [mine, theirs] = [tokenIn(await client.login(LOGIN)), tokenIn(await client.login(LOGIN, 'bob'))]
          await newPassword()
          expect((await client.ask(`JWT ${mine}`)).status).to.equal(401)
          expect((await client.ask(`JWT ${theirs}`)).json).to.deep.equal({ id: 2, username: 'bob' })
        })
      })
    })

    describe('revokeAll', () => {
      it('ends all of a user’s tokens if they are bound', async () => {
        const api = apiOf({ boundTo: toState })
        await served(api, async (client) => {
          const [mine, theirs] = [tokenIn(await client.login(LOGIN)), tokenIn(await client.login(LOGIN, 'bob'))]
          await api.revokeAll(1)
          expect((await client.ask(`JWT ${mine}`)).status).to.equal(401)
          expect((await client.ask(`JWT ${theirs}`)).status).to.equal(200)
          now += 1
          expect((await client.ask(`JWT ${tokenIn(await client.login(LOGIN))}`)).status).to.equal(200)
        })
      })

      it('rejects if they are not', async () => {
        const outcome = await apiOf()
          .revokeAll(1)
          .catch((error: unknown) => error)
        expect(outcome).to.be.instanceOf(Error).with.property('message').that.includes('revokeAll')
      })
    })

    describe('a cookie', () => {
      it('is set at the login and at a refresh, for as long as the token is valid', async () => {
        await served(withCookie(), async (client) => {
          const response = await client.login(LOGIN)
          const token = tokenIn(response)
          expect(response.headers['set-cookie']).to.deep.equal([
            `jwt=${token}; Path=/; Max-Age=300; HttpOnly; Secure; SameSite=Lax`,
          ])
          now += 100
          const again = await posted(client, REFRESH, token)
          expect(again.headers['set-cookie']?.join()).to.include(`jwt=${tokenIn(again)}; Path=/; Max-Age=300;`)
          expect((await client.login(LOGIN, 'alice', 'wrong')).headers).not.to.have.property('set-cookie')
        })
      })

      it('is cleared by a logout of the application, with its path and domain', async () => {
        const api = apiOf({ cookie: { name: 'jwt', path: '/api', domain: 'example.org' } })
        const app = new Koa()
        app.use((ctx) => {
          ctx.set('Set-Cookie', 'theme=dark')
          api.clearCookie(ctx)
          ctx.body = 'bye'
        })
        const cookies = await withServer(app, async ({ url }) => (await fetch(url)).headers.getSetCookie())
        expect(cookies).to.deep.equal([
          'theme=dark',
          'jwt=; Path=/api; Max-Age=0; HttpOnly; Secure; SameSite=Lax; Domain=example.org',
        ])
      })

      it('cannot be cleared without the option, which is an error', () => {
        const ctx = new Koa().createContext(
          new IncomingMessage(new Socket()),
          new ServerResponse(new IncomingMessage(new Socket())),
        )
        expect(() => apiOf().clearCookie(ctx)).to.throw(TypeError, 'cookie')
      })

      it('lacks Secure on localhost with secure: false, at login, refresh, check and logout, and nowhere else', async () => {
        const api = apiOf({ cookie: { name: 'jwt', secure: false } })
        await served(api, async (client) => {
          const response = await client.login(LOGIN)
          const token = tokenIn(response)
          const set = [response, await posted(client, REFRESH, token), await posted(client, VERIFY, token)]
          for (const { headers } of set) {
            expect(headers['set-cookie']?.join()).to.match(/^jwt=ey.*; Max-Age=300; HttpOnly; SameSite=Lax$/)
          }
          const sent = asJson({ token })
          const headers = { ...sent.headers, host: 'api.example.org' }
          const elsewhere = await send(client.url, VERIFY, { ...sent, headers })
          expect(elsewhere.headers['set-cookie']?.join()).to.include('; Secure;')
        })
        const app = new Koa()
        app.use((ctx) => {
          api.clearCookie(ctx)
        })
        const cookies = await withServer(app, async ({ url }) => (await fetch(url)).headers.getSetCookie())
        expect(cookies).to.deep.equal(['jwt=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax'])
      })

      it('is not set by a request of another site', async () => {
        await served(withCookie(['https://app.example']), async (client) => {
          const token = tokenIn(await client.login(LOGIN))
          const host = new URL(client.url).host
          const isSetBy = async (path: string, data: object, headers: Record<string, string>): Promise<boolean> => {
            const sent = asJson(data)
            const response = await send(client.url, path, { ...sent, headers: { ...sent.headers, ...headers } })
            expect(response.status, 'the response is the same').to.equal(200)
            expect(tokenIn(response)).to.match(/^ey/)
            return response.headers['set-cookie'] !== undefined
          }
          for (const [path, data] of [
            [LOGIN, { username: 'alice', password: PASSWORD }],
            [REFRESH, { token }],
            [VERIFY, { token }],
          ] as const) {
            for (const headers of [
              { origin: 'https://evil.example' },
              { origin: 'null' },
              { 'sec-fetch-site': 'cross-site' },
              { 'sec-fetch-site': 'same-site' },
            ]) {
              expect(await isSetBy(path, data, headers), `${path} ${JSON.stringify(headers)}`).to.equal(false)
            }
            for (const headers of [
              {},
              { origin: `http://${host}` },
              { 'sec-fetch-site': 'same-origin' },
              { origin: 'https://app.example', 'sec-fetch-site': 'cross-site' },
            ]) {
              expect(await isSetBy(path, data, headers), `${path} ${JSON.stringify(headers)}`).to.equal(true)
            }
          }
        })
      })

      it('opens a WebSocket only from the same origin', async () => {
        const api = withCookie()
        const { token } = await api.issue({ id: 1, username: 'alice', password: null })
        const handshake = async (headers: Record<string, string>): Promise<unknown> => {
          const request = new IncomingMessage(new Socket())
          request.method = 'GET'
          Object.assign(request.headers, { cookie: `jwt=${token}`, host: 'api.example', upgrade: 'websocket' }, headers)
          const verdict = await api.authenticate(request)
          return verdict.ok ? verdict.value.user.username : verdict.detail
        }
        expect(await handshake({ origin: 'https://api.example' })).to.equal('alice')
        expect(await handshake({ origin: 'https://evil.example' })).to.equal('cross_origin')
        expect(await handshake({})).to.equal('cross_origin')
      })

      it('is not set without the option', async () => {
        await served(apiOf(), async (client) => {
          const response = await client.login(LOGIN)
          expect(response.headers).not.to.have.property('set-cookie')
          expect((await asked(client, 'GET', { cookie: `jwt=${tokenIn(response)}` })).status).to.equal(401)
        })
      })

      it('is enough to read from anywhere, and to write from the same origin', async () => {
        await served(withCookie(), async (client) => {
          const cookie = `jwt=${tokenIn(await client.login(LOGIN))}`
          const host = new URL(client.url).host
          const statuses = async (method: string, headers: Record<string, string>): Promise<number> =>
            (await asked(client, method, { cookie, ...headers })).status
          expect(await statuses('GET', { origin: 'https://evil.example' })).to.equal(200)
          for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
            expect(await statuses(method, {}), method).to.equal(403)
            expect(await statuses(method, { origin: 'https://evil.example' }), method).to.equal(403)
            expect(await statuses(method, { origin: 'null' }), method).to.equal(403)
            expect(await statuses(method, { 'sec-fetch-site': 'cross-site' }), method).to.equal(403)
            expect(await statuses(method, { 'sec-fetch-site': 'same-site' }), method).to.equal(403)
            expect(await statuses(method, { 'sec-fetch-site': 'same-origin' }), method).to.equal(200)
            expect(await statuses(method, { origin: `http://${host}` }), method).to.equal(200)
            expect(await statuses(method, { origin: `https://${host}` }), method).to.equal(200)
          }
        })
      })

      it('is enough to write from the origins that are named', async () => {
        await served(withCookie(['https://app.example']), async (client) => {
          const cookie = `jwt=${tokenIn(await client.login(LOGIN))}`
          const from = (origin: string): Promise<Received> => asked(client, 'POST', { cookie, origin })
          expect((await from('https://app.example')).status).to.equal(200)
          expect((await from('https://app.example.evil.example')).status).to.equal(403)
        })
      })

      it('refuses a write from elsewhere at tokenOptional too', async () => {
        await served(withCookie(), async (client) => {
          const cookie = `jwt=${tokenIn(await client.login(LOGIN))}`
          const origin = 'https://evil.example'
          expect((await asked(client, 'POST', { cookie, origin }, '/hello')).status).to.equal(403)
          expect((await asked(client, 'POST', { origin }, '/hello')).json).to.deep.equal({ hello: 'stranger' })
          expect((await asked(client, 'GET', { cookie }, '/hello')).json).to.deep.equal({ hello: 'alice' })
        })
      })

      it('is ignored beside the header, which needs no such check', async () => {
        await served(withCookie(), async (client) => {
          const mine = tokenIn(await client.login(LOGIN))
          const theirs = tokenIn(await client.login(LOGIN, 'bob'))
          const headers = { cookie: `jwt=${theirs}`, authorization: `JWT ${mine}`, origin: 'https://evil.example' }
          expect((await asked(client, 'POST', headers)).json).to.deep.equal({ id: 1, username: 'alice' })
          const forged = { cookie: `jwt=${theirs}`, authorization: 'JWT forged' }
          expect((await asked(client, 'GET', forged)).status).to.equal(401)
        })
      })

      it('is refused if it comes twice', async () => {
        await served(withCookie(), async (client) => {
          const token = tokenIn(await client.login(LOGIN))
          const response = await asked(client, 'GET', { cookie: `jwt=${token}; jwt=${token}` })
          expect([response.status, response.json]).to.deep.equal([401, { detail: 'Error decoding signature.' }])
        })
      })
    })

    it('has the scheme, the fields and the JSON of its options', async () => {
      const api = apiOf({
        scheme: 'Bearer',
        usernameField: 'email',
        respond: (user, { token }) => ({ token, user: { id: user.id } }),
        prefix: '/v1',
      })
      await served(api, async ({ url, ask }) => {
        const response = await send(url, `/v1${LOGIN}/`, asJson({ email: 'alice', password: PASSWORD }))
        expect(response.json).to.deep.equal({ token: tokenIn(response), user: { id: 1 } })
        expect((await ask(`Bearer ${tokenIn(response)}`)).status).to.equal(200)
        expect((await ask(`JWT ${tokenIn(response)}`)).status).to.equal(401)
        expect((await send(url, LOGIN, asJson({ email: 'alice', password: PASSWORD }))).status).to.equal(404)
      })
    })

    it('responds with 503 if respond does not return an object, and sets no cookie', async () => {
      for (const json of [undefined, null, 'x', 7]) {
        const api = apiOf({ cookie: { name: 'jwt' }, respond: () => json as unknown as object }) // as a caller without types
        await served(api, async (client) => {
          const response = await client.login(LOGIN)
          expect(response.status, String(json)).to.equal(503)
          expect(response.headers).not.to.have.property('set-cookie')
        })
      }
    })

    it('works with a key pair, and a second service that only verifies', async () => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const issuing = apiOf({ secret: undefined, algorithm: 'ES256', privateKey })
      const verifying = apiOf({ secret: undefined, algorithm: 'ES256', publicKey })
      await served(issuing, (one) =>
        served(verifying, async (other) => {
          const token = tokenIn(await one.login(LOGIN))
          expect((await other.ask(`JWT ${token}`)).status).to.equal(200)
          expect((await other.ask(`JWT ${token.slice(0, -2)}AA`)).status).to.equal(401)
          expect((await other.login(LOGIN)).status, 'it has no key to sign with').to.equal(503)
        }),
      )
    })
  })

  it('says at start-up which option is wrong', () => {
    expect(loose({})).not.to.throw()
    expect(loose({ secret: undefined })).to.throw(TypeError, 'secret')
    expect(loose({ secret: 's'.repeat(31) })).to.throw(TypeError, 'secret')
    expect(loose({ algorithm: 'none' })).to.throw(TypeError, 'algorithm')
    expect(loose({ lifetime: 0 })).to.throw(TypeError, 'lifetime')
    expect(loose({ leeway: -1 })).to.throw(TypeError, 'leeway')
    expect(loose({ audience: /api/ })).to.throw(TypeError, 'audience')
    expect(loose({ cookie: { name: 'a b' } })).to.throw(TypeError, 'cookie.name')
    expect(loose({ cookie: { name: 'a', path: 'x' } })).to.throw(TypeError, 'cookie.path')
    expect(loose({ cookie: { name: 'a', secure: 'no' } })).to.throw(TypeError, 'cookie.secure')
    expect(loose({ scopeClaim: 'exp' })).to.throw(TypeError, 'scopeClaim')
    for (const cookie of [null, 'jwt', 7]) expect(loose({ cookie })).to.throw(TypeError, 'cookie')
    for (const origins of ['https://a.example', ['null'], ['https://a.example/'], null, [7]]) {
      expect(loose({ cookie: { name: 'jwt', origins } }), String(origins)).to.throw(TypeError, 'origins')
    }
    for (const usernameField of ['', 'password', null, 7, ['a']]) {
      expect(loose({ usernameField }), String(usernameField)).to.throw(TypeError, 'usernameField')
    }
    for (const keys of [null, 'x', { a: 'short' }, { 2026: SECRET }]) {
      expect(loose({ keys }), JSON.stringify(keys)).to.throw(TypeError, 'keys')
    }
    expect(loose({ secretOf: () => SECRET })).to.throw(TypeError, 'secretOf does not go with secret')
    expect(loose({ refreshLifetime: undefined })).to.throw(TypeError, 'refreshLifetime')
    expect(loose({ scheme: 'a b' })).to.throw(TypeError, 'scheme')
    expect(loose({ users: {} })).to.throw(TypeError, 'users')
    expect(loose({ clock: Date.now })).to.throw(TypeError, 'clock')
  })
})
