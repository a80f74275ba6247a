import { expect } from 'chai'
import Koa from 'koa'
import type { Knex } from 'knex'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Passwords, ThrottleOptions, TokenApi, TokenEvent, TokenFacts, UserStore } from 'koa-tokenapi'
import { type KnexUser, knexUsers } from 'koa-tokenapi/knex'
import { onEachDatabase } from './databases.js'
import { withServer } from './http.js'
import { asJson, send } from './send.js'
import { NOW, partsOn, PASSWORD, served, tokenIn, withUsers } from './siblings.js'
import { waitingPasswords } from './waiting-hasher.js'

/** What the suite gives to the API that it makes. */
export interface SiblingParts {
  readonly users: UserStore<KnexUser>
  readonly passwords: Passwords
  readonly throttle: ThrottleOptions | false
  readonly clock: () => number
  readonly onEvent: (event: TokenEvent) => void
  readonly timeout: number
}

/** What the suite has to know of an API. */
export interface SiblingUnderTest<T extends TokenFacts> {
  readonly make: (parts: SiblingParts, db: Knex) => TokenApi<KnexUser, T>
  readonly scheme: string
  /** Where a login goes, without the slash at the end. */
  readonly path: string
  readonly loggedIn: 200 | 201
  readonly wrongPassword: 400 | 401
  /** The status for a disabled user with the right password. */
  readonly disabled: 400 | 401 | 403
  /** Whether tokens are kept in the token table. */
  readonly stored: boolean
}

