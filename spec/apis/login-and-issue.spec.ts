import { expect } from 'chai'
import {
  anyOf,
  expiringTokenApi,
  expiringTokens,
  memoryTokens,
  memoryUsers,
  sealedPairs,
  signedTokenApi,
  signedTokens,
  slidingTokens,
  timedTokenApi,
  tokenApi,
  type TokenApi,
  type TokenEvent,
  type TokenStore,
  type User,
  type UserStore,
} from 'koa-tokenapi'
import { jwtApi } from 'koa-tokenapi/jwt'
import { cheap, NOW, PASSWORD, served } from '../support/siblings.js'

const secret = 'a secret of more than thirty-two bytes'
const alice: User = {
  id: 1,
  username: 'alice',
  password: await cheap.hash(PASSWORD),
  isActive: true,
  tokenEpoch: 0,
}
const OWNERS = [
  { purpose: 'expiring', userId: '1' },
  { purpose: 'sliding', userId: '1' },
]

/** Users of whom one row can be changed, and a note of how often it was read by its id. */
function changeable(): { users: UserStore; change: (to: Partial<User>) => void; reads: () => number } {
  const rows = memoryUsers([alice])
  let changes: Partial<User> = {}
  let reads = 0
  const shown = async (row: Promise<User | null>): Promise<User | null> => {
    const user = await row
    return user === null ? null : { ...user, password: user.password, ...changes }
  }
  return {
    users: {
      findByUsername: (name) => shown(rows.findByUsername(name)),
      findById(id) {
        reads += 1
        return shown(rows.findById(id))
      },
    },
    change: (to) => {
      changes = to
    },
    reads: () => reads,
  }
}

/** What every API here is made with. */
interface Parts {
  readonly users: UserStore
  readonly store: TokenStore
  readonly onEvent: (event: TokenEvent) => void
}

const settings = { passwords: cheap, throttle: false as const, clock: () => NOW }

const storing: Readonly<Record<string, { path: string; make: (parts: Parts) => TokenApi<User> }>> = {
  timedTokenApi: { path: '/auth/login', make: (parts) => timedTokenApi({ ...settings, ...parts }) },
  expiringTokenApi: { path: '/api-token-auth', make: (parts) => expiringTokenApi({ ...settings, ...parts }) },
  'tokenApi with stored tokens': {
    path: '/token/new',
    make: ({ store, ...parts }) =>
      tokenApi({ ...settings, ...parts, tokens: slidingTokens({ store, clock: settings.clock }) }),
  },
  'tokenApi with stored tokens and others': {
    path: '/token/new',
    make: ({ store, ...parts }) =>
      tokenApi({
        ...settings,
        ...parts,
        tokens: anyOf(expiringTokens({ store, clock: settings.clock }), sealedPairs({ secret })),
      }),
  },
}

for (const [name, { path, make }] of Object.entries(storing)) {
  describe(`a login of ${name}`, () => {
    let events: TokenEvent[]
    let memory: TokenStore
    beforeEach(() => {
      events = []
      memory = memoryTokens()
    })
    const onEvent = (event: TokenEvent): void => void events.push(event)
    const tokensLeft = async (): Promise<number> =>
      (await Promise.all(OWNERS.map((owner) => memory.list(owner, NOW)))).flat().length

    /** Logs in, and runs something right before or right after the token is added. */
    const statusOf = async (
      users: UserStore,
      meanwhile: Partial<Record<'before' | 'after', () => void>>,
      broken: Partial<TokenStore> = {},
    ): Promise<number> => {
      const store: TokenStore = {
        ...memory,
        async add(token) {
          meanwhile.before?.()
          const id = await memory.add(token)
          meanwhile.after?.()
          return id
        },
        ...broken,
      }
      return served(make({ users, store, onEvent }), async ({ login }) => (await login(path)).status)
    }

    for (const [what, to] of Object.entries({
      'a password that was changed': { password: 'pbkdf2_sha256$1$other$b3RoZXI=' },
      'an epoch that was raised': { tokenEpoch: 1 },
      'an account that was disabled': { isActive: false },
    } satisfies Record<string, Partial<User>>)) {
      for (const when of ['before', 'after'] as const) {
        it(`leaves no token for ${what} right ${when} the token was added`, async () => {
          const { users, change } = changeable()
          expect(await statusOf(users, { [when]: () => change(to) })).to.be.within(400, 401)
          expect(await tokensLeft()).to.equal(0)
          expect(events).to.deep.equal([{ type: 'login-refused', reason: 'invalid' }])
        })
      }
    }

    it('leaves no token for a user who was deleted meanwhile', async () => {
      const { users } = changeable()
      let isGone = false
      const leaving: UserStore = { ...users, findById: async (id) => (isGone ? null : users.findById(id)) }
      expect(
        await statusOf(leaving, {
          after: () => {
            isGone = true
          },
        }),
      ).to.be.within(400, 401)
      expect(await tokensLeft()).to.equal(0)
    })

    it('leaves a token if nothing has changed, and reads the user twice by id', async () => {
      const { users, reads } = changeable()
      expect(await statusOf(users, {})).to.be.within(200, 201)
      expect([await tokensLeft(), reads()]).to.deep.equal([1, 2])
      expect(events).to.deep.equal([{ type: 'login', userId: '1' }])
    })

    it('counts an absent epoch as 0', async () => {
      const { users, change } = changeable()
      expect(await statusOf(users, { after: () => change({ tokenEpoch: null }) })).to.be.within(200, 201)
    })

    it('is a 503 if the last read fails, and leaves no token', async () => {
      const { users } = changeable()
      let isDown = false
      const failing: UserStore = {
        ...users,
        findById: (id) => (isDown ? Promise.reject(new Error('down')) : users.findById(id)),
      }
      expect(
        await statusOf(failing, {
          after: () => {
            isDown = true
          },
        }),
      ).to.equal(503)
      expect(await tokensLeft()).to.equal(0)
      expect(events).to.deep.equal([{ type: 'fault', name: 'Error' }])
    })

    it('is a 503 if the token cannot be withdrawn', async () => {
      const { users, change } = changeable()
      const status = await statusOf(
        users,
        { after: () => change({ isActive: false }) },
        { remove: () => Promise.reject(new Error('down')) },
      )
      expect(status).to.equal(503)
      expect(events).to.deep.equal([{ type: 'fault', name: 'Error' }])
    })
  })
}

describe('a login of an API that stores no token', () => {
  it('reads the user once more if tokens do not end with the password', async () => {
    for (const [path, make] of [
      ['/token', (users: UserStore) => signedTokenApi({ ...settings, users, secret })],
      ['/api-token-auth', (users: UserStore) => jwtApi({ ...settings, users, secret })],
      ['/token/new', (users: UserStore) => tokenApi({ ...settings, users, tokens: signedTokens({ secret }) })],
    ] as const) {
      const { users, reads } = changeable()
      const status = await served<User, { expiresAt: number }, number>(
        make(users),
        async ({ login }) => (await login(path)).status,
      )
      expect([status, reads()], path).to.deep.equal([200, 1])
    }
  })

  it('does not if tokens are bound to the row whose password was verified', async () => {
    const { users, reads } = changeable()
    const api = tokenApi({ ...settings, users, secret })
    expect(await served(api, async ({ login }) => (await login('/token/new')).status)).to.equal(200)
    expect(reads()).to.equal(0)
  })
})
