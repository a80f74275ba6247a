import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { createTokenTable, createUserTable, knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { onEachDatabase } from '../../support/databases.js'

const ADDED = { users: ['ended_logins'], tokens: ['logged_in_at', 'bound', 'limits', 'name'] }

describe('docs/databases.md', () => {
  onEachDatabase((db) => {
    it('has the statements that bring older tables up to date', async () => {
      const page = await readFile(new URL('../../../docs/databases.md', import.meta.url), 'utf8')
      const [, sql = ''] = /^```sql\n(.*?)^```$/ms.exec(page) ?? []
      const statements = sql.split(';\n').filter((statement) => statement !== '')
      expect(statements).to.have.lengthOf(5)

      await createUserTable(db())
      await createTokenTable(db())
      for (const [table, columns] of Object.entries(ADDED)) {
        await db().schema.alterTable(table, (altered) => {
          altered.dropColumns(...columns)
        })
      }
      const outdated = await Promise.allSettled([knexUsers(db()).check(), knexTokens(db()).check()])
      expect(outdated.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])

      for (const statement of statements) await db().raw(statement)
      await knexUsers(db()).check()
      await knexTokens(db()).check()
    })
  })
})
