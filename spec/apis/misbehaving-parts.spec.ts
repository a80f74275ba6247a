import { inspect } from 'node:util'
import { expect } from 'chai'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import {
  type Credentials,
  expiringTokens,
  hashPassword,
  type LoginLimiter,
  memoryTokens,
  memoryUsers,
  passwords,
  type TokenApiOptions,
  type TokenEvent,
  type TokenKind,
  tokenApi,
  type User,
  type UserStore,
} from '../../lib/index.js'
import { withServer } from '../support/http.js'
import { type Received, asForm, send } from '../support/send.js'

const secret = 'a secret of more than thirty-two bytes'
const PASSWORD = 'open sesame'
const ann: User = { id: 1, username: 'ann', password: await hashPassword(PASSWORD), tokenEpoch: 0 }
const LOGIN = asForm(`username=ann&password=${encodeURIComponent(PASSWORD)}`)

/** A part as an application without types writes it. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it pretends to be
function loose<T>(part: unknown): T {
  return part as T // whatever it is: the point is what the API makes of it
}

interface Seen {
  readonly responses: readonly Received[]
  readonly errors: readonly string[]
  readonly events: readonly TokenEvent[]
  readonly calls: number
}

/** The responses of an API of such parts to requests that are sent one after another. */
async function seen(
  options: Partial<TokenApiOptions<User>>,
  ...paths: readonly (readonly [path: string, request: Parameters<typeof send>[2]])[]
): Promise<Seen> {
  const events: TokenEvent[] = []
  let calls = 0
  const own = options.tokens === undefined ? { secret } : {}
  const api = tokenApi({ users: memoryUsers([ann]), ...own, onEvent: (event) => void events.push(event), ...options })
  const app = new Koa().use(bodyParser()).use(api.routes())
  app.use(
    api.tokenRequired((ctx) => {
      calls += 1
      ctx.body = 'in'
    }),
  )
  return withServer(app, async ({ url, errors }) => {
    const responses: Received[] = []
    for (const [path, request] of paths) responses.push(await send(url, path, request))
    return { responses, errors: errors.map(String), events, calls }
  })
}

const GUARDED = ['/', { headers: { authorization: 'Bearer x' } }] as const

