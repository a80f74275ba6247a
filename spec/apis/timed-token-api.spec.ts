import { EventEmitter, on } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import knex, { type Knex } from 'knex'
import { memoryTokens, memoryUsers, timedTokenApi, type TimedTokenApiOptions, type TokenEvent } from 'koa-tokenapi'
import { knexTokens, type KnexUser, knexUsers } from 'koa-tokenapi/knex'
import { databases, onEachDatabase } from '../support/databases.js'
import { openFileTwice } from '../support/pools.js'
import { behavesLikeASibling } from '../support/sibling-api.contract.js'
import { cheap, createTables, NOW, partsOn, refill, served, tokenIn, withUsers } from '../support/siblings.js'
import { statementsOf } from '../support/statements.js'

const PATH = '/auth/login'
const MONTH = 2592000
const alice = { id: 1, username: 'alice', password: null }
const bob = { id: 2, username: 'bob', password: null }

/** An API with some options as a caller without types gives them. */
function loose(options: object): () => unknown {
  return () => timedTokenApi({ users: memoryUsers([]), store: memoryTokens(), ...options })
}

/** What is used of a connection of pg and of mysql2. */
interface Connection {
  query(sql: string, done: (error: unknown) => void): void
}

/** Makes each new connection one that only reads. */
function refusingWrites(
  name: string,
): (connection: Connection, done: (error: unknown, made: Connection) => void) => void {
  const sql = name === 'PostgreSQL' ? 'set default_transaction_read_only = on' : 'set session transaction read only'
  return (connection, done) => connection.query(sql, (error) => done(error, connection))
}

