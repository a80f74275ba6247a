import { inspect } from 'node:util'
import { expect } from 'chai'
import type { Knex } from 'knex'
import { expiringTokenApi, InternalError } from 'koa-tokenapi'
import { createTokenTable, createUserTable, djangoTokens, knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { codeOf } from '../../../lib/errors.js'
import { DatabaseError } from '../../../lib/stores/knex/database-error.js'
import { type Database, onEachDatabase } from '../../support/databases.js'

const HASH = 'pbkdf2_sha256$1$salt$this-must-not-be-logged'
const CODES: Readonly<Record<Database['name'], RegExp>> = {
  SQLite: /^SQLITE_CONSTRAINT$/,
  PostgreSQL: /^23514$/,
  MariaDB: /^ER_[A-Z_]+$/, // mysql2 calls 4025 of MariaDB by a name of MySQL,
}

async function rejectionOf(work: PromiseLike<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it did not reject with an error')
}

/** Everything that a logger may find in an error, also what does not show in its message. */
function everythingIn(error: Error): string {
  const properties = Object.getOwnPropertyNames(error).map((name) => inspect(Reflect.get(error, name)))
  return [String(error), error.stack, inspect(error, { depth: 9, showHidden: true }), ...properties].join('\n')
}

/** Makes each insert and update fail that leaves another value than null or 0 in a column of integers. */
async function refuseWrites(db: Knex, name: Database['name'], table: string, column: string): Promise<void> {
  const constraint = `${table}_${column}`
  if (name !== 'SQLite') {
    await db.raw(`alter table ${table} add constraint ${constraint} check (coalesce(${column}, 0) = 0)`)
    return
  }
  for (const write of ['insert', 'update']) {
    await db.raw(
      `create trigger ${constraint}_${write} before ${write} on ${table} when coalesce(new.${column}, 0) <> 0
        begin select raise(abort, 'refused'); end`,
    )
  }
}

/** What a driver, Knex or a database writes into an error. */
function expectNoValueIn(error: Error, name: string): void {
  const text = everythingIn(error)
  expect(text, name).not.to.match(/must-not-be-logged|pbkdf2|insert into|update .* set|select .* from|Failing row/)
  expect(text, name).not.to.match(/[A-Za-z0-9_-]{40}|[0-9a-f]{40}/i) // a token, a digest of one, or either in hexadecimal
  expect(text, name).not.to.include(Buffer.from('must-not-be-logged').toString('hex'))
}

describe('an error of a database', () => {
  onEachDatabase((db, database) => {
    const tokens = (): ReturnType<typeof knexTokens> => knexTokens(db(), { table: 'refusing_tokens' })
    const users = (): ReturnType<typeof knexUsers> => knexUsers(db(), { table: 'refusing_users' })
    const ann = { id: 1, username: 'ann', password: HASH }
    const works: Readonly<Record<string, () => PromiseLike<unknown>>> = {
      'api.issue': () => expiringTokenApi({ users: users(), store: tokens() }).issue(ann),
      'adoptTokens, the batch of an import': () =>
        tokens().addMissing([
          {
            digest: 'must-not-be-logged-must-not-be-logged-must',
            purpose: 'p',
            userId: '1',
            createdAt: 1,
            lastUsedAt: null,
            expiresAt: 9,
          },
        ]),
      'the raise of an epoch, for the row of the user': async () => users().bumpEpoch?.('1'),
      'the end of a login, which raises the epoch where the text is full': async () =>
        users().appendEndedLogin?.('1', 'must-not-be-logged', 1),
    }

    before(async () => {
      await createUserTable(db(), { table: 'refusing_users' })
      await createTokenTable(db(), { table: 'refusing_tokens' })
      await db()('refusing_users').insert({ username: 'ann', password: HASH, is_active: true })
      await refuseWrites(db(), database, 'refusing_users', 'token_epoch')
      await refuseWrites(db(), database, 'refusing_tokens', 'created_at')
    })

    it('has something to keep out: the same statements of the application show their values', async () => {
      const insert = db()('refusing_users').insert({ username: 'bob', password: HASH, token_epoch: 1 })
      expect(everythingIn(await rejectionOf(insert))).to.include('this-must-not-be-logged')
    })

    for (const [name, work] of Object.entries(works)) {
      it(`keeps its code and nothing of the values: ${name}`, async () => {
        const error = await rejectionOf(work())
        expectNoValueIn(error, name)
        expect(error).to.be.an.instanceof(InternalError)
        expect(error).to.have.property('code').that.matches(CODES[database])
        expect(error.message).to.include(codeOf(error))
        if (database === 'MariaDB') expect(error).to.include({ errno: 4025, sqlState: '23000' })
        expect(error.stack).to.match(/\n\s+at .*:[0-9]+:[0-9]+\)?$/)
      })
    }

    it('keeps nothing of the token after which the reader of an import goes on', async () => {
      await db().schema.createTable('authtoken_token', (columns) => {
        columns.string('key', 40).primary()
        columns.integer('user_id')
        columns.datetime('created')
      })
      const key = 'f'.repeat(40)
      await db()('authtoken_token').insert({ key, user_id: 1, created: new Date(0) })
      const reader = djangoTokens(db(), { table: 'authtoken_token', batch: 1 })
      await reader.next()
      await db().schema.dropTable('authtoken_token')
      const error = await rejectionOf(reader.next())
      expectNoValueIn(error, 'djangoTokens')
      expect(error).to.be.an.instanceof(InternalError)
      expect(error.message).to.match(/table ([\w.]+\.)?authtoken_token does not exist/)
    })

    it('keeps nothing of a name that was looked up within a transaction that has ended', async () => {
      const transaction = await db().transaction()
      const store = knexUsers(transaction, { table: 'refusing_users' })
      await transaction.rollback()
      const error = await rejectionOf(store.findByUsername('this-must-not-be-logged'))
      expectNoValueIn(error, 'an ended transaction')
      expect(error).to.be.an.instanceof(InternalError)
    })
  })
})