/** What every ready-made API but the main one promises over HTTP, on each database. */
export function behavesLikeASibling<T extends TokenFacts>(subject: SiblingUnderTest<T>): void {
  const { make, scheme, path, loggedIn, wrongPassword, disabled, stored } = subject

  const bearing = (token: string): string => `${scheme} ${token}`

  describe('behaves like a sibling', () => {
    onEachDatabase((db) => {
      let now: number
      let events: TokenEvent[]
      withUsers(db)
      beforeEach(() => {
        now = NOW
        events = []
      })

      const apiOf = (parts: Partial<SiblingParts> = {}): TokenApi<KnexUser, T> =>
        make(
          {
            ...partsOn(db(), () => now),
            onEvent: (event) => void events.push(event),
            timeout: 5,
            ...parts,
          },
          db(),
        )
      const alice = async (): Promise<KnexUser> => {
        const user = await knexUsers(db()).findById('1')
        if (user === null) throw new Error('alice is there')
        return user
      }
      const tokensStored = async (): Promise<number> => (await db()('tokens').select('id')).length

      describe('login', () => {
        for (const slash of ['', '/']) {
          it(`gives a token that the guard takes, at ${path}${slash}`, async () => {
            await served(apiOf(), async ({ login, ask }) => {
              const response = await login(path + slash)
              expect(response.status).to.equal(loggedIn)
              expect(response.headers['cache-control']).to.equal('no-store')
              const me = await ask(bearing(tokenIn(response)))
              expect([me.status, me.json]).to.deep.equal([200, { id: 1, username: 'alice' }])
              expect(me.headers['cache-control']).to.equal('no-store')
            })
            expect(events).to.deep.equal([{ type: 'login', userId: '1' }])
          })
        }

        it('gives another token each time, and both are good', async () => {
          await served(apiOf(), async ({ login, ask }) => {
            const first = tokenIn(await login(path))
            now += 1
            const second = tokenIn(await login(path))
            expect(first).not.to.equal(second)
            for (const token of [first, second]) expect((await ask(bearing(token))).status).to.equal(200)
          })
        })

        it('refuses a wrong password and an unknown name in the same words', async () => {
          await served(apiOf(), async ({ login }) => {
            const [wrong, unknown] = [await login(path, 'alice', 'wrong'), await login(path, 'unknown', PASSWORD)]
            expect([wrong.status, unknown.status]).to.deep.equal([wrongPassword, wrongPassword])
            expect(wrong.text).to.equal(unknown.text)
            expect(wrong.headers['www-authenticate']).to.equal(unknown.headers['www-authenticate'])
          })
          const refused = { type: 'login-refused', reason: 'invalid' }
          expect(events).to.deep.equal([refused, refused])
          expect(await tokensStored()).to.equal(0)
        })

        it('refuses a disabled user, and says so only after the right password', async () => {
          await served(apiOf(), async ({ login }) => {
            expect((await login(path, 'carol')).status).to.equal(disabled)
            const [wrong, other] = [await login(path, 'carol', 'wrong'), await login(path, 'alice', 'wrong')]
            expect([wrong.status, wrong.text]).to.deep.equal([wrongPassword, other.text])
          })
          expect(await tokensStored()).to.equal(0)
        })

        it('takes only a POST', async () => {
          await served(apiOf(), async ({ ask }) => {
            for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
              const { status, headers } = await ask(undefined, path, method)
              expect(status, method).to.equal(405)
              expect(headers.allow).to.include('POST')
            }
            expect(
              (await ask(undefined, `${path}?username=alice&password=${encodeURIComponent(PASSWORD)}`)).status,
            ).to.equal(405)
          })
          expect(await tokensStored()).to.equal(0)
        })

        it('reads only the body, and only texts in it', async () => {
          await served(apiOf(), async ({ url }) => {
            const query = `${path}?username=alice&password=${encodeURIComponent(PASSWORD)}`
            const attempts = [
              send(url, query, { method: 'POST' }),
              send(url, path, asJson({})),
              send(url, path, asJson({ username: ['alice'], password: PASSWORD })),
              send(url, path, asJson({ username: 'alice', password: [PASSWORD] })),
              send(url, path, asJson({ username: { $ne: null }, password: { $ne: null } })),
              send(url, path, asJson({ username: true, password: true })),
              send(url, path, asJson([])),
              send(url, path, asJson({ username: 'alice' })),
              send(url, path, asJson({ username: 'alice', password: '' })),
            ]
            for (const { status } of await Promise.all(attempts)) expect(status).to.be.oneOf([400, 401])
          })
          expect(await tokensStored()).to.equal(0)
        })

        it('is throttled before anything is hashed, with the seconds to wait', async () => {
          const account = new RateLimiterMemory({ keyPrefix: `${path} throttled`, points: 2, duration: 600 })
          await served(apiOf({ throttle: { account } }), async ({ login }) => {
            for (const password of ['wrong', 'wrong'])
              expect((await login(path, 'alice', password)).status).to.equal(wrongPassword)
            const response = await login(path)
            expect(response.status).to.equal(429)
            expect(Number(response.headers['retry-after'])).to.be.within(1, 600)
            expect((await login(path, 'bob')).status).to.equal(loggedIn)
          })
          expect(events.map(({ type }) => type)).to.deep.equal([
            'login-refused',
            'login-refused',
            'login-refused',
            'login',
          ])
        })
      })

      describe('the guard', () => {
        it('refuses a request without a token, and names its scheme', async () => {
          await served(apiOf(), async ({ ask }) => {
            for (const header of [undefined, 'Basic YTpi', 'Unknown x']) {
              const { status, headers } = await ask(header)
              expect(status).to.equal(401)
              expect(headers['www-authenticate']).to.equal(`${scheme} realm="api"`)
              expect(headers['cache-control']).to.equal('no-store')
            }
          })
        })

        it('refuses a bad token, with a challenge that says why', async () => {
          await served(apiOf(), async ({ ask }) => {
            for (const token of ['x', 'a'.repeat(43), 'a.b.c', 'a:b:c', '%00', 'null']) {
              const { status, headers } = await ask(bearing(token))
              expect(status, token).to.equal(401)
              expect(headers['www-authenticate']).to.include(`${scheme} realm="api", error="invalid_token"`)
            }
            expect((await ask(scheme)).status).to.equal(401)
            expect((await ask(`${scheme} a b`)).status).to.equal(401)
          })
          expect(new Set(events.map(({ type }) => type))).to.deep.equal(new Set(['token-refused']))
        })

        it('refuses an expired token from its second on', async () => {
          const api = apiOf()
          const { token, expiresAt } = await api.issue(await alice())
          await served(api, async ({ ask }) => {
            now = expiresAt
            const { status, headers } = await ask(bearing(token))
            expect(status).to.equal(401)
            expect(headers['www-authenticate']).to.include('expired')
            now = expiresAt - 1
            expect((await ask(bearing(token))).status).to.equal(200)
          })
        })

        it('refuses the token of a user who has been disabled, and of one who is gone', async () => {
          await served(apiOf(), async ({ login, ask }) => {
            const token = tokenIn(await login(path))
            await db()('users').where({ id: 1 }).update({ is_active: false })
            expect((await ask(bearing(token))).status).to.equal(401)
            await db()('users').where({ id: 1 }).update({ is_active: true })
            expect((await ask(bearing(token))).status).to.equal(200)
            await db()('users').where({ id: 1 }).delete()
            expect((await ask(bearing(token))).status).to.equal(401)
          })
        })

        it('leaks no hash with the user', async () => {
          const api = apiOf()
          const { token } = await api.issue(await alice())
          const verdict = await api.verify({ token })
          expect(JSON.stringify(verdict)).to.include('alice').and.not.include('pbkdf2')
        })
      })

      describe('tokenOptional', () => {
        it('lets a request without a token through, and one with a token', async () => {
          await served(apiOf(), async ({ login, ask }) => {
            expect((await ask(undefined, '/hello')).json).to.deep.equal({ hello: 'stranger' })
            expect((await ask('Unknown x', '/hello')).json).to.deep.equal({ hello: 'stranger' })
            const token = tokenIn(await login(path))
            expect((await ask(bearing(token), '/hello')).json).to.deep.equal({ hello: 'alice' })
          })
        })

        it('leaves a user of the session only if no token came', async () => {
          const session = { username: 'a user of the session' }
          await served(
            apiOf(),
            async ({ login, ask }) => {
              expect((await ask(undefined, '/hello')).json).to.deep.equal({ hello: session.username })
              const token = tokenIn(await login(path))
              expect((await ask(bearing(token), '/hello')).json).to.deep.equal({ hello: 'alice' })
              for (const bad of [bearing('forged'), scheme, bearing('a b')]) {
                expect((await ask(bad, '/hello')).status, bad).to.equal(401)
              }
            },
            { session },
          )
        })
      })

      describe('an internal error', () => {
        const error = Object.assign(new Error('select password from users'), { code: 'E_DOWN' })
        const failing = (): Promise<never> => Promise.reject(error)

        it('of the user store is 503 at the login and at the guard, never 401, and says nothing of the cause', async () => {
          const { token } = await apiOf().issue(await alice())
          const broken = apiOf({ users: { findById: failing, findByUsername: failing } })
          await served(broken, async ({ login, ask, errors }) => {
            for (const response of [
              await login(path),
              await ask(bearing(token)),
              await ask(bearing(token), '/hello'),
            ]) {
              expect(response.status).to.equal(503)
              expect(Number(response.headers['retry-after'])).to.be.above(0)
              expect(response.text).not.to.match(/select|E_DOWN|password/)
            }
            expect(errors).to.have.lengthOf(3)
            expect(errors.map(String).join()).not.to.include('select')
          })
          const reported = { type: 'fault', name: 'Error', code: 'E_DOWN' }
          expect(events).to.deep.equal([reported, reported, reported])
        })

        it('of a user store that hangs is 503 after its time', async () => {
          const { token } = await apiOf().issue(await alice())
          const hanging = apiOf({ users: { findById: never, findByUsername: never }, timeout: 0.05 })
          await served(hanging, async ({ login, ask }) => {
            const responses = await Promise.all([login(path), ask(bearing(token))])
            expect(responses.map(({ status }) => status)).to.deep.equal([503, 503])
          })
        })

        it('between the password check and the token is 503, and no token is left', async () => {
          const users = knexUsers(db())
          const late = apiOf({ users: { findByUsername: (name) => users.findByUsername(name), findById: failing } })
          await served(late, async ({ login }) => {
            expect((await login(path)).status).to.equal(503)
          })
          expect(await tokensStored()).to.equal(0)
        })
      })

      describe('a login that is overtaken while the hash is worked on', () => {
        const changes: Readonly<Record<string, object>> = {
          'by a changed password': { password: 'pbkdf2_sha256$1$other$b3RoZXI=' },
          'by a disabled account': { is_active: false },
        }
        for (const [what, change] of Object.entries(changes)) {
          it(`${what} gives no token`, async () => {
            const { passwords, started, release } = waitingPasswords()
            await served(apiOf({ passwords }), async ({ login }) => {
              const response = login(path)
              await started
              await db()('users').where({ id: 1 }).update(change)
              release()
              expect((await response).status).to.equal(wrongPassword)
            })
            expect(await tokensStored()).to.equal(0)
          })
        }

        it('by nothing gives one', async () => {
          const { passwords, started, release } = waitingPasswords()
          await served(apiOf({ passwords }), async ({ login }) => {
            const response = login(path)
            await started
            release()
            expect((await response).status).to.equal(loggedIn)
          })
          expect(await tokensStored()).to.equal(stored ? 1 : 0)
        })
      })

      it('verifies any request of Node.js, and a token that came some other way', async () => {
        const api = apiOf()
        const { token } = await api.issue(await alice())
        const app = new Koa()
        app.use(async ({ req, res }) => {
          const verdict = await api.authenticate(req)
          res.end(verdict.ok ? verdict.value.user.username : verdict.reason)
        })
        await withServer(app, async ({ url }) => {
          const resultOf = async (headers: Record<string, string>): Promise<string> =>
            (await send(url, '/', { headers })).text
          expect(await resultOf({ authorization: bearing(token) })).to.equal('alice')
          expect(await resultOf({ authorization: bearing('forged') })).to.equal('invalid')
          expect(await resultOf({})).to.equal('missing')
        })
        expect(await api.verify({ user: 1, token })).to.include({ ok: true })
        expect(await api.verify({ user: 2, token })).to.include({ ok: false, reason: 'invalid' })
      })

      it('rejects revokeAll for an unknown user', async () => {
        const api = apiOf()
        for (const id of ['99', '01', '', 99]) {
          const outcome = await api.revokeAll(id).then(
            () => 'done',
            () => 'rejected',
          )
          expect(outcome, String(id)).to.equal('rejected')
        }
      })
    })
  })
}

/** A store that hangs. */
function never(): Promise<never> {
  return new Promise(() => undefined)
}
