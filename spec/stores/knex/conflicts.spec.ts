import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import knex, { type Knex } from 'knex'
import { expiringTokens, slidingTokens, tokenApi } from 'koa-tokenapi'
import { createTokenTable, createUserTable, knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { type Database, onEachDatabase } from '../../support/databases.js'

const SECRET = 'a secret of at least thirty-two bytes'

/** How each session of a pool is set to an isolation level. SQLite has one, and writers that find another one are refused. */
const SESSIONS: Readonly<Record<Database['name'], Readonly<Record<string, string>>>> = {
  PostgreSQL: {
    'repeatable read': "set default_transaction_isolation = 'repeatable read'",
    serializable: 'set default_transaction_isolation = serializable',
  },
  MariaDB: {
    'repeatable read': 'set session transaction isolation level repeatable read',
    serializable: 'set session transaction isolation level serializable',
  },
  SQLite: { 'one writer at a time': 'pragma busy_timeout = 0' },
}

describe('stores of a database that ends statements in conflict', () => {
  onEachDatabase((db, name) => {
    for (const [level, statement] of Object.entries(SESSIONS[name])) {
      describe(`at ${level}`, () => {
        let pool: Knex
        let remove: () => Promise<void>
        before(async () => {
          ;[pool, remove] = await poolWith(db(), name, statement)
          await createUserTable(pool)
          await createTokenTable(pool, { users: {} })
        })
        after(() => remove())
        beforeEach(async () => {
          await pool('users').delete()
          await pool('users').insert({ id: 1, username: 'ann', password: 'hash of ann' })
        })

        it('lose none of 100 calls of revokeAll at once', async () => {
          const api = tokenApi({ users: knexUsers(pool), secret: SECRET })
          const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => api.revokeAll('1')))
          expect(rejections(outcomes)).to.deep.equal([])
          expect((await knexUsers(pool).findById('1'))?.tokenEpoch).to.equal(100)
        })

        for (const kind of [expiringTokens, slidingTokens]) {
          it(`keep a limit of 3 exactly while ${kind.name} issues 60 at once`, async () => {
            const tokens = kind({ store: knexTokens(pool), limit: 3 })
            const ann = await knexUsers(pool).findById('1')
            if (ann === null) throw new Error('ann is there')
            const outcomes = await Promise.allSettled(Array.from({ length: 60 }, () => tokens.issue(ann)))
            expect(rejections(outcomes)).to.deep.equal([])
            expect(await tokens.list(ann)).to.have.lengthOf(3)
          })
        }

        it('lose none of 200 logins that end at once', async () => {
          const users = knexUsers(pool)
          const entries = Array.from({ length: 200 }, (_, at) => `${String(at).padStart(10, '0')}:${at}`)
          const outcomes = await Promise.allSettled(
            entries.map(async (entry) => users.appendEndedLogin?.('1', entry, 8191)),
          )
          expect(rejections(outcomes)).to.deep.equal([])
          expect((await users.findById('1'))?.endedLogins?.split(' ').toSorted()).to.deep.equal(entries)
        })

        it('lose none of 60 tokens that are taken over, found, slid and removed at once', async () => {
          const store = knexTokens(pool)
          const digests = Array.from({ length: 60 }, (_, at) => `d${at}`)
          const token = { purpose: 'p', userId: '1', createdAt: 1, lastUsedAt: null, expiresAt: 10 }
          const added = await Promise.allSettled(digests.map((digest) => store.addMissing([{ ...token, digest }])))
          expect(rejections(added)).to.deep.equal([])
          const to = { expiresAt: 20, lastUsedAt: 2, unusedSince: 1 }
          const used = await Promise.allSettled(
            digests.flatMap((digest, at) => [
              store.slide(digest, to),
              at % 2 ? store.find(digest) : store.remove(digest),
            ]),
          )
          expect(rejections(used)).to.deep.equal([])
          expect(await store.list(token, 19)).to.have.lengthOf(30)
        })
      })
    }
  })
})

function rejections(outcomes: readonly PromiseSettledResult<unknown>[]): unknown[] {
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason).slice(-100)] : []))
}

/** A pool of ten sessions, each of which begins with a statement; for SQLite on a file of its own. */
async function poolWith(db: Knex, name: Database['name'], statement: string): Promise<[Knex, () => Promise<void>]> {
  const opened = (db.client as { config: Knex.Config }).config // Knex types its client as any
  const filename = join(tmpdir(), `koa-tokenapi-${randomUUID()}.sqlite3`)
  const pool = knex({
    ...opened,
    ...(name === 'SQLite' ? { connection: { filename } } : {}),
    acquireConnectionTimeout: 20000,
    pool: {
      min: 0,
      max: 10,
      afterCreate: (session: Session, done: (error: Error | null, session: Session) => void) => {
        const run = name === 'SQLite' ? session.exec : session.query
        run?.call(session, statement, (error) => done(error, session))
      },
    },
  })
  for (const table of ['tokens', 'users']) await pool.schema.dropTableIfExists(table)
  return [
    pool,
    async () => {
      await pool.destroy()
      await rm(filename, { force: true })
    },
  ]
}

type Run = (this: Session, statement: string, done: (error: Error | null) => void) => void

/** A session of sqlite3, pg or mysql2. */
interface Session {
  readonly exec?: Run
  readonly query?: Run
}
