import { expect } from 'chai'
import knex, { type Knex } from 'knex'
import { createTokenTable, createUserTable, knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { types } from 'pg'
import { type Database, onEachDatabase } from '../../support/databases.js'
import { behavesLikeATokenStore } from '../../support/token-store.contract.js'
import { behavesLikeAUserStore, PEOPLE } from '../../support/user-store.contract.js'

type Settings = Record<string, unknown>
interface Way {
  /** Of the connection, for the driver. */
  readonly connection?: Settings
  /** Of Knex. */
  readonly config?: Knex.Config
}

const asBigInt = (value: string): bigint => BigInt(value)

/** What applications set for their drivers, which changes what comes back. */
const WAYS: Readonly<Record<string, Readonly<Partial<Record<Database['name'], Way>>>>> = {
  'integers as bigints': {
    PostgreSQL: {
      connection: {
        types: {
          getTypeParser: (oid: number, format: 'text') =>
            [20, 21, 23].includes(oid) ? asBigInt : types.getTypeParser(oid, format),
        },
      },
    },
    MariaDB: {
      connection: {
        typeCast: (field: { type: string; string(): string | null }, next: () => unknown) => {
          if (!/^(?:TINY|SHORT|LONG|LONGLONG)$/.test(field.type)) return next()
          const value = field.string()
          return value === null ? null : BigInt(value)
        },
      },
    },
  },
  'large integers as texts': {
    MariaDB: { connection: { supportBigNumbers: true, bigNumberStrings: true } },
  },
  'times of other zones': {
    MariaDB: { connection: { timezone: '+05:30', dateStrings: true } },
    PostgreSQL: { connection: { options: '-c timezone=Asia/Kolkata -c standard_conforming_strings=off' } },
  },
  'stack traces of asynchronous calls': {
    SQLite: { config: { asyncStackTraces: true } },
    PostgreSQL: { config: { asyncStackTraces: true } },
    MariaDB: { config: { asyncStackTraces: true } },
  },
}

describe('stores over drivers with settings of the application', () => {
  for (const [title, ways] of Object.entries(WAYS)) {
    describe(`that returns ${title}`, () => {
      onEachDatabase((db, name) => {
        const way = ways[name]
        if (way === undefined) return
        let pool: Knex
        before(async () => {
          pool = poolOf(db(), way)
          await createUserTable(pool)
          await createTokenTable(pool)
        })
        after(() => pool.destroy())

        behavesLikeAUserStore(async () => {
          await pool('users').delete()
          const rows = PEOPLE.map(({ username, password, isActive, tokenEpoch }, at) => {
            return { id: at + 1, username, password, is_active: isActive, token_epoch: tokenEpoch }
          })
          await pool('users').insert(rows)
          return { store: knexUsers(pool), ids: ['1', '2', '3'], strangers: ['4', '0', '01', ''] }
        })

        describe('for tokens', () => {
          beforeEach(() => pool('tokens').delete())
          behavesLikeATokenStore(async () => knexTokens(pool))
        })

        it('let an active user act, and show numbers', async () => {
          await pool('users').delete()
          await pool('users').insert({ id: 1, username: 'ann', token_epoch: 5 })
          const ann = await knexUsers(pool).findById('1')
          expect(ann?.isActive).to.be.oneOf([true, 1])
          expect([ann?.id, ann?.tokenEpoch]).to.deep.equal([1, 5])
          await knexUsers(pool).check()
          await knexTokens(pool).check()
        })
      })
    })
  }

  onEachDatabase((db, name) => {
    before(async () => {
      await createUserTable(db())
      await createTokenTable(db())
      await db()('users').insert({ id: 1, username: 'ann' })
    })

    if (name === 'MariaDB') {
      for (const setting of ['rowsAsArray', 'nestTables']) {
        it(`reject rows whose columns have no names of their own: ${setting}`, async () => {
          const pool = poolOf(db(), { connection: { [setting]: true } })
          const outcomes = await Promise.allSettled([
            knexUsers(pool).findById('1'),
            knexUsers(pool).findByUsername('ann'),
            knexUsers(pool).check(),
          ])
          await pool.destroy()
          for (const outcome of outcomes) {
            expect(outcome)
              .to.have.property('reason')
              .with.property('message')
              .that.matches(/^a row .*came back without (?:id|mode)$/)
          }
        })
      }
    }

    it('read and write within a transaction of the application, and undo with it', async () => {
      const token = { purpose: 'p', userId: '1', createdAt: 1, lastUsedAt: null, expiresAt: 9, digest: 'd' }
      const trx = await db().transaction()
      await knexUsers(trx).bumpEpoch?.('1')
      await knexTokens(trx).add(token)
      expect((await knexUsers(trx).findById('1'))?.tokenEpoch).to.equal(1)
      expect(await knexTokens(trx).list(token, 5)).to.have.lengthOf(1)
      await trx.rollback()
      expect((await knexUsers(db()).findById('1'))?.tokenEpoch).to.equal(0)
      expect(await knexTokens(db()).find('d')).to.equal(null)
    })

    it('work again after the pool was closed and opened', async () => {
      const pool = knex((db().client as { config: Knex.Config }).config) // Knex types its client as any
      if (name === 'SQLite') await createUserTable(pool)
      const store = knexUsers(pool)
      expect(await store.findById('7')).to.equal(null)
      await pool.destroy()
      const closed = await store.findById('7').then(
        () => 'found',
        () => 'rejected',
      )
      expect(closed).to.equal('rejected')
      pool.initialize()
      if (name === 'SQLite') await createUserTable(pool)
      expect(await store.findById('7')).to.equal(null)
      await pool.destroy()
    })
  })
})

/** Another pool on the same database, with settings of an application. */
function poolOf(db: Knex, { connection, config }: Way): Knex {
  const client = db.client as { config: Knex.Config; connectionSettings: Settings } // Knex types its client as any
  const settings = connection === undefined ? client.config.connection : { ...client.connectionSettings, ...connection }
  return knex({ ...client.config, connection: settings as Knex.StaticConnectionConfig, ...config }) // the driver's own
}
