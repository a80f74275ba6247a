import { expect } from 'chai'
import knex from 'knex'
import * as root from '../lib/index.js'
import * as jwtDoor from '../lib/jwt.js'
import * as knexDoor from '../lib/knex.js'
import * as narrowDoor from '../lib/narrow.js'

const secret = 'a secret of more than thirty-two bytes'
const db = knex({ client: 'sqlite3', connection: ':memory:', useNullAsDefault: true, pool: { min: 0, max: 1 } })
const users = root.memoryUsers([{ id: 1, username: 'ann', password: 'hash' }])
const store = root.memoryTokens()

type Options = Readonly<Record<string, unknown>>

/** A factory as an application without types calls it: its own options, and what is tried beside them. */
type Factory = (options: Options) => unknown

/** A call with options that are not typed: what they are is what the specs try. */
function loose(factory: (options: never) => unknown, own: Options = {}): Factory {
  return (options) => factory({ ...own, ...options } as never)
}

/** Every public function that takes options, with what it needs, and one of its names in another spelling. */
const FACTORIES: Readonly<Record<string, readonly [factory: Factory, misspelled: string, meant: string]>> = {
  tokenApi: [loose(root.tokenApi, { users, secret }), 'timeoutdays', 'timeoutDays'],
  timedTokenApi: [loose(root.timedTokenApi, { users, store }), 'max_lifetime', 'maxLifetime'],
  expiringTokenApi: [loose(root.expiringTokenApi, { users, store }), 'Lifetime', 'lifetime'],
  signedTokenApi: [loose(root.signedTokenApi, { users, secret }), 'maxage', 'maxAge'],
  apiKeys: [loose(root.apiKeys, { users, store }), 'token_prefix', 'tokenPrefix'],
  jwtApi: [loose(jwtDoor.jwtApi, { users, secret }), 'refreshlifetime', 'refreshLifetime'],
  sealedPairs: [loose(root.sealedPairs, { secret }), 'life_time', 'lifetime'],
  djangoPairs: [loose(root.djangoPairs, { secret }), 'timezone', 'timeZone'],
  signedTokens: [loose(root.signedTokens, { secret }), 'boundto', 'boundTo'],
  jwtTokens: [loose(jwtDoor.jwtTokens, { secret }), 'secretof', 'secretOf'],
  expiringTokens: [loose(root.expiringTokens, { store }), 'life-time', 'lifetime'],
  slidingTokens: [loose(root.slidingTokens, { store }), 'onslidefault', 'onSlideFault'],
  apiKeyTokens: [loose(root.apiKeyTokens, { store }), 'onuseerror', 'onUseError'],
  params: [loose(root.params), 'Query', 'query'],
  passwords: [loose(root.passwords), 'Hashers', 'hashers'],
  scrypt: [loose(root.scrypt), 'block_size', 'blockSize'],
  pbkdf2: [loose(root.pbkdf2), 'Iterations', 'iterations'],
  argon2: [loose(root.argon2), 'memorycost', 'memoryCost'],
  bcrypt: [loose(root.bcrypt), 'Cost', 'cost'],
  phc: [loose(root.phc), 'Algorithm', 'algorithm'],
  legacy: [loose(root.legacy), 'unSalted', 'unsalted'],
  activeUser: [(options) => root.activeUser(users, options), 'timeOut', 'timeout'],
  batchedUsers: [
    loose(root.batchedUsers, { findByIds: async () => [], findByUsernames: async () => [] }),
    'findbyids',
    'findByIds',
  ],
  knexUsers: [(options) => knexDoor.knexUsers(db, options), 'Columns', 'columns'],
  knexTokens: [(options) => knexDoor.knexTokens(db, options), 'Table', 'table'],
  createUserTable: [(options) => knexDoor.createUserTable(db, options), 'Table', 'table'],
  createTokenTable: [(options) => knexDoor.createTokenTable(db, options), 'Users', 'users'],
  djangoTokens: [
    (options) => knexDoor.djangoTokens(db, { table: 'authtoken_token', ...options }).next(),
    'Batch',
    'batch',
  ],
}

/** Public functions without options, or whose objects are checked elsewhere (limits, needs, a token in a link). */
const WITHOUT_OPTIONS = [
  'anyOf',
  'apiKey',
  'authorization',
  'basic',
  'bearer',
  'betterAuth',
  'cookie',
  'firstOf',
  'hashPassword',
  'jsonBadRequest',
  'jsonError',
  'jsonForbidden',
  'jsonNotAcceptable',
  'jsonNotAllowed',
  'jsonNotFound',
  'jsonResponse',
  'jsonUnauthorized',
  'link',
  'memoryTokens',
  'memoryUsers',
  'narrow',
  'needsRehash',
  'newUsername',
  'verifyPassword',
]

