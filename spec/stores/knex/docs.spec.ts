import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { createTokenTable, createUserTable, knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { onEachDatabase } from '../../support/databases.js'

const ADDED = { users: ['ended_logins'], tokens: ['logged_in_at', 'bound', 'limits', 'name'] }

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const pageText = (): Promise<string> => readFile(join(ROOT, 'docs/databases.md'), 'utf8')

describe('docs/databases.md', () => {
  it('has an example that checks both tables and rejects if the database cannot be reached', async () => {
    const [, example = ''] = /^```ts\n(.*?)^```$/ms.exec(await pageText()) ?? []
    // Inside the project, so that 'koa-tokenapi' is found there as a user finds it.
    await mkdir(join(ROOT, '.tmp'), { recursive: true })
    const folder = await mkdtemp(join(ROOT, '.tmp', 'databases-'))
    const before = process.env['DATABASE_URL']
    process.env['DATABASE_URL'] = 'postgres://none@127.0.0.1:1/none'
    try {
      const file = join(folder, 'example.ts')
      await writeFile(file, example)
      const { start } = (await import(pathToFileURL(file).href)) as { readonly start: () => Promise<void> } // as the page has it
      const error: unknown = await start().catch((reason: unknown) => reason)
      expect(error).to.be.instanceOf(Error).with.property('code', 'ECONNREFUSED')
    } finally {
      if (before === undefined) delete process.env['DATABASE_URL']
      else process.env['DATABASE_URL'] = before
      await rm(folder, { recursive: true })
    }
  })

  onEachDatabase((db) => {
    it('has the statements that bring older tables up to date', async () => {
      const [, sql = ''] = /^```sql\n(.*?)^```$/ms.exec(await pageText()) ?? []
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
