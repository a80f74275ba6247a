import { expect } from 'chai'
import {
  expiringTokenApi,
  type ExpiringTokenApiOptions,
  memoryTokens,
  memoryUsers,
  type TokenStore,
} from 'koa-tokenapi'
import { knexTokens } from 'koa-tokenapi/knex'
import { onEachDatabase } from '../support/databases.js'
import { behavesLikeASibling } from '../support/sibling-api.contract.js'
import { NOW, partsOn, served, tokenIn, withUsers } from '../support/siblings.js'

const PATH = '/api-token-auth'
const MONTH = 2592000

describe('expiringTokenApi', () => {
  behavesLikeASibling({
    make: (parts, db) => expiringTokenApi({ ...parts, store: knexTokens(db) }),
    scheme: 'Token',
    path: PATH,
    loggedIn: 200,
    wrongPassword: 400,
    disabled: 400,
    stored: true,
  })

  onEachDatabase((db) => {
    let now: number
    withUsers(db)
    beforeEach(() => {
      now = NOW
    })

    const apiOf = (
      options: Partial<ExpiringTokenApiOptions<{ id: number; username: string; password: string | null }>> = {},
    ) =>
      expiringTokenApi({
        ...partsOn(db(), () => now),
        store: knexTokens(db()),
        ...options,
      })
    const alice = { id: 1, username: 'alice', password: null }
    const bob = { id: 2, username: 'bob', password: null }

    it('ends one token with revoke, which the client then cannot use', async () => {
      const api = apiOf()
      await served(api, async ({ login, ask }) => {
        const [first, second] = [tokenIn(await login(PATH)), tokenIn(await login(PATH))]
        expect(await api.revoke(first)).to.equal(true)
        expect(await api.revoke(first)).to.equal(false)
        expect([(await ask(`Token ${first}`)).status, (await ask(`Token ${second}`)).status]).to.deep.equal([401, 200])
      })
    })

    it('ends all of a user’s with revokeAll, and no others', async () => {
      const api = apiOf()
      const mine = [await api.issue(alice), await api.issue(alice)]
      const theirs = await api.issue(bob)
      await api.revokeAll(1)
      for (const { token } of mine) expect(await api.verify({ token })).to.include({ ok: false, reason: 'invalid' })
      expect(await api.verify({ token: theirs.token })).to.include({ ok: true })
      expect(await api.verify({ token: (await api.issue(alice)).token })).to.include({ ok: true })
    })

    it('lists tokens and ends one by its id, for its own user', async () => {
      const api = apiOf()
      const first = await api.issue(alice)
      now += 5
      const second = await api.issue(alice)
      expect(await api.listTokens(alice)).to.deep.equal([
        { id: second.id, issuedAt: NOW + 5, lastUsedAt: null, expiresAt: NOW + 5 + MONTH },
        { id: first.id, issuedAt: NOW, lastUsedAt: null, expiresAt: NOW + MONTH },
      ])
      expect(await api.revokeOne(bob, first.id)).to.equal(false)
      expect(await api.revokeOne(alice, first.id)).to.equal(true)
      expect(await api.revokeOne(alice, first.id)).to.equal(false)
      expect((await api.listTokens(alice)).map(({ id }) => id)).to.deep.equal([second.id])
    })

    it('replaces what has expired at a login, and leaves what lives', async () => {
      const api = apiOf({ lifetime: 100 })
      await served(api, async ({ login, ask }) => {
        const old = tokenIn(await login(PATH))
        now += 50
        const live = tokenIn(await login(PATH))
        now += 50
        await login(PATH)
        expect(await db()('tokens').select('id')).to.have.lengthOf(2)
        expect([(await ask(`Token ${old}`)).status, (await ask(`Token ${live}`)).status]).to.deep.equal([401, 200])
      })
    })

    it('prunes what has expired, and says how many', async () => {
      const api = apiOf({ lifetime: 100 })
      await api.issue(alice)
      await api.issue(bob)
      now += 99
      await api.issue(bob)
      expect(await api.pruneTokens()).to.equal(0)
      now += 1
      expect(await api.pruneTokens()).to.equal(2)
      expect(await db()('tokens').select('id')).to.have.lengthOf(1)
    })

    it('adopts keys that another system has issued', async () => {
      const api = apiOf()
      const key = '0123456789abcdef0123456789abcdef01234567'
      const foreign = [{ token: key, userId: '1', createdAt: NOW - 10 }]
      expect(await api.adoptTokens(foreign)).to.equal(1)
      expect(await api.adoptTokens(foreign)).to.equal(0)
      await served(api, async ({ ask }) => {
        expect((await ask(`Token ${key}`)).json).to.deep.equal({ id: 1, username: 'alice' })
        now = NOW - 10 + MONTH
        expect((await ask(`Token ${key}`)).status).to.equal(401)
      })
    })

    it('stores nothing that could be presented', async () => {
      const api = apiOf()
      const { token } = await api.issue(alice)
      const [row] = await db()('tokens')
      expect(JSON.stringify(row)).not.to.include(token)
      for (const value of Object.values(row as object)) {
        expect(await api.verify({ token: String(value) })).to.include({ ok: false })
      }
    })

    it('compares tokens by their bytes', async () => {
      const api = apiOf()
      const { token } = await api.issue(alice)
      const other = token === token.toUpperCase() ? token.toLowerCase() : token.toUpperCase()
      expect(await api.verify({ token: other })).to.include({ ok: false, reason: 'invalid' })
    })

    it('keeps two kinds of user apart that share a table', async () => {
      const [customers, staff] = [apiOf(), apiOf({ audience: 'staff' })]
      const { token } = await customers.issue(alice)
      expect(await staff.verify({ token })).to.include({ reason: 'invalid' })
      expect(await staff.revoke(token)).to.equal(false)
      expect(await staff.listTokens(alice)).to.deep.equal([])
      await staff.revokeAll(1)
      expect(await customers.verify({ token })).to.include({ ok: true })
    })

    it('responds with 503 if the token table is missing, to every request that needs it', async () => {
      const api = apiOf({ store: knexTokens(db(), { table: 'missing' }) })
      await served(api, async ({ login, ask, errors }) => {
        const responses = [await login(PATH), await ask(`Token ${'a'.repeat(43)}`), await ask('Token x'), await ask()]
        expect(responses.map(({ status }) => status)).to.deep.equal([503, 503, 401, 401])
        expect(errors).to.have.lengthOf(2)
        expect(errors.map(String).join()).not.to.match(/select|insert|pbkdf2/)
      })
    })
  })

  it('mounts under a prefix', async () => {
    const api = expiringTokenApi({ users: memoryUsers([]), store: memoryTokens(), prefix: '/v1' })
    await served(api, async ({ login }) => {
      expect((await login(`/v1${PATH}/`)).status).to.equal(400)
      expect((await login(`${PATH}/`)).status).to.equal(404)
    })
  })

  it('throws at start-up for a wrong option', () => {
    const good = { users: memoryUsers([]), store: memoryTokens() }
    const loose = (options: object) => () => expiringTokenApi({ ...good, ...options })
    expect(loose({})).not.to.throw()
    expect(loose({ users: {} })).to.throw(TypeError, 'users')
    expect(loose({ store: {} as TokenStore })).to.throw(TypeError, 'store') // as a caller without types
    expect(loose({ lifetime: 0 })).to.throw(TypeError, 'lifetime')
    expect(loose({ limit: 0 })).to.throw(TypeError, 'limit')
    expect(loose({ audience: 'x'.repeat(51) })).to.throw(TypeError, 'audience')
    expect(loose({ clock: Date.now })).to.throw(TypeError, 'clock')
    expect(loose({ timeout: 0 })).to.throw(TypeError, 'timeout')
    expect(loose({ onEvent: 'log' })).to.throw(TypeError, 'onEvent')
  })
})