describe('DatabaseError', () => {
  const driver = Object.assign(new Error('insert into t values (secret)'), {
    code: 'ER_DUP_ENTRY',
    errno: 1062,
    sqlState: '23000',
    sql: 'secret',
    sqlMessage: "Duplicate entry 'secret'",
    detail: 'secret',
  })

  it('keeps the code, the number and the SQLSTATE of the driver, by which a caller may tell errors apart', () => {
    expect(new DatabaseError(driver)).to.include({ code: 'ER_DUP_ENTRY', errno: 1062, sqlState: '23000' })
    expect(everythingIn(new DatabaseError(driver))).not.to.include('secret')
  })

  it('has a code of this library where the driver has none, and keeps the name of a timeout', () => {
    const late = Object.assign(new Error('select secret'), { name: 'KnexTimeoutError', sql: 'secret' })
    expect(new DatabaseError(late)).to.include({ name: 'KnexTimeoutError', code: 'ERR_INTERNAL' })
    expect(everythingIn(new DatabaseError(late))).not.to.include('secret')
  })

  it('keeps no number and no SQLSTATE of another form', () => {
    const odd = Object.assign(new Error('x'), { errno: 'secret', sqlState: 'secret' })
    expect(everythingIn(new DatabaseError(odd))).not.to.match(/secret|errno|sqlState/)
  })

  it('has the causes of the error in the same form', () => {
    const cause = Object.assign(new Error('secret'), { code: 'E_CAUSE' })
    const error = new DatabaseError(new Error('secret', { cause }))
    expect(error.cause).to.include({ code: 'E_CAUSE', message: 'Error E_CAUSE' })
    expect(everythingIn(error)).not.to.include('secret')
  })
})