/** What a call throws or rejects with, or null. */
async function errorOf(call: () => unknown): Promise<Error | null> {
  try {
    await call()
    return null
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
}

describe('the options of every public factory', () => {
  after(() => db.destroy())

  it('are specified here, for whatever the package exports', () => {
    const doors: readonly object[] = [root, jwtDoor, knexDoor, narrowDoor]
    const functions = doors.flatMap((door) =>
      Object.entries(door)
        .filter(([, value]) => typeof value === 'function' && !/^class\b/.test(String(value)))
        .map(([name]) => name),
    )
    expect(functions.toSorted()).to.deep.equal([...Object.keys(FACTORIES), ...WITHOUT_OPTIONS].toSorted())
  })

  for (const [name, [factory, misspelled, meant]] of Object.entries(FACTORIES)) {
    describe(name, () => {
      it('refuses a name that it does not have, undefined values included, and repeats no value', async () => {
        for (const value of ['a value', undefined]) {
          const error = await errorOf(() => factory({ nothing: value }))
          expect(error).to.be.instanceOf(TypeError)
          expect(error?.message).to.equal(`${name} has no option nothing`)
        }
      })

      it('names every option that it does not have, and the one that was probably meant', async () => {
        const error = await errorOf(() => factory({ [misspelled]: 1, nothing: 1 }))
        expect(error).to.be.instanceOf(TypeError)
        expect(error?.message).to.equal(`${name} has no option ${misspelled} (is ${meant} meant?), nothing`)
      })

      it('looks at own properties only', async () => {
        const error = await errorOf(() => factory(Object.create({ nothing: 1 }) as Options))
        expect(error?.message ?? '').not.to.include('nothing')
      })
    })
  }

  it('are named if there is no object at all', async () => {
    const needy: Readonly<Record<string, (options: never) => unknown>> = {
      tokenApi: root.tokenApi,
      timedTokenApi: root.timedTokenApi,
      expiringTokenApi: root.expiringTokenApi,
      signedTokenApi: root.signedTokenApi,
      jwtApi: jwtDoor.jwtApi,
      sealedPairs: root.sealedPairs,
      djangoPairs: root.djangoPairs,
      signedTokens: root.signedTokens,
      jwtTokens: jwtDoor.jwtTokens,
      expiringTokens: root.expiringTokens,
      slidingTokens: root.slidingTokens,
    }
    for (const [name, factory] of Object.entries(needy)) {
      for (const options of [undefined, null, secret, [], 7]) {
        const error = await errorOf(() => factory(options as never))
        expect(error, name).to.be.instanceOf(TypeError)
        expect(error?.message).to.match(new RegExp(`^${name} takes an object with the options .*(secret|store)`))
        expect(error?.message).not.to.include(secret)
      }
    }
  })

  it('say that a secret is missing', async () => {
    for (const factory of [
      loose(root.tokenApi, { users }),
      loose(root.signedTokenApi, { users }),
      loose(jwtDoor.jwtApi, { users }),
      loose(root.sealedPairs),
      loose(root.djangoPairs),
      loose(root.signedTokens),
      loose(jwtDoor.jwtTokens),
    ]) {
      for (const options of [{}, { secret: undefined }]) {
        const error = await errorOf(() => factory(options))
        expect(error).to.be.instanceOf(TypeError).with.property('message', 'secret is missing')
      }
    }
  })
})

describe('options that do nothing', () => {
  const tokens = root.sealedPairs({ secret })

  it('are refused beside tokens, and named', () => {
    for (const [name, value] of Object.entries({
      secret,
      timeoutDays: 7,
      audience: 'staff',
      boundTo: () => [1],
      minSecretBytes: 32,
    })) {
      const make = loose(root.tokenApi, { users, tokens })
      expect(() => make({ [name]: value }), name).to.throw(TypeError, `${name} does nothing with tokens`)
      expect(() => make({ [name]: undefined }), name).not.to.throw()
    }
    const both = { secret, timeoutDays: 7 }
    expect(() => loose(root.tokenApi, { users, tokens })(both)).to.throw(TypeError, 'secret, timeoutDays do')
  })

  it('are credentials without a user for tokens that need one', () => {
    const make = loose(root.tokenApi, { users })
    for (const credentials of [
      root.authorization('Bearer'),
      root.cookie('token'),
      root.firstOf(root.authorization('Token'), root.cookie('token')),
    ]) {
      for (const own of [{ secret }, { tokens }, { tokens: root.djangoPairs({ secret }) }]) {
        expect(() => make({ ...own, credentials })).to.throw(TypeError, 'credentials must give a user')
      }
      expect(() => make({ tokens: root.expiringTokens({ store }), credentials })).not.to.throw()
      expect(() => make({ tokens: jwtDoor.jwtTokens({ secret }), credentials })).not.to.throw()
      const mixed = root.anyOf(tokens, root.signedTokens({ secret }))
      expect(() => make({ tokens: mixed, credentials })).not.to.throw()
    }
    const readers = [root.params(), root.basic(), root.bearer(), root.firstOf(root.authorization('X'), root.basic())]
    for (const credentials of readers) expect(() => make({ secret, credentials })).not.to.throw()
    // What a reader of the application offers is not known.
    expect(() => make({ secret, credentials: { read: () => ({ ok: false, reason: 'missing' }) } })).not.to.throw()
  })
})

describe('renewDays', () => {
  const make = loose(root.tokenApi, { users, renewDays: 30 })
  const sealed = root.sealedPairs({ secret })
  const django = root.djangoPairs({ secret })

  it('is refused with tokens that do not keep the time of the login, which no one could renew', () => {
    for (const tokens of [
      django,
      root.signedTokens({ secret }),
      root.apiKeyTokens({ store }),
      jwtDoor.jwtTokens({ secret, refreshLifetime: false }),
      root.anyOf(django, sealed),
      root.anyOf(root.anyOf(django), sealed),
    ]) {
      expect(() => make({ tokens })).to.throw(TypeError, 'renewDays does nothing')
    }
  })

  it('is taken with tokens that keep it', () => {
    expect(() => make({ secret })).not.to.throw()
    for (const tokens of [
      sealed,
      root.expiringTokens({ store }),
      root.slidingTokens({ store }),
      jwtDoor.jwtTokens({ secret }),
      root.anyOf(sealed, django),
    ]) {
      expect(() => make({ tokens })).not.to.throw()
    }
  })
})

describe('options of a part', () => {
  it('of one algorithm of phc are refused with the other', () => {
    const make = loose(root.phc)
    expect(() => make({ algorithm: 'argon2id', blockSize: 8 })).to.throw(TypeError, 'phc has no option blockSize')
    expect(() => make({ memoryCost: 8 })).to.throw(TypeError, 'phc has no option memoryCost')
    expect(() => make({ algorithm: 'argon2id', memoryCost: 64, parallelism: 1 })).not.to.throw()
    expect(() => make({ algorithm: 'scrypt', cost: 16 })).not.to.throw()
  })

  it('of the throttle are checked by every API', () => {
    for (const factory of [
      loose(root.tokenApi, { users, secret }),
      loose(root.timedTokenApi, { users, store }),
      loose(root.expiringTokenApi, { users, store }),
      loose(root.signedTokenApi, { users, secret }),
      loose(jwtDoor.jwtApi, { users, secret }),
    ]) {
      expect(() => factory({ throttle: { addressof: () => '1' } })).to.throw(TypeError, 'is addressOf meant?')
      expect(() => factory({ throttle: { Account: {} } })).to.throw(TypeError, 'is account meant?')
      expect(() => factory({ throttle: {} })).not.to.throw()
      expect(() => factory({ throttle: false })).not.to.throw()
    }
  })

  it('of the cookie are checked', () => {
    const make = loose(jwtDoor.jwtApi, { users, secret })
    expect(() => make({ cookie: { name: 'jwt', Path: '/' } })).to.throw(TypeError, 'is path meant?')
    expect(() => make({ cookie: { name: 'jwt', sameSite: 'none' } })).to.throw(TypeError, 'sameSite')
  })

  it('of routes are checked by every API', () => {
    const apis = [
      root.tokenApi({ users, secret }),
      root.timedTokenApi({ users, store }),
      root.expiringTokenApi({ users, store }),
      root.signedTokenApi({ users, secret }),
      jwtDoor.jwtApi({ users, secret }),
    ]
    for (const api of apis) {
      const routes = loose((options: object) => api.routes(options))
      expect(() => routes({ Check: false })).to.throw(TypeError, 'is check meant?')
      expect(() => routes({ check: 'no' })).to.throw(TypeError, 'check must be true or false')
      for (const check of [true, false, undefined]) expect(routes({ check })).to.be.a('function')
    }
  })

  it('of a reference to the user table are checked', async () => {
    const error = await errorOf(() => knexDoor.createTokenTable(db, { users: { Table: 'users' } } as never))
    expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('is table meant?')
  })
})