describe('timedTokenApi', () => {
  behavesLikeASibling({
    make: (parts, db) => timedTokenApi({ ...parts, store: knexTokens(db) }),
    scheme: 'Token',
    path: PATH,
    loggedIn: 201,
    wrongPassword: 400,
    disabled: 403,
    stored: true,
  })

  onEachDatabase((db) => {
    let now: number
    withUsers(db)
    beforeEach(() => {
      now = NOW
    })

    const apiOf = (options: Partial<TimedTokenApiOptions<KnexUser>> = {}) =>
      timedTokenApi({
        ...partsOn(db(), () => now),
        store: knexTokens(db()),
        ...options,
      })

    it('moves a token’s end with its use', async () => {
      const api = apiOf({ lifetime: 1000 })
      await served(api, async ({ login, ask }) => {
        const token = tokenIn(await login(PATH))
        for (now = NOW + 999; now < NOW + 5000; now += 999) expect((await ask(`Token ${token}`)).status).to.equal(200)
        now += 1
        expect((await ask(`Token ${token}`)).status).to.equal(401)
      })
    })

    it('shows when a token was last used', async () => {
      const api = apiOf()
      const { token, id } = await api.issue(alice)
      now = NOW + 60
      await api.verify({ token })
      now = NOW + 61
      await api.verify({ token })
      expect(await api.listTokens(alice)).to.deep.equal([
        { id, issuedAt: NOW, lastUsedAt: NOW + 60, expiresAt: NOW + 60 + MONTH },
      ])
    })

    it('costs two queries within a minute, and one write more after it', async () => {
      const api = apiOf()
      const { token } = await api.issue(alice)
      const kinds = async (): Promise<(string | undefined)[]> => {
        const { statements } = await statementsOf(db(), () => api.verify({ token }))
        return statements.map(({ sql }) => sql.split(' ')[0])
      }
      now = NOW + 59
      expect(await kinds()).to.deep.equal(['select', 'select'])
      now = NOW + 60
      expect(await kinds()).to.deep.equal(['select', 'select', 'update'])
      now = NOW + 119
      expect(await kinds()).to.deep.equal(['select', 'select'])
    })

    it('ends a token at the maximum, however it is used', async () => {
      const api = apiOf({ lifetime: 1000, maxLifetime: 1500 })
      await served(api, async ({ login, ask }) => {
        const token = tokenIn(await login(PATH))
        const statuses: number[] = []
        for (now of [NOW + 900, NOW + 1499, NOW + 1500]) statuses.push((await ask(`Token ${token}`)).status)
        expect(statuses).to.deep.equal([200, 200, 401])
        const [row] = await db()('tokens')
        expect(Number((row as { expires_at: unknown }).expires_at)).to.equal(NOW + 1500)
      })
    })

    it('has lifetimes of its own for each kind of user, in one table', async () => {
      const [customers, staff] = [apiOf({ lifetime: 1000 }), apiOf({ lifetime: 10, audience: 'staff' })]
      const [first, second] = [await customers.issue(alice), await staff.issue(alice)]
      expect([first.expiresAt, second.expiresAt]).to.deep.equal([NOW + 1000, NOW + 10])
      expect(await staff.verify({ token: first.token })).to.include({ reason: 'invalid' })
      now = NOW + 10
      expect(await staff.verify({ token: second.token })).to.include({ reason: 'expired' })
      expect(await staff.pruneTokens()).to.equal(1)
      expect(await customers.verify({ token: first.token })).to.include({ ok: true })
    })

    it('asks a function for the lifetime of each user', async () => {
      const api = apiOf({ lifetime: (user) => (user.username === 'alice' ? 100 : 500) })
      await served(api, async ({ login, ask }) => {
        const [mine, theirs] = [tokenIn(await login(PATH)), tokenIn(await login(PATH, 'bob'))]
        now = NOW + 100
        expect([(await ask(`Token ${mine}`)).status, (await ask(`Token ${theirs}`)).status]).to.deep.equal([401, 200])
        expect((await api.listTokens(bob)).map(({ expiresAt }) => expiresAt)).to.deep.equal([NOW + 600])
      })
    })

    it('keeps to a limit of live tokens', async () => {
      const api = apiOf({ limit: 2 })
      await served(api, async ({ login, ask }) => {
        const tokens: string[] = []
        for (let at = 0; at < 3; at += 1) tokens.push(tokenIn(await login(PATH)))
        const statuses = (await Promise.all(tokens.map((token) => ask(`Token ${token}`)))).map(({ status }) => status)
        expect(statuses).to.deep.equal([401, 200, 200])
      })
    })

    it('ends tokens one by one, and all at once', async () => {
      const api = apiOf()
      const [first, second, third] = [await api.issue(alice), await api.issue(alice), await api.issue(alice)]
      const theirs = await api.issue(bob)
      expect(await api.revoke(first.token)).to.equal(true)
      expect(await api.revokeOne(alice, second.id)).to.equal(true)
      expect((await api.listTokens(alice)).map(({ id }) => id)).to.deep.equal([third.id])
      await api.revokeAll(1)
      expect(await api.listTokens(alice)).to.deep.equal([])
      expect(await api.verify({ token: theirs.token })).to.include({ ok: true })
    })

    it('adopts keys with the end that they had, which moves on with their use', async () => {
      const api = apiOf({ lifetime: 1000 })
      const key = 'f'.repeat(40)
      await api.adoptTokens([
        { token: key, userId: '1', createdAt: NOW - 5000, lastUsedAt: NOW - 900, expiresAt: NOW + 100 },
      ])
      await served(api, async ({ ask }) => {
        now = NOW + 99
        expect((await ask(`Token ${key}`)).status).to.equal(200)
        now = NOW + 99 + 999
        expect((await ask(`Token ${key}`)).status).to.equal(200)
      })
    })
  })

  describe('a slide that cannot be written', () => {
    const later = NOW + 3600

    /** Uses a token on a read-only database. */
    const useReadOnly = async (writable: Knex, readOnly: Knex): Promise<void> => {
      await createTables(writable)
      await refill(writable)
      const settings = { passwords: cheap, throttle: false as const }
      const writing = timedTokenApi({
        ...settings,
        users: knexUsers(writable),
        store: knexTokens(writable),
        clock: () => NOW,
      })
      const { token } = await writing.issue(alice)
      const events: TokenEvent[] = []
      const reading = timedTokenApi({
        ...settings,
        users: knexUsers(readOnly),
        store: knexTokens(readOnly),
        clock: () => later,
        onEvent: (event) => void events.push(event),
      })
      await served(reading, async ({ ask, login, errors }) => {
        expect((await ask(`Token ${token}`)).status).to.equal(200)
        expect(errors).to.deep.equal([])
        expect(events.map(({ type }) => type)).to.deep.equal(['fault'])
        expect(JSON.stringify(events)).not.to.match(/update|tokens/)
        expect((await login(PATH)).status, 'a login is a write').to.equal(503)
        expect((await ask(`Token ${'a'.repeat(43)}`)).status).to.equal(401)
      })
      const back = timedTokenApi({
        ...settings,
        users: knexUsers(writable),
        store: knexTokens(writable),
        clock: () => later,
      })
      expect(await back.verify({ token })).to.include({ ok: true })
      expect((await back.listTokens(alice)).map(({ lastUsedAt }) => lastUsedAt)).to.deep.equal([later])
    }

    it('denies no request if a SQLite file is read-only', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'koa-tokenapi-'))
      const filename = join(folder, 'db.sqlite3')
      const open = (): Knex =>
        knex({ client: 'sqlite3', connection: { filename }, useNullAsDefault: true, pool: { min: 1, max: 1 } })
      const [writable, readOnly] = [open(), open()]
      await readOnly.raw('pragma query_only = on')
      try {
        await useReadOnly(writable, readOnly)
      } finally {
        await Promise.all([writable.destroy(), readOnly.destroy()])
        await rm(folder, { recursive: true, force: true })
      }
    })

    for (const database of databases.filter(({ name }) => name !== 'SQLite')) {
      it(`denies no request if ${database.name} is read-only`, async () => {
        const opened = await database.open()
        const config = opened.db.client.config as Knex.Config // Knex keeps what it was made with
        const readOnly = knex({ ...config, pool: { min: 0, max: 2, afterCreate: refusingWrites(database.name) } })
        try {
          await useReadOnly(opened.db, readOnly)
        } finally {
          await readOnly.destroy()
          await opened.close()
        }
      })
    }

    it('denies no request while another writer holds a SQLite file', async () => {
      const pools = await openFileTwice()
      const { first: db, second: other } = pools
      try {
        await createTables(db)
        await refill(db)
        await db.raw('pragma busy_timeout = 50')
        let now = NOW
        const seen = new EventEmitter()
        const events = on(seen, 'event')
        const api = timedTokenApi({
          users: knexUsers(db),
          store: knexTokens(db, { timeout: 0.5 }),
          passwords: cheap,
          clock: () => now,
          onEvent: (event) => seen.emit('event', event),
        })
        const { token } = await api.issue(alice)
        now = later
        await other.raw('begin immediate')
        expect(await api.verify({ token })).to.include({ ok: true })
        const { value } = (await events.next()) as { value: [TokenEvent] } // what onEvent emits
        expect(value[0]).to.include({ type: 'fault' })
        await other.raw('rollback')
        expect(await api.verify({ token })).to.include({ ok: true })
        expect((await api.listTokens(alice)).map(({ lastUsedAt }) => lastUsedAt)).to.deep.equal([later])
      } finally {
        await pools.close()
      }
    })
  })

  it('throws at start-up for a wrong option', () => {
    expect(loose({})).not.to.throw()
    expect(loose({ lifetime: () => 60 })).not.to.throw()
    expect(loose({ lifetime: 0 })).to.throw(TypeError, 'lifetime')
    expect(loose({ maxLifetime: '60' })).to.throw(TypeError, 'maxLifetime')
    expect(loose({ limit: 0.5 })).to.throw(TypeError, 'limit')
    expect(loose({ store: undefined })).to.throw(TypeError, 'store')
    expect(loose({ users: undefined })).to.throw(TypeError, 'users')
    expect(loose({ throttle: { account: {} } })).to.throw(TypeError, 'throttle')
  })
})
