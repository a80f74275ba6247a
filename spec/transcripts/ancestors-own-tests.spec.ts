import { createHmac, generateKeyPairSync } from 'node:crypto'
import { bodyParser } from '@koa/bodyparser'
import { Router } from '@koa/router'
import { expect } from 'chai'
import Koa from 'koa'
import {
  djangoPairs,
  expiringTokenApi,
  hashPassword,
  jsonResponse,
  memoryTokens,
  sealedPairs,
  signedTokenApi,
  type StoredTokenApi,
  timedTokenApi,
  type TokenApi,
  tokenApi,
  type TokenFacts,
  type User,
  type UserStore,
} from 'koa-tokenapi'
import { type JwtApi, jwtApi, type JwtApiOptions } from 'koa-tokenapi/jwt'
import { basicHeader, withServer } from '../support/http.js'
import { type Received, asForm, asJson, send, type Sent } from '../support/send.js'

// Each spec has the name of a test in the suite of the package that it is about, and asserts what that test asserts over
// HTTP. Where our response is another, on purpose, the name says so.

const SECRET = 'a secret of more than thirty-two bytes'
const NOW = 1768478400
const DAY = 24 * 60 * 60

interface Member extends User {
  email?: string
  secret?: string
  isSuperuser?: boolean
}

/** Users that a spec can change, as the tests of the packages change their rows. */
function storeOf(...rows: Member[]): UserStore<Member> {
  const found = (row: Member | undefined): Member | null => (row === undefined ? null : { ...row })
  return {
    findById: async (id) => found(rows.find((row) => String(row.id) === id)),
    findByUsername: async (name) => found(rows.find((row) => row.username === name)),
  }
}

/** The API's routes, and one guarded view that says who is there. */
function appOf(api: Pick<TokenApi<Member>, 'routes'>, guarded: Koa.Middleware): Koa {
  const router = new Router()
  router.all('/guarded', guarded)
  const app = new Koa()
  app.use(bodyParser())
  app.use(api.routes())
  app.use(router.routes())
  return app
}

function ask(app: Koa, path: string, sent: Sent = {}): Promise<Received> {
  return withServer(app, ({ url }) => send(url, path, sent))
}

/** The token of a login's response. */
function tokenOf({ json }: Received): string {
  const { token } = json as { token: string } // what every login returns
  return token
}

/** A request with a token in its header. */
function bearing(scheme: string, token: string, sent: Sent = {}): Sent {
  return { ...sent, headers: { ...sent.headers, authorization: `${scheme} ${token}` } }
}

function expectResponse(response: Received, status: number, json: object): void {
  expect(response.status).to.equal(status)
  expect(response.json).to.deep.equal(json)
}

function isPairRefused(response: Received, status: number): void {
  expect(response.status).to.equal(status)
  expect(response.json).to.include({ success: false }).and.to.have.property('errors')
  expect(response.json).to.not.have.any.keys('user', 'token')
}

function isPairIn(response: Received): void {
  expectResponse(response, 200, { success: true, user_id: 1 })
}

function isJwtRefused(response: Received, detail: string): void {
  expectResponse(response, 401, { detail })
  // The ancestor's challenge, with the reason behind it.
  expect(response.headers['www-authenticate']).to.match(/^JWT realm="api"/)
}

function isJwtIn(response: Received): void {
  expect(response.status).to.equal(200)
  expect(claimsIn(tokenOf(response))).to.include({ username: 'jpueblo' })
}

