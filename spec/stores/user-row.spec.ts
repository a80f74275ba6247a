import { inspect } from 'node:util'
import { expect } from 'chai'
import Koa from 'koa'
import { activeUser, basic, jsonResponse, memoryUsers, tokenApi, type User, type UserStore } from 'koa-tokenapi'
import { ContractViolation } from '../../lib/errors.js'
import { userRow } from '../../lib/stores/user-row.js'
import { basicHeader, withServer } from '../support/http.js'
import { whilePolluted } from '../support/polluted.js'
import { asForm, send } from '../support/send.js'
import { quickPasswords } from '../support/token-app.js'

const HASH = 'pbkdf2_sha256$1$salt$the-hash'
const ann: User = { id: 1, username: 'ann', password: HASH, isActive: true, tokenEpoch: 0 }

/** A row as a store without types may return it. */
function loose(row: unknown): User {
  return row as User
}

function violationOf(row: unknown): string {
  try {
    userRow(loose(row))
  } catch (error) {
    if (error instanceof ContractViolation) return error.message
  }
  return 'none'
}

/** A store that returns one row for every lookup. */
function storeOf(row: unknown): UserStore {
  return { findById: async () => loose(row), findByUsername: async () => loose(row) }
}

function spread(found: User | null): User | null {
  return found === null ? null : { ...found }
}

class Account implements User {
  readonly id = 1
  readonly username = 'ann'
  password = HASH
  readonly roles = ['admin']
  greet(): string {
    return `I am ${this.username}`
  }
}

class Private implements User {
  readonly id = 1
  readonly username = 'ann'
  readonly #hash = HASH
  get password(): string {
    return this.#hash
  }
}