describe('a part that does not keep its contract', () => {
  const offer = { ok: true, value: { user: '1', token: 'garbage' } }
  const readers: Readonly<Record<string, unknown>> = {
    'returns a promise': { read: async () => offer },
    'returns nothing': { read: () => undefined },
    'returns no value': { read: () => ({ ok: true }) },
    'returns a reason of its own': { read: () => ({ ok: false, reason: 'weird' }) },
    'returns true': { read: () => true },
  }
  for (const [what, reader] of Object.entries(readers)) {
    it(`is a reader that ${what}: an internal error, and no request is let in`, async () => {
      const { responses, calls, errors } = await seen({ credentials: loose<Credentials>(reader) }, GUARDED)
      expect([responses[0]?.status, calls]).to.deep.equal([503, 0])
      expect(responses[0]?.json).to.have.property('success', false)
      expect(errors[0]).to.include('credentials.read')
    })
  }

  const verdicts: Readonly<Record<string, unknown>> = {
    'returns no user': { ok: true, value: { token: {} } },
    'returns no facts': { ok: true, value: { user: ann } },
    'returns no value': { ok: true },
    'returns a reason of its own': { ok: false, reason: 'weird' },
    'returns nothing': undefined,
  }
  for (const [what, verdict] of Object.entries(verdicts)) {
    it(`is a kind that ${what}: an internal error, and no request is let in`, async () => {
      const tokens = loose<NonNullable<TokenApiOptions<User>['tokens']>>({
        issue: async () => ({}),
        verify: async () => verdict,
      } satisfies Record<keyof Pick<TokenKind, 'issue' | 'verify'>, unknown>)
      const { responses, calls, errors } = await seen({ tokens }, ['/?user=1&token=x', {}])
      expect([responses[0]?.status, calls]).to.deep.equal([503, 0])
      expect(errors[0]).to.include('tokens.verify')
    })
  }

  it('is an addressOf that returns no text: an internal error, not a login without a limit', async () => {
    for (const address of [undefined, null, '', 7, ['1.2.3.4']]) {
      const addressOf = loose<() => string>(() => address)
      const { responses } = await seen({ throttle: { addressOf } }, ['/token/new', LOGIN])
      expect(responses[0]?.status, String(address)).to.equal(503)
    }
  })

  it('is a limiter that hangs: an internal error within the time limit', async () => {
    const hanging = loose<LoginLimiter>({
      consume: () => new Promise(() => undefined),
      delete: async () => true,
      reward: async () => ({}),
    })
    const { responses, events } = await seen({ throttle: { account: hanging }, timeout: 0.05 }, ['/token/new', LOGIN])
    expect(responses[0]?.status).to.equal(503)
    expect(events).to.deep.equal([{ type: 'fault', name: 'DeadlineExceeded', code: 'ERR_TIMEOUT' }])
  })

  it('is a limiter that fails after a right password: the login succeeds, and an event reports it', async () => {
    const broken = loose<LoginLimiter>({
      consume: async () => ({}),
      delete: () => Promise.reject(new RangeError('ECONNRESET')),
      reward: async () => ({}),
    })
    const { responses, events, errors } = await seen({ throttle: { account: broken } }, ['/token/new', LOGIN])
    expect([responses[0]?.status, errors]).to.deep.equal([200, []])
    expect(events).to.deep.equal([
      { type: 'fault', name: 'RangeError' },
      { type: 'login', userId: '1' },
    ])
  })

  it('is a stored hash that no hasher reads: a wrong password outside, an event inside', async () => {
    const users = memoryUsers([{ ...ann, password: '$x$s4lt$d1gest' }])
    const { responses, events, errors } = await seen({ users }, ['/token/new', LOGIN])
    expect([responses[0]?.status, errors]).to.deep.equal([401, []])
    expect(events).to.deep.equal([
      { type: 'unreadable-hash', userId: '1', format: '$x$' },
      { type: 'login-refused', reason: 'invalid' },
    ])
  })

  it('is a limiter that refuses without the time to wait: an internal error', async () => {
    for (const msBeforeNext of [NaN, Infinity, '7', undefined]) {
      const limiter = loose<LoginLimiter>({
        consume: () => Promise.reject(loose<Error>({ msBeforeNext })),
        delete: async () => true,
        reward: async () => ({}),
      })
      const { responses } = await seen({ throttle: { account: limiter } }, ['/token/new', LOGIN])
      expect(responses[0]?.status, String(msBeforeNext)).to.equal(503)
    }
  })

  it('is a store that is down for a while: it locks no user out', async () => {
    const rows = memoryUsers([ann])
    let isDown = true
    const users = {
      ...rows,
      findByUsername: (name: string) => (isDown ? Promise.reject(new Error('down')) : rows.findByUsername(name)),
    }
    const api = tokenApi({ users, secret })
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const outcome = await api
        .login({ username: 'ann', password: PASSWORD, address: '192.0.2.1' })
        .catch((error: unknown) => error)
      expect(String(outcome)).to.include('down')
    }
    isDown = false
    expect((await api.login({ username: 'ann', password: PASSWORD, address: '192.0.2.1' })).ok).to.equal(true)
  })

  it('is a respond that returns no object, or another success', async () => {
    const none = loose<() => object>(() => 'text')
    expect((await seen({ respond: none }, ['/token/new', LOGIN])).responses[0]?.status).to.equal(503)
    const { responses } = await seen({ respond: () => ({ success: false, token: 'x', more: 1 }) }, [
      '/token/new',
      LOGIN,
    ])
    expect(responses[0]?.json).to.include({ success: true, user: 1, more: 1 }).and.not.include({ token: 'x' })
  })

  it('is a store that fails in revokeAll: it is an event', async () => {
    const events: TokenEvent[] = []
    const users = { ...memoryUsers([ann]), bumpEpoch: () => Promise.reject(new Error('down')) }
    const api = tokenApi({ users, secret, onEvent: (event) => void events.push(event) })
    expect(String(await api.revokeAll(1).catch((error: unknown) => error))).to.include('down')
    expect(events).to.deep.equal([{ type: 'fault', name: 'Error' }])
  })
})