function claimsIn(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

function newPrivateKey(): string {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
}

describe('the tests that the ancestors have of their own', () => {
  let hashes: Readonly<Record<string, string>>
  let now: number

  before(async () => {
    const words = ['GGGGGG', 'test', 'abc123', 'password']
    const hashed = await Promise.all(words.map((word) => hashPassword(word)))
    hashes = Object.fromEntries(words.map((word, at) => [word, hashed[at] ?? '']))
  })
  beforeEach(() => {
    now = NOW
  })

  const clock = (): number => now
  const member = (id: Member['id'], username: string, password: string, more: Partial<Member> = {}): Member => ({
    id,
    username,
    password: hashes[password] ?? null,
    isActive: true,
    ...more,
  })

  const kinds = {
    'sealed pairs': () => sealedPairs({ secret: SECRET, clock }),
    'Django pairs': () => djangoPairs({ secret: SECRET, clock }),
  }
  for (const [name, tokens] of Object.entries(kinds)) {
    describe(`django-tokenapi 1.3, DjangoTokenApiTestCase, on ${name}`, () => {
      let user: Member
      let api: TokenApi<Member>
      let app: Koa
      let token: string

      beforeEach(async () => {
        user = member(1, 'jpulgarin', 'GGGGGG')
        api = tokenApi<Member, TokenFacts>({ users: storeOf(user), tokens: tokens(), throttle: false })
        const guarded = api.tokenRequired((ctx) => jsonResponse(ctx, { user_id: ctx.state.user.id }))
        app = appOf(api, guarded)
        token = (await api.issue(user)).token
      })

      it('test_token_new', async () => {
        const response = await ask(app, '/token/new.json', asForm('username=jpulgarin&password=GGGGGG'))
        expectResponse(response, 200, { success: true, user: 1, token: tokenOf(response) })
        expect(await api.verify({ user: '1', token: tokenOf(response) })).to.include({ ok: true })
        // Each login with a sealed pair has an id of its own, so that it can be ended by itself; Django's generator makes one token a day.
        if (name === 'Django pairs') expect(tokenOf(response)).to.equal(token)
      })

      it('test_token_new_get', async () => {
        isPairRefused(await ask(app, '/token/new.json?username=jpulgarin&password=GGGGGG'), 405)
      })

      it('test_token_new_inactive_user', async () => {
        user.isActive = false
        isPairRefused(await ask(app, '/token/new.json', asForm('username=jpulgarin&password=GGGGGG')), 401)
      })

      it('test_token_new_incorrect', async () => {
        for (const form of [
          'username=jpulgarin&password=AAAAAA',
          'username=j&password=GGGGGG',
          'username=j&password=A',
        ]) {
          isPairRefused(await ask(app, '/token/new.json', asForm(form)), 401)
        }
      })

      it('test_token', async () => {
        for (const method of ['POST', 'GET']) {
          const response = await ask(app, `/token/${token}/1.json`, { method })
          expectResponse(response, 200, { success: true })
        }
      })

      it('test_token_non_existent_user', async () => {
        isPairRefused(await ask(app, `/token/${token}/2.json`, { method: 'POST' }), 401)
      })

      it('test_token_incorrect_token', async () => {
        const backwards = Array.from(token).toReversed().join('')
        isPairRefused(await ask(app, `/token/${backwards}/1.json`, { method: 'POST' }), 401)
      })

      it('test_token_inactive_user', async () => {
        user.isActive = false
        isPairRefused(await ask(app, `/token/${token}/1.json`, { method: 'POST' }), 401)
      })

      it('test_token_new_missing_username, test_token_new_missing_password', async () => {
        isPairRefused(await ask(app, '/token/new.json', asForm('password=GGGGGG')), 401)
        isPairRefused(await ask(app, '/token/new.json', asForm('username=jpulgarin')), 401)
      })

      it('test_basic_auth_valid', async () => {
        isPairIn(await ask(app, '/guarded', { headers: basicHeader(1, token) }))
      })

      it('test_basic_auth_missing_space, _invalid_base64, _missing_colon: 401, where later versions say 400', async () => {
        const colonless = Buffer.from('useronly').toString('base64')
        for (const authorization of ['Basic', 'Basic !!!notbase64!!!', `Basic ${colonless}`]) {
          isPairRefused(await ask(app, '/guarded', { headers: { authorization } }), 401)
        }
      })

      it('test_token_required_get_params', async () => {
        isPairIn(await ask(app, `/guarded?user=1&token=${token}`))
      })

      it('test_token_required_post_params', async () => {
        isPairIn(await ask(app, '/guarded', asForm(`user=1&token=${token}`)))
      })

      it('test_token_required_missing_params', async () => {
        isPairRefused(await ask(app, '/guarded'), 401)
      })

      it('test_non_basic_auth_method', async () => {
        isPairIn(await ask(app, `/guarded?user=1&token=${token}`, { headers: { authorization: 'Bearer sometoken' } }))
      })
    })
  }

  describe('djangorestframework-timed-auth-token 1.3', () => {
    let user: Member
    const timed = (lifetime?: number | ((user: Member) => number)): StoredTokenApi<Member> =>
      timedTokenApi({
        users: storeOf(user),
        store: memoryTokens(),
        throttle: false,
        clock,
        ...(lifetime === undefined ? {} : { lifetime }),
      })
    const guardedBy = (api: StoredTokenApi<Member>): Koa =>
      appOf(
        api,
        api.tokenRequired((ctx) => {
          ctx.body = ''
        }),
      )

    beforeEach(() => {
      user = member(1, 'test', 'test')
    })

    describe('test_authentication.py', () => {
      let api: StoredTokenApi<Member>
      let app: Koa
      let token: string

      beforeEach(async () => {
        api = timed()
        app = guardedBy(api)
        token = (await api.issue(user)).token
      })

      it('test_can_access_with_token', async () => {
        expect(await ask(app, '/guarded', bearing('Token', token))).to.include({ status: 200 })
      })

      it('test_cant_access_without_header', async () => {
        expect(await ask(app, '/guarded')).to.include({ status: 401 })
      })

      it('test_cant_access_with_invalid_token', async () => {
        const response = await ask(app, '/guarded', bearing('Token', 'blkjasdfk'))
        expect(response.status).to.equal(401)
        expect(response.text).to.include('Invalid token')
      })

      it('test_cant_access_without_token', async () => {
        expect(await ask(app, '/guarded', { headers: { authorization: 'Token' } })).to.include({ status: 401 })
      })

      it('test_cant_access_with_expired_token', async () => {
        now += 31 * DAY
        const response = await ask(app, '/guarded', bearing('Token', token))
        expect(response.status).to.equal(401)
        expect(response.text).to.include('Token has expired')
      })

      it('test_cant_access_with_token_that_belongs_to_inactive_user', async () => {
        user.isActive = false
        const response = await ask(app, '/guarded', bearing('Token', token))
        expect(response.status).to.equal(401)
        expect(response.text).to.include('User inactive or deleted')
      })
    })

    describe('test_models.py', () => {
      it('test_calculate_new_expiration_uses_30_day_default', async () => {
        expect((await timed().issue(user)).expiresAt).to.equal(NOW + 30 * DAY)
      })

      it('test_calculate_new_expiration_duration_can_be_set_in_settings', async () => {
        expect((await timed(5 * DAY).issue(user)).expiresAt).to.equal(NOW + 5 * DAY)
      })

      it('test_calculate_new_expiration_can_be_overridden_on_model', async () => {
        const api = timed(({ username }) => (username === 'test' ? 10 : 5) * DAY)
        const { token, expiresAt } = await api.issue(user)
        expect(expiresAt).to.equal(NOW + 10 * DAY)
        now += DAY
        await ask(guardedBy(api), '/guarded', bearing('Token', token))
        const [listed] = await api.listTokens(user)
        expect(listed?.expiresAt).to.equal(NOW + 11 * DAY)
      })
    })

    describe('test_views.py', () => {
      it('test_can_login_with_correct_info', async () => {
        const app = guardedBy(timed())
        const tokens = new Set<string>()
        for (let times = 0; times < 3; times += 1) {
          const response = await ask(app, '/auth/login/', asForm('username=test&password=test'))
          expect(response.status).to.equal(201)
          tokens.add(tokenOf(response))
        }
        expect(tokens.size).to.equal(3)
      })

      it('test_login_successful_response_data', async () => {
        const app = guardedBy(timed())
        const response = await ask(app, '/auth/login/', asForm('username=test&password=test'))
        expect(response.json).to.have.all.keys('token')
        expect(await ask(app, '/guarded', bearing('Token', tokenOf(response)))).to.include({ status: 200 })
      })

      it('test_cant_login_with_non_existant_username, without saying that it is the name', async () => {
        const response = await ask(guardedBy(timed()), '/auth/login/', asForm('username=nobody&password=test'))
        expectResponse(response, 400, { non_field_errors: ['Incorrect password.'] })
      })

      it('test_cant_login_with_wrong_password', async () => {
        const response = await ask(guardedBy(timed()), '/auth/login/', asForm('username=test&password=wrong'))
        expectResponse(response, 400, { non_field_errors: ['Incorrect password.'] })
      })
    })
  })

  describe('djangorestframework-expiring-authtoken 0.1.4', () => {
    let user: Member
    let api: StoredTokenApi<Member>
    let app: Koa
    const LIFETIME = 30 * DAY

    beforeEach(() => {
      user = member(1, 'test', 'test', { email: 'test@test.com' })
      api = expiringTokenApi({ users: storeOf(user), store: memoryTokens(), throttle: false, clock })
      app = appOf(
        api,
        api.tokenRequired((ctx) => {
          ctx.body = { user: ctx.state.user.id }
        }),
      )
    })

    const detail = async (token: string): Promise<unknown> => {
      const response = await ask(app, '/guarded', bearing('Token', token))
      expect(response.status).to.equal(401)
      return response.json
    }
    const obtain = (form: string): Promise<Received> => ask(app, '/api-token-auth/', asForm(form))

    describe('ObtainExpiringTokenViewTestCase', () => {
      it('test_post, but with a new token, since the old one is not known', async () => {
        const { token } = await api.issue(user)
        const response = await obtain('username=test&password=test')
        expect(response.status).to.equal(200)
        expect(tokenOf(response)).to.not.equal(token)
        for (const one of [token, tokenOf(response)]) {
          expect(await ask(app, '/guarded', bearing('Token', one))).to.include({ status: 200 })
        }
      })

      it('test_post_create_token', async () => {
        const response = await obtain('username=test&password=test')
        expect(response.status).to.equal(200)
        expect(await api.listTokens(user)).to.have.lengthOf(1)
        const seen = await ask(app, '/guarded', bearing('Token', tokenOf(response)))
        expect(seen.json).to.deep.equal({ user: 1 })
      })

      it('test_post_no_credentials', async () => {
        const response = await ask(app, '/api-token-auth/', { method: 'POST' })
        expect(response.status).to.equal(400)
        const required = ['This field is required.']
        expect(response.json).to.deep.equal({ username: required, password: required })
      })

      it('test_post_wrong_credentials', async () => {
        const response = await obtain('username=test&password=wrong')
        expectResponse(response, 400, { non_field_errors: ['Unable to log in with provided credentials.'] })
      })

      it('test_post_expired_token', async () => {
        const { token } = await api.issue(user)
        now += LIFETIME
        const response = await obtain('username=test&password=test')
        expect(response.status).to.equal(200)
        expect(tokenOf(response)).to.not.equal(token)
        expect(await api.listTokens(user)).to.have.lengthOf(1)
        expect(await ask(app, '/guarded', bearing('Token', token))).to.include({ status: 401 })
      })
    })

    describe('ExpiringTokenAuthenticationTestCase', () => {
      it('test_valid_token', async () => {
        const { token } = await api.issue(user)
        const response = await ask(app, '/guarded', bearing('Token', token))
        expectResponse(response, 200, { user: 1 })
      })

      it('test_invalid_token', async () => {
        expect(await detail('xyz789')).to.deep.equal({ detail: 'Invalid token' })
      })

      it('test_inactive_user', async () => {
        const { token } = await api.issue(user)
        user.isActive = false
        expect(await detail(token)).to.deep.equal({ detail: 'User inactive or deleted' })
      })

      it('test_expired_token', async () => {
        const { token } = await api.issue(user)
        now += LIFETIME
        expect(await detail(token)).to.deep.equal({ detail: 'Token has expired' })
      })
    })

    describe('ExpiringTokenTestCase', () => {
      it('test_expired_indated, test_expired_outdated', async () => {
        const { token } = await api.issue(user)
        now = NOW + LIFETIME - 1
        expect(await api.verify({ token })).to.include({ ok: true })
        now = NOW + LIFETIME
        expect(await api.verify({ token })).to.include({ ok: false, reason: 'expired' })
      })
    })
  })

  describe('nap-token-auth, TokenTest', () => {
    let app: Koa

    beforeEach(() => {
      const user = member(1, 'test', 'abc123', { email: 'user@super.com', isSuperuser: true })
      const users = storeOf(user)
      const api = signedTokenApi({ users, secret: SECRET, throttle: false, clock })
      const admin = new Router()
      // Session middleware comes first, as Django's does, and the view asks only who is there.
      admin.get(
        '/admin/',
        async (ctx, next) => {
          if (ctx.cookies.get('sessionid') === 'of-test') ctx.state['user'] = await users.findById('1')
          await next()
        },
        api.tokenOptional((ctx) => {
          ctx.status = ctx.state.user?.isSuperuser === true ? 200 : 302
        }),
      )
      app = new Koa()
      app.use(bodyParser())
      app.use(api.routes())
      app.use(admin.routes())
    })

    const session = { headers: { cookie: 'sessionid=of-test' } }
    const login = async (): Promise<string> => {
      const response = await ask(app, '/token', asForm('username=test&password=abc123'))
      expect(response.status).to.equal(200)
      return tokenOf(response)
    }

    it('test_unauth', async () => {
      expect(await ask(app, '/admin/')).to.include({ status: 302 })
    })

    it('test_normal_login', async () => {
      expect(await ask(app, '/admin/', session)).to.include({ status: 200 })
    })

    it('test_token_auth', async () => {
      expect(await ask(app, '/admin/', bearing('Bearer', await login()))).to.include({ status: 200 })
    })

    it('test_both_auth', async () => {
      expect(await ask(app, '/admin/', bearing('Bearer', await login(), session))).to.include({ status: 200 })
    })

    it('test_bogus, refused instead of sent to a login page, also beside a session', async () => {
      const token = Buffer.from('random').toString('base64url')
      for (const sent of [{}, session]) {
        const response = await ask(app, '/admin/', bearing('Bearer', token, sent))
        expectResponse(response, 401, { detail: 'anonymous' })
      }
    })

    it('test_expired, refused instead of sent to a login page', async () => {
      const token = await login()
      now += 14 * DAY + 1
      const response = await ask(app, '/admin/', bearing('Bearer', token))
      expectResponse(response, 401, { detail: 'anonymous' })
    })
  })

  describe('djangorestframework-jwt 1.11', () => {
    let user: Member
    let users: UserStore<Member>

    beforeEach(() => {
      user = member(1, 'jpueblo', 'password', { email: 'jpueblo@example.com' })
      users = storeOf(user)
    })

    const jwt = (options: Partial<JwtApiOptions<Member>> = {}): JwtApi<Member> =>
      jwtApi<Member>({ users, secret: SECRET, throttle: false, clock, ...options })
    const appFor = (api: JwtApi<Member>): Koa =>
      appOf(
        api,
        api.tokenRequired((ctx) => {
          ctx.body = { user: ctx.state.user.id }
        }),
      )
    const credentials = { username: 'jpueblo', password: 'password' }
    const loginBy = (api: JwtApi<Member>, sent: Sent): Promise<Received> => ask(appFor(api), '/api-token-auth/', sent)
    const refresh = (api: JwtApi<Member>, token: string): Promise<Received> =>
      ask(appFor(api), '/api-token-refresh/', asJson({ token }))
    /** The status of a guard for a token of an API with other options. */
    const statusAt = async (
      written: Partial<JwtApiOptions<Member>>,
      read: Partial<JwtApiOptions<Member>>,
    ): Promise<number> => {
      const { token } = await jwt(written).issue(user)
      return (await ask(appFor(jwt(read)), '/guarded', bearing('JWT', token))).status
    }
    const withCookie = (): JwtApi<Member> => jwt({ cookie: { name: 'jwt' } })

    describe('JSONWebTokenAuthenticationTests', () => {
      const example = { form: asForm('example=example'), json: asJson({ example: 'example' }) }

      it('test_post_form_passing_jwt_auth, test_post_json_passing_jwt_auth', async () => {
        const api = jwt()
        const { token } = await api.issue(user)
        for (const sent of [example.form, example.json]) {
          expect(await ask(appFor(api), '/guarded', bearing('JWT', token, sent))).to.include({ status: 200 })
        }
      })

      it('test_post_form_failing_jwt_auth, test_post_json_failing_jwt_auth', async () => {
        for (const sent of [example.form, example.json]) {
          const response = await ask(appFor(jwt()), '/guarded', sent)
          expect(response.status).to.equal(401)
          expect(response.headers['www-authenticate']).to.equal('JWT realm="api"')
        }
      })

      const refusals: Readonly<Record<string, readonly [header: string, detail: string]>> = {
        test_post_no_jwt_header_failing_jwt_auth: ['JWT', 'Invalid Authorization header. No credentials provided.'],
        test_post_invalid_jwt_header_failing_jwt_auth: [
          'JWT abc abc',
          'Invalid Authorization header. Credentials string should not contain spaces.',
        ],
        test_post_invalid_token_failing_jwt_auth: ['JWT abc123', 'Error decoding signature.'],
      }
      for (const [name, [authorization, detail]] of Object.entries(refusals)) {
        it(name, async () => {
          const headers = { ...example.json.headers, authorization }
          isJwtRefused(await ask(appFor(jwt()), '/guarded', { ...example.json, headers }), detail)
        })
      }

      it('test_post_expired_token_failing_jwt_auth', async () => {
        const api = jwt()
        const { token } = await api.issue(user)
        now += 300
        const response = await ask(appFor(api), '/guarded', bearing('JWT', token, example.json))
        isJwtRefused(response, 'Signature has expired.')
      })

      it('test_post_form_failing_jwt_auth_changed_user_secret_key', async () => {
        user.secret = 'the first secret of jpueblo, 32 bytes'
        const api = jwt({ secret: undefined, secretOf: ({ secret = '' }) => secret })
        const { token } = await api.issue(user)
        expect(await ask(appFor(api), '/guarded', bearing('JWT', token))).to.include({ status: 200 })
        user.secret = 'the second secret of jpueblo, 32 bytes'
        isJwtRefused(await ask(appFor(api), '/guarded', bearing('JWT', token)), 'Error decoding signature.')
      })

      it('test_post_form_passing_jwt_invalid_payload', async () => {
        const header = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url')
        const payload = Buffer.from('{"email":null}').toString('base64url')
        const signature = createHmac('sha256', SECRET).update(`${header}.${payload}`).digest('base64url')
        const token = `${header}.${payload}.${signature}`
        isJwtRefused(await ask(appFor(jwt()), '/guarded', bearing('JWT', token, example.form)), 'Invalid payload.')
      })

      it('test_different_auth_header_prefix', async () => {
        const api = jwt({ scheme: 'Bearer' })
        const { token } = await api.issue(user)
        expect(await ask(appFor(api), '/guarded', bearing('Bearer', token))).to.include({ status: 200 })
        expect(await ask(appFor(api), '/guarded', bearing('JWT', token))).to.include({ status: 401 })
      })
    })

    describe('ObtainJSONWebTokenTests, JSONWebTokenSerializerTests', () => {
      const NO_LOGIN = { non_field_errors: ['Unable to log in with provided credentials.'] }
      it('test_jwt_login_json, test_create', async () => {
        isJwtIn(await loginBy(jwt(), asJson(credentials)))
      })

      it('test_jwt_login_form', async () => {
        isJwtIn(await loginBy(jwt(), asForm('username=jpueblo&password=password')))
      })

      it('test_jwt_login_json_bad_creds, test_invalid_credentials', async () => {
        const response = await loginBy(jwt(), asJson({ ...credentials, password: 'wrong' }))
        expectResponse(response, 400, NO_LOGIN)
      })

      it('test_jwt_login_json_missing_fields', async () => {
        const response = await loginBy(jwt(), asJson({ username: 'jpueblo' }))
        expectResponse(response, 400, { password: ['This field is required.'] })
      })

      it('test_required_fields', async () => {
        const response = await loginBy(jwt(), asJson({}))
        expect(response.status).to.equal(400)
        const required = ['This field is required.']
        expect(response.json).to.deep.equal({ username: required, password: required })
      })

      it('test_jwt_login_with_expired_token', async () => {
        const { token } = await jwt().issue(user)
        now += DAY
        isJwtIn(await loginBy(jwt(), bearing('JWT', token, asJson(credentials))))
      })

      it('test_jwt_login_using_zero', async () => {
        const response = await loginBy(jwt(), asJson({ username: '0', password: '0' }))
        expectResponse(response, 400, NO_LOGIN)
      })

      it('test_disabled_user, in the words of a wrong password', async () => {
        user.isActive = false
        const response = await loginBy(jwt(), asJson(credentials))
        expectResponse(response, 400, NO_LOGIN)
      })

      it('TestCustomResponsePayload.test_jwt_login_custom_response_json', async () => {
        const api = jwt({ respond: ({ username }, { token }) => ({ user: username, token }) })
        const response = await loginBy(api, asJson(credentials))
        isJwtIn(response)
        expect(response.json).to.include({ user: 'jpueblo' })
      })
    })

    const models: Readonly<Record<string, Member['id']>> = {
      CustomUserObtainJSONWebTokenTests: 7,
      CustomUserUUIDObtainJSONWebTokenTests: '11111111-1111-4111-8111-111111111111',
    }
    for (const [suite, id] of Object.entries(models)) {
      describe(suite, () => {
        const email = 'jpueblo@example.com'
        const login = (password: string): Promise<Received> => {
          const custom = member(id, email, 'password')
          const api = jwtApi({ users: storeOf(custom), secret: SECRET, usernameField: 'email', throttle: false, clock })
          return ask(appFor(api), '/api-token-auth/', asJson({ email, password }))
        }

        it('test_jwt_login_json', async () => {
          const response = await login('password')
          expect(response.status).to.equal(200)
          const claims = { user_id: id, username: email, exp: NOW + 300, email, orig_iat: NOW }
          expect(claimsIn(tokenOf(response))).to.deep.equal(claims)
        })

        it('test_jwt_login_json_bad_creds', async () => {
          expect(await login('wrong')).to.include({ status: 400 })
        })
      })
    }

    const suites: Readonly<Record<string, () => JwtApi<Member>>> = {
      VerifyJSONWebTokenTestsSymmetric: () => jwt(),
      VerifyJSONWebTokenTestsAsymmetric: () =>
        jwtApi({ users, algorithm: 'RS512', privateKey: newPrivateKey(), throttle: false, clock }),
    }
    for (const [suite, make] of Object.entries(suites)) {
      describe(suite, () => {
        let api: JwtApi<Member>
        beforeEach(() => {
          api = make()
        })
        const verify = (token: string): Promise<Received> => ask(appFor(api), '/api-token-verify/', asJson({ token }))
        it('test_verify_jwt, test_verify_jwt_with_pub_pvt_key', async () => {
          const { token } = await api.issue(user)
          const response = await verify(token)
          expectResponse(response, 200, { token })
        })

        it('test_verify_jwt_fails_with_expired_token', async () => {
          const { token } = await api.issue(user)
          now += 305
          expectResponse(await verify(token), 400, { non_field_errors: ['Signature has expired.'] })
        })

        it('test_verify_jwt_fails_with_bad_token', async () => {
          expectResponse(await verify('i am not a correctly formed token'), 400, {
            non_field_errors: ['Error decoding signature.'],
          })
        })

        it('test_verify_jwt_fails_with_missing_user', async () => {
          const { token } = await api.issue(member(2, 'jsmith', 'password'))
          expectResponse(await verify(token), 400, { non_field_errors: ["User doesn't exist."] })
        })

        it('test_verify_jwt_fails_with_bad_pvt_key', async () => {
          const stranger = suite === 'VerifyJSONWebTokenTestsSymmetric' ? jwt({ secret: `another ${SECRET}` }) : make()
          const { token } = await stranger.issue(user)
          expectResponse(await verify(token), 400, { non_field_errors: ['Error decoding signature.'] })
        })
      })
    }

    describe('RefreshJSONWebTokenTests', () => {
      it('test_refresh_jwt', async () => {
        const api = jwt()
        const login = await ask(appFor(api), '/api-token-auth/', asJson(credentials))
        now += 1
        const response = await refresh(api, tokenOf(login))
        expect(response.status).to.equal(200)
        expect(claimsIn(tokenOf(login))).to.include({ orig_iat: NOW, exp: NOW + 300 })
        expect(claimsIn(tokenOf(response))).to.include({ orig_iat: NOW, exp: NOW + 301 })
      })

      it('test_refresh_jwt_after_refresh_expiration', async () => {
        const api = jwt({ lifetime: 8 * DAY })
        const { token } = await api.issue(user, { loggedInAt: NOW })
        now += 7 * DAY
        expect(await refresh(api, token)).to.include({ status: 200 })
        now += 1
        const response = await refresh(api, token)
        expectResponse(response, 400, { non_field_errors: ['Refresh has expired.'] })
      })
    })

    describe('UtilsTests, TestAudience, TestIssuer', () => {
      it('test_jwt_payload_handler, test_jwt_encode, test_jwt_decode', async () => {
        const api = jwt()
        const { token, claims } = await api.issue(user, { loggedInAt: NOW })
        const expected = {
          user_id: 1,
          username: 'jpueblo',
          exp: NOW + 300,
          email: 'jpueblo@example.com',
          orig_iat: NOW,
        }
        expect(claims).to.deep.equal(expected)
        expect(claimsIn(token)).to.deep.equal(expected)
        const verdict = await api.verify({ token })
        expect(verdict.ok && verdict.value.token.claims).to.deep.equal(expected)
      })

      it('test_jwt_response_payload', async () => {
        const response = await ask(appFor(jwt()), '/api-token-auth/', asJson(credentials))
        expect(response.json).to.have.all.keys('token')
      })

      it('test_jwt_decode_verify_exp: exp is always checked here', async () => {
        const api = jwt()
        const { token } = await api.issue(user)
        now += 300
        expect(await api.verify({ token })).to.include({ ok: false, reason: 'expired' })
      })

      it('test_fail_audience_missing, test_fail_audience_wrong, test_correct_audience', async () => {
        expect(await statusAt({}, { audience: 'my_aud' })).to.equal(401)
        expect(await statusAt({ audience: 'my_aud2' }, { audience: 'my_aud' })).to.equal(401)
        expect(await statusAt({ audience: 'my_aud' }, { audience: 'my_aud' })).to.equal(200)
      })

      it('test_fail_issuer_missing, test_fail_issuer_wrong, test_correct_issuer', async () => {
        expect(await statusAt({}, { issuer: 'example.com' })).to.equal(401)
        expect(await statusAt({ issuer: 'example2.com' }, { issuer: 'example.com' })).to.equal(401)
        expect(await statusAt({ issuer: 'example.com' }, { issuer: 'example.com' })).to.equal(200)
      })
    })

    describe('its cookie', () => {
      it('is set by login, refresh and verify, and opens the guard', async () => {
        const login = await ask(appFor(withCookie()), '/api-token-auth/', asJson(credentials))
        const token = tokenOf(login)
        const refreshed = await ask(appFor(withCookie()), '/api-token-refresh/', asJson({ token }))
        const verified = await ask(appFor(withCookie()), '/api-token-verify/', asJson({ token }))
        for (const response of [login, refreshed, verified]) {
          expect(response.headers['set-cookie']?.[0]).to.match(/^jwt=[^;]+; .*HttpOnly; Secure; SameSite=Lax$/)
        }
        expect(await ask(appFor(withCookie()), '/guarded', { headers: { cookie: `jwt=${token}` } })).to.include({
          status: 200,
        })
      })

      it('is a token that cannot be read where it is empty', async () => {
        const response = await ask(appFor(withCookie()), '/guarded', { headers: { cookie: 'jwt=' } })
        expectResponse(response, 401, { detail: 'Error decoding signature.' })
      })
    })
  })
})
