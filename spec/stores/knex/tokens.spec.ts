import { expect } from 'chai'
import type { Knex } from 'knex'
import type { NewStoredToken, StoredToken } from 'koa-tokenapi'
import { createTokenTable, knexTokens } from 'koa-tokenapi/knex'
import { onEachDatabase } from '../../support/databases.js'
import { statementsOf } from '../../support/statements.js'
import { behavesLikeATokenStore } from '../../support/token-store.contract.js'

const NOW = 1795000000

function tokenOf(digest: string, times: Partial<StoredToken> = {}): NewStoredToken {
  return { digest, purpose: 'sliding', userId: '1', createdAt: NOW, lastUsedAt: null, expiresAt: NOW + 100, ...times }
}

describe('knexTokens', () => {
  onEachDatabase((db, name) => {
    before(() => createTokenTable(db()))
    beforeEach(() => db()('tokens').delete())

    behavesLikeATokenStore(async () => knexTokens(db()))

    it('keeps its tokens in the table that is named', async () => {
      await createTokenTable(db(), { table: 'other_tokens' })
      const store = knexTokens(db(), { table: 'other_tokens' })
      const id = await store.add(tokenOf('a'))
      expect(await store.find('a')).to.include({ id })
      expect(await knexTokens(db()).find('a')).to.equal(null)
      expect(await knexTokens(db()).removeOne({ purpose: 'sliding', userId: '1' }, id)).to.equal(false)
    })

    it('sends one query for all tokens of one tick, and another in the next', async () => {
      const store = knexTokens(db())
      await store.add(tokenOf('a'))
      await store.add(tokenOf('b'))
      const { statements } = await statementsOf(db(), async () => {
        const tokens = await Promise.all(['a', 'b', 'c', 'a'].map((digest) => store.find(digest)))
        expect(tokens.map((token) => token?.digest)).to.deep.equal(['a', 'b', undefined, 'a'])
      })
      expect(statements.map(({ sql }) => sql.split(' ')[0])).to.deep.equal(['select'])
      const again = await statementsOf(db(), () => store.find('a'))
      expect(again.statements).to.have.lengthOf(1)
    })

    it('writes a slide in one statement', async () => {
      const store = knexTokens(db())
      await store.add(tokenOf('a'))
      const { statements } = await statementsOf(db(), () =>
        store.slide('a', { expiresAt: NOW + 200, lastUsedAt: NOW + 60, unusedSince: NOW }),
      )
      expect(statements.map(({ sql, rows }) => [sql.split(' ')[0], rows])).to.deep.equal([['update', 1]])
    })

    it('removes by id up to the largest that its column holds', async () => {
      const table = 'full_tokens' // of its own, since ids go on from the largest
      await createTokenTable(db(), { table })
      const store = knexTokens(db(), { table })
      const owner = { purpose: 'sliding', userId: '1' }
      const times = { created_at: NOW, expires_at: NOW + 100 }
      for (const id of [999999999, 1000000000, 2147483647, ...(name === 'MariaDB' ? [4294967295] : [])]) {
        await db()(table).insert({ id, digest: `d${id}`, purpose: 'sliding', user_id: '1', ...times })
        expect(await store.removeOne(owner, String(id)), String(id)).to.equal(true)
      }
    })

    it('sends nothing for what is not an id', async () => {
      const store = knexTokens(db())
      const { statements } = await statementsOf(db(), async () => {
        for (const id of ['', '0', '01', 'x', '4294967296', '1'.repeat(100)]) {
          await store.removeOne({ purpose: 'sliding', userId: '1' }, id)
        }
      })
      expect(statements).to.deep.equal([])
    })

    it('rejects if its table is missing, for each of several at once', async () => {
      const store = knexTokens(db(), { table: 'missing' })
      const outcomes = await Promise.allSettled([
        store.find('a'),
        store.find('b'),
        store.add(tokenOf('a')),
        store.remove('a'),
        store.slide('a', { expiresAt: NOW, lastUsedAt: NOW, unusedSince: NOW }),
        store.list({ purpose: 'sliding', userId: '1' }, NOW),
      ])
      expect(outcomes.map(({ status }) => status)).to.deep.equal(Array(6).fill('rejected'))
    })

    if (name !== 'SQLite') {
      it('gives a slow query up after its time, once for all that wait for it', async () => {
        const store = knexTokens(db(), { timeout: 0.2 })
        await store.add(tokenOf('a'))
        await locked(db(), name, async () => {
          const { statements, result } = await statementsOf(db(), () =>
            Promise.allSettled([store.find('a'), store.find('b')]),
          )
          expect(result.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
          expect(statements).to.have.lengthOf(1)
        })
      })
    }
  })

  it('is for the databases whose comparisons have been tried', () => {
    const loose = { client: { dialect: 'oracle' } } as unknown as Knex // as a caller without types
    expect(() => knexTokens(loose)).to.throw(TypeError, 'db must be')
  })
})

/** Runs something while another connection keeps all others from reading the table. */
async function locked(db: Knex, name: string, work: () => Promise<void>): Promise<void> {
  await db.transaction(async (trx) => {
    await trx.raw(name === 'PostgreSQL' ? 'lock table tokens in access exclusive mode' : 'lock tables tokens write')
    try {
      await work()
    } finally {
      if (name === 'MariaDB') await trx.raw('unlock tables')
    }
  })
}