/** As Sequelize and Mongoose write themselves: accessors on the prototype, the values inside, and a `toJSON`. */
class Entity {
  readonly #values: Record<string, unknown>
  constructor(values: Record<string, unknown>) {
    this.#values = values
  }
  get id(): unknown {
    return this.#values['id']
  }
  get username(): unknown {
    return this.#values['username']
  }
  get password(): unknown {
    return this.#values['password']
  }
  toJSON(): object {
    return { ...this.#values, written: true }
  }
}

describe('userRow', () => {
  it('is null for null and undefined', () => {
    expect(userRow(null)).to.equal(null)
    expect(userRow(undefined)).to.equal(null)
  })

  it('refuses what is not an object', () => {
    for (const row of [true, false, 0, 1, 'ann', 1n, Symbol('ann'), () => ann])
      expect(violationOf(row), inspect(row)).to.include('must resolve to a user')
  })

  it('refuses a row without a password, and says what may have lost it', async () => {
    const { password: _, ...rest } = ann
    const row = await memoryUsers([ann]).findById('1')
    for (const lost of [rest, { ...rest, password: undefined }, { ...row }, [ann], structuredClone({ ...row }), {}]) {
      expect(violationOf(lost), inspect(lost)).to.include('no password').and.include('spread')
    }
    expect(violationOf({ ...ann, password: null })).to.equal('none')
    expect(violationOf({ ...ann, password: '' })).to.equal('none')
  })

  it('refuses a row in the spelling of its table, and names the column', () => {
    const { isActive: _flag, tokenEpoch: _epoch, ...bare } = ann
    expect(violationOf({ ...bare, is_active: false })).to.include('is_active instead of isActive')
    expect(violationOf({ ...bare, token_epoch: 7 })).to.include('token_epoch instead of tokenEpoch')
    expect(violationOf({ ...bare, ended_logins: null })).to.include('ended_logins instead of endedLogins')
    expect(violationOf({ ...ann, is_active: true, token_epoch: 0 })).to.equal('none')
    expect(violationOf(bare)).to.equal('none')
  })

  it('refuses any other spelling of a flag, an epoch or ended logins', () => {
    const bare = { id: 1, username: 'ann', password: HASH }
    for (const name of ['isactive', 'IsActive', 'IS_ACTIVE', 'tokenepoch', 'TOKEN_EPOCH', 'endedlogins']) {
      expect(() => userRow({ ...bare, [name]: 0 }), name).to.throw(ContractViolation, name)
    }
    for (const name of ['isActive', 'tokenEpoch', 'endedLogins']) {
      expect(userRow({ ...bare, [name]: null }), name).to.include({ [name]: null })
    }
  })

  it('refuses a password that is not text', () => {
    for (const password of [Buffer.from(HASH), 7, Promise.resolve(HASH), [HASH], true]) {
      const row = { id: 1, username: 'ann', password } as unknown as User // as a store without types returns it
      expect(() => userRow(row), typeof password).to.throw(ContractViolation, 'password')
    }
  })

  it('keeps what is not enumerable in its copy: a flag, an epoch, a password beside the column of its hash', () => {
    const row = Object.defineProperties<User>(
      { id: 1, username: 'ann', password: HASH },
      {
        isActive: { value: false },
        tokenEpoch: { value: 3 },
      },
    )
    expect([userRow(row)?.isActive, userRow(row)?.tokenEpoch]).to.deep.equal([false, 3])
    const beside = { id: 1, username: 'ann', password_hash: HASH }
    const found = userRow(Object.defineProperty(beside, 'password', { value: HASH }) as unknown as User)
    expect([found?.password, JSON.stringify(found)]).to.deep.equal([HASH, '{"id":1,"username":"ann"}'])
  })

  it('repeats no value in a message', () => {
    for (const row of [
      { ...ann, password: undefined },
      { ...ann, isActive: undefined, is_active: 'a-value' },
    ]) {
      expect(violationOf(row)).not.to.match(/ann|a-value|hash/)
    }
  })

  it('takes nothing from a polluted Object.prototype', async () => {
    const { password: _, ...rest } = ann
    await whilePolluted({ password: HASH, is_active: true }, () => {
      expect(violationOf(rest)).to.include('no password')
      expect(violationOf({ ...ann, isActive: undefined })).to.equal('none')
    })
  })

  describe('a plain object', () => {
    it('is copied if its hash is enumerable, and the store’s own object stays as it was', () => {
      const row = Object.freeze({ ...ann, roles: ['admin'] })
      const user = userRow(row)
      expect(user).not.to.equal(row)
      expect(user?.password).to.equal(HASH)
      expect(user?.roles).to.equal(row.roles)
      expect(JSON.stringify(user)).to.equal(
        '{"id":1,"username":"ann","isActive":true,"tokenEpoch":0,"roles":["admin"]}',
      )
      expect(Object.keys(row)).to.include('password')
    })

    it('stays as it is if its hash is not enumerable', async () => {
      const row = await memoryUsers([ann]).findById('1')
      expect(userRow(row)).to.equal(row)
    })

    it('hides the hash under the name of its column, too', () => {
      const row = userRow({ ...ann, password_hash: HASH, email: 'ann@example.org' })
      expect(JSON.stringify(row)).not.to.include('the-hash')
      expect(row).to.include({ password_hash: HASH, email: 'ann@example.org' })
    })

    it('keeps what its store hides itself, if it shows the hash under another name', () => {
      const row = { id: 1, username: 'ann', tokenKey: HASH }
      Object.defineProperty(row, 'password', { value: HASH, enumerable: false })
      Object.defineProperty(row, 'note', { value: 'a note', enumerable: false })
      const user = userRow(row as unknown as User) // with the two properties that were just defined
      expect(user).to.include({ id: 1, username: 'ann', password: HASH, tokenKey: HASH, note: 'a note' })
      expect(JSON.stringify(user)).to.equal('{"id":1,"username":"ann"}')
    })

    it('without a password keeps what else is null or empty', () => {
      for (const password of [null, '']) {
        expect(JSON.stringify(userRow({ id: 1, username: 'ann', password, note: password }))).to.include('"note"')
      }
    })

    it('may have no prototype', () => {
      const row = userRow(Object.assign(Object.create(null) as object, ann))
      expect(row?.password).to.equal(HASH)
      expect(JSON.stringify(row)).not.to.include('the-hash')
    })
  })

  describe('an object of a class', () => {
    it('stays itself, with its methods and properties, and leaves the hash out of its JSON', () => {
      const account = new Account()
      const user = userRow(account)
      expect(user).to.equal(account)
      expect(user?.greet()).to.equal('I am ann')
      expect(Object.keys(account)).to.deep.equal(['id', 'username', 'password', 'roles'])
      expect(JSON.stringify({ user })).to.equal('{"user":{"id":1,"username":"ann","roles":["admin"]}}')
    })

    it('with private fields is not touched', () => {
      const user = userRow(new Private())
      expect(user?.password).to.equal(HASH)
      expect(Object.getOwnPropertyNames(user)).to.deep.equal(['id', 'username'])
      expect(JSON.stringify(user)).to.equal('{"id":1,"username":"ann"}')
    })

    it('writes itself as its class says, without the hash', () => {
      const user = userRow(loose(new Entity({ id: 1, username: 'ann', password: HASH, digest: HASH })))
      expect(user?.password).to.equal(HASH)
      expect(JSON.stringify(user)).to.equal('{"id":1,"username":"ann","written":true}')
    })

    it('may be returned many times, and change its hash', () => {
      const account = new Account()
      for (let time = 0; time < 100; time += 1) userRow(account)
      account.password = 'another hash'
      expect(JSON.stringify(account)).to.equal('{"id":1,"username":"ann","roles":["admin"]}')
    })

    it('that is frozen is refused if its JSON would show the hash, under any name and below any toJSON', () => {
      const copied = class extends Account {
        readonly tokenKey = HASH
      }
      const closed = [
        Object.freeze(new Account()),
        Object.seal(new Account()),
        Object.preventExtensions(new Account()),
        Object.freeze(Object.assign(new Private(), { tokenKey: HASH })),
        Object.freeze(new copied()),
        Object.freeze(Object.assign(new Account(), { toJSON: () => ({ password: HASH }) })),
        Object.freeze(new Entity({ id: 1, username: 'ann', password: HASH })),
      ]
      for (const account of closed) {
        for (let time = 0; time < 2; time += 1)
          expect(violationOf(account), inspect(account)).to.include('cannot be extended').and.not.include(HASH)
      }
    })

    it('that is frozen stays as it is if its JSON does not show the hash', () => {
      const careful = class extends Account {
        toJSON(): object {
          return { id: this.id }
        }
      }
      for (const account of [Object.freeze(new Private()), Object.freeze(new careful())]) {
        expect(userRow<User>(account)).to.equal(account)
        expect(JSON.stringify(account)).not.to.include(HASH)
      }
    })
  })
})

describe('a store of one’s own', () => {
  const secret = 'a secret of more than thirty-two bytes'
  let hash: string
  before(async () => {
    hash = await quickPasswords.hash('open sesame')
  })

  it('sends no hash with ctx.body = ctx.state.user', async () => {
    const account = Object.assign(new Account(), { password: hash })
    const entity = new Entity({ id: 1, username: 'ann', password: hash, password_hash: hash })
    for (const row of [{ ...ann, password: hash }, { ...ann, password: hash, password_hash: hash }, account, entity]) {
      const api = tokenApi({ users: storeOf(row), secret, credentials: basic(), passwords: quickPasswords })
      const { token } = await api.issue(loose(row))
      const app = new Koa()
      app.use(api.tokenRequired())
      app.use((ctx) => {
        if (ctx.path === '/helper') jsonResponse(ctx, ctx.state['user'])
        else ctx.body = ctx.path === '/nested' ? { users: [ctx.state['user']] } : (ctx.state['user'] as object)
      })
      await withServer(app, async ({ url }) => {
        for (const path of ['/', '/nested', '/helper']) {
          const response = await send(url, path, { headers: basicHeader(1, token) })
          expect(response.status).to.equal(200)
          expect(response.text).to.include('"username":"ann"').and.not.include(hash)
        }
      })
    }
  })

  it('that spreads a row is an internal error at the login and at the guard, never a wrong password', async () => {
    const rows = memoryUsers([{ ...ann, password: hash }])
    const users: UserStore = {
      findById: async (id) => spread(await rows.findById(id)),
      findByUsername: async (name) => spread(await rows.findByUsername(name)),
    }
    const api = tokenApi({ users, secret, credentials: basic(), passwords: quickPasswords })
    const { token } = await tokenApi({ users: rows, secret }).issue({ ...ann, password: hash })
    const app = new Koa()
    app.use(async (ctx, next) => {
      if (ctx.method === 'POST') Object.assign(ctx.request, { body: { username: 'ann', password: 'open sesame' } })
      await next()
    })
    app.use(api.routes()).use(api.tokenRequired())
    await withServer(app, async ({ url, errors }) => {
      expect((await send(url, '/token/new', asForm(''))).status).to.equal(503)
      expect((await send(url, '/', { headers: basicHeader(1, token) })).status).to.equal(503)
      expect(errors.map(String)).to.have.lengthOf(2)
      for (const error of errors) expect(String(error)).to.include('no password').and.not.include(hash)
    })
  })

  it('whose row has an id that cannot be looked up again is an internal error at the login', async () => {
    for (const id of [[1], true, undefined, 2 ** 53, '1\n', '', null]) {
      const users = storeOf({ ...ann, id, password: hash })
      const api = tokenApi({ users, secret, passwords: quickPasswords, throttle: false })
      for (const password of ['open sesame', 'wrong']) {
        const outcome = await api.login({ username: 'ann', password }).catch((error: unknown) => error)
        expect(outcome, inspect(id))
          .to.be.instanceOf(ContractViolation)
          .with.property('message')
          .that.includes('user.id')
      }
    }
  })

  it('is still not believed about whose row it returns', async () => {
    const find = activeUser(storeOf(ann))
    expect(await find({ id: '2' })).to.deep.equal({ ok: false, reason: 'invalid' })
    expect(await find({ username: 'ANN' })).to.deep.equal({ ok: false, reason: 'invalid' })
  })
})