describe('tokenOptional', () => {
  it('refuses a token without its user, and lets a user without a token through', async () => {
    const api = tokenApi({ users: memoryUsers([ann]), secret })
    const app = new Koa().use(bodyParser()).use(api.tokenOptional((ctx) => void (ctx.body = 'in')))
    await withServer(app, async ({ url }) => {
      for (const path of ['/?token=x', '/?token=x&token=y']) expect((await send(url, path, {})).status).to.equal(401)
      for (const path of ['/', '/?user=1']) expect((await send(url, path, {})).status).to.equal(200)
    })
  })
})

describe('revokeAll', () => {
  it('ends the tokens of a user who has no password at the moment', async () => {
    const users = memoryUsers([{ ...ann, password: null }])
    await tokenApi({ users, secret }).revokeAll(1)
    expect((await users.findById('1'))?.tokenEpoch).to.equal(1)
  })

  it('rejects for an id that is not text, a safe integer or a bigint', async () => {
    const api = tokenApi({ users: memoryUsers([ann]), secret })
    for (const who of [null, undefined, true, [1], {}, { id: [1] }, { id: ['1'] }, { id: true }, { id: 2 ** 53 }]) {
      const outcome = await api.revokeAll(loose<number>(who)).catch((error: unknown) => error)
      expect(outcome, inspect(who)).to.be.instanceOf(Error).with.property('message').that.includes('user not found')
    }
  })

  it('works for a class with private fields, and for an epoch that is a bigint', async () => {
    class Account implements User {
      readonly id = 1
      readonly username = 'ann'
      #epoch = 0n
      get password(): string | null {
        return ann.password
      }
      get tokenEpoch(): number {
        return loose<number>(this.#epoch) // as a driver with a type parser of its own returns it
      }
      raise(): void {
        this.#epoch += 1n
      }
    }
    const account = new Account()
    const users: UserStore<Account> = {
      findById: async () => account,
      findByUsername: async () => account,
      bumpEpoch: async () => account.raise(),
    }
    const api = tokenApi({ users, secret })
    const { token } = await api.issue(account)
    expect(await api.verify({ user: 1, token })).to.have.property('ok', true)
    await api.revokeAll(1)
    expect(await api.verify({ user: 1, token })).to.include({ ok: false, reason: 'revoked' })
  })
})

describe('users in memory', () => {
  it('are rows of their own for each caller, down to their lists', async () => {
    const row = { ...ann, roles: ['user'], joined: new Date(0) }
    const users = memoryUsers([row])
    const [one, other] = await Promise.all([users.findById('1'), users.findById('1')])
    one?.roles.push('admin')
    one?.joined.setFullYear(1999)
    expect(other?.roles).to.deep.equal(['user'])
    expect((await users.findById('1'))?.roles).to.deep.equal(['user'])
    expect([row.roles, row.joined.getTime()]).to.deep.equal([['user'], 0])
  })
})

describe('a login with a kind that is bound to nothing', () => {
  it('reads the user once more after the hash, and issues nothing to one who has changed', async () => {
    const users = memoryUsers([ann])
    const store = memoryTokens()
    let isBehind = false
    const slow: TokenApiOptions<User>['passwords'] = {
      ...passwords(),
      async verify() {
        isBehind = true // the password is changed while it is worked on
        return true
      },
    }
    const changing = {
      ...users,
      async findById(id: string) {
        const user = await users.findById(id)
        return user !== null && isBehind ? { ...user, password: 'another hash' } : user
      },
    }
    const api = tokenApi({ users: changing, passwords: slow, tokens: expiringTokens({ store }) })
    const app = new Koa().use(bodyParser()).use(api.routes())
    await withServer(app, async ({ url }) => {
      expect((await send(url, '/token/new', LOGIN)).status).to.equal(401)
    })
    expect(await store.list({ purpose: 'expiring', userId: '1' }, 0)).to.deep.equal([])
  })
})
