import { expect } from 'chai'
import knex, { type Knex } from 'knex'
import { activeUser } from 'koa-tokenapi'
import { createTokenTable, createUserTable, type IdColumn, knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { InternalError } from '../../../lib/errors.js'
import { type Database, onEachDatabase } from '../../support/databases.js'
import { warningsOf } from '../../support/warnings.js'

async function errorOf(work: Promise<unknown>): Promise<Error & { code?: unknown }> {
  const error: unknown = await work.then(
    () => new Error('it did not reject'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new TypeError('it rejected with what is not an error')
  return error
}

/** The error of a schema that is not what a store's options say; no part of it may hold a value. */
async function schemaErrorOf(work: Promise<unknown>): Promise<string> {
  const error = await errorOf(work)
  expect(error, error.message).to.be.instanceOf(InternalError).with.property('code', 'ERR_SCHEMA')
  for (const text of [error.message, error.stack, JSON.stringify(error), String(error.cause)]) {
    expect(text).not.to.include('s3cret')
  }
  expect(error.stack).to.match(/(?:users|tokens|table)\.ts/)
  return error.message
}

describe('users.check and tokens.check', () => {
  onEachDatabase((db, name) => {
    before(async () => {
      await createUserTable(db(), { table: 'checked' })
      await createTokenTable(db(), { table: 'checked_tokens' })
      await db()('checked').insert({ username: 'ann', password: 'x' })
    })

    const users = (options: Parameters<typeof knexUsers>[1] = {}) => knexUsers(db(), { table: 'checked', ...options })
    const tokens = (table = 'checked_tokens') => knexTokens(db(), { table })
    const token = { digest: 's3cret', purpose: 'p', userId: '1', createdAt: 1, lastUsedAt: null, expiresAt: 2 }

    it('pass for the tables of createUserTable and createTokenTable, empty or not, and warn of nothing', async () => {
      await createUserTable(db(), { table: 'empty_users' })
      const warnings = await warningsOf(async () => {
        await users().check()
        await users({ table: 'empty_users' }).check()
        await tokens().check()
        await tokens().add({ ...token, digest: 'a' })
        await tokens().check()
      })
      expect(warnings).to.deep.equal([])
    })

    it('name a table that is missing, as each use of it does', async () => {
      const [noUsers, noTokens] = [users({ table: 'no_users' }), tokens('no_tokens')]
      for (const work of [
        async () => noUsers.check(),
        async () => noUsers.findById('1'),
        async () => noUsers.findByUsername('s3cret'),
        async () => noUsers.bumpEpoch?.('1'),
      ]) {
        expect(await schemaErrorOf(work())).to.match(/^table no_users does not exist \(\w+\)$/)
      }
      for (const work of [
        async () => noTokens.check(),
        async () => noTokens.find('s3cret'),
        async () => noTokens.add(token),
        async () => noTokens.remove('s3cret'),
      ]) {
        expect(await schemaErrorOf(work())).to.match(/^table no_tokens does not exist \(\w+\)$/)
      }
    })

    it('name a column that is missing, as each use of it does', async () => {
      for (const property of ['id', 'username', 'password', 'isActive', 'tokenEpoch', 'endedLogins', 'fullName']) {
        const store = users({ columns: { [property]: 'no_such' } })
        for (const work of [
          async () => store.check(),
          async () => store.findById('1'),
          async () => store.findByUsername('s3cret'),
        ]) {
          expect(await schemaErrorOf(work()), property).to.match(
            /^column no_such of table checked does not exist \(\w+\)$/,
          )
        }
      }
    })

    it('name each column of the token table that is missing', async () => {
      for (const column of ['user_id', 'logged_in_at', 'bound', 'limits', 'name', 'digest', 'id']) {
        const table = `without_${column}`
        await createTokenTable(db(), { table })
        await db().schema.alterTable(table, (columns) => {
          columns.renameColumn(column, 'renamed')
        })
        const said = new RegExp(`^column ${column} of table ${table} does not exist \\(\\w+\\)$`)
        expect(await schemaErrorOf(tokens(table).check())).to.match(said)
        expect(await schemaErrorOf(tokens(table).find('s3cret'))).to.match(said)
        if (column !== 'id') expect(await schemaErrorOf(tokens(table).add(token))).to.match(said)
      }
    })

    it('notice a table that is renamed while it is used, and recover', async () => {
      const store = users()
      expect((await store.findById('1'))?.username).to.equal('ann')
      await db().schema.renameTable('checked', 'renamed')
      expect(await schemaErrorOf(store.findById('1'))).to.include('table checked does not exist')
      await db().schema.renameTable('renamed', 'checked')
      expect((await store.findById('1'))?.username).to.equal('ann')
      await store.check()
    })

    it('say that ids are kept in another way than the option id says', async () => {
      await createTextIds(db(), 'text_ids')
      await db()('text_ids').insert({ id: 'u-1', username: 's3cret' })
      for (const [table, id] of [
        ['text_ids', 'integer'],
        ['text_ids', 'bigint'],
        ['text_ids', 'uuid'],
        ['checked', 'uuid'],
      ] as const) {
        const message = await schemaErrorOf(users({ table, id }).check())
        expect(message, id).to.match(/the option id: '\w+' does not allow|has another type than the options say/)
      }
    })

    if (name === 'MariaDB') {
      it('refuse NO_BACKSLASH_ESCAPES, in which the stores themselves are still safe', async () => {
        const strict = await sessionsWith(db(), "set session sql_mode = 'STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES'")
        const loose = knexUsers(strict, { table: 'checked' })
        const looseTokens = knexTokens(strict, { table: 'checked_tokens' })
        expect(await schemaErrorOf(loose.check())).to.include('NO_BACKSLASH_ESCAPES')
        expect(await schemaErrorOf(looseTokens.check())).to.include('NO_BACKSLASH_ESCAPES')

        const breakout = "\\' or 1=1 -- "
        const [row] = await strict
          .raw('select count(*) as count from checked where username = ?', [breakout])
          .then(([rows]: [{ count: number }[]]) => rows)
        expect(row?.count).to.equal(1) // the application's own statement is open
        expect(await loose.findByUsername(breakout)).to.equal(null)
        expect(await looseTokens.find(breakout)).to.equal(null)
        expect(await looseTokens.remove(breakout)).to.equal(false)
        await looseTokens.removeAll({ purpose: breakout, userId: breakout })
        await looseTokens.add({ ...token, digest: 'named', name: breakout, purpose: breakout })
        expect(await looseTokens.find('named')).to.include({ name: breakout, purpose: breakout })
        const textIds = knexUsers(strict, { table: 'text_ids', id: 'text' })
        const bumped = await errorOf(textIds.bumpEpoch?.(breakout) ?? Promise.resolve())
        expect(bumped).to.have.property('code', 'ERR_USER_NOT_FOUND')
        expect((await textIds.findById('u-1'))?.tokenEpoch).to.equal(0)
        await strict.destroy()
      })

      it('warn of a server that is not strict, on which an epoch at its largest value is not raised', async () => {
        const lax = await sessionsWith(db(), "set session sql_mode = ''")
        const store = knexUsers(lax, { table: 'checked' })
        const warnings = await warningsOf(() => store.check())
        expect(warnings).to.have.lengthOf(1)
        expect(warnings[0]).to.include('sql_mode is not strict')
        await db()('checked').update({ token_epoch: 2147483646 })
        await store.bumpEpoch?.('1')
        const error = await errorOf(store.bumpEpoch?.('1') ?? Promise.resolve())
        expect(error).to.have.property('code', 'ERR_REVOKE_NO_EFFECT')
        expect(error.message).to.equal('column token_epoch of table checked cannot be raised')
        expect((await store.findById('1'))?.tokenEpoch).to.equal(2147483647)
        await lax.destroy()
      })
    }

    if (name !== 'SQLite') {
      it('reject the raise of an epoch that is at its largest value', async () => {
        await db()('checked').update({ token_epoch: 2147483647 })
        expect(await errorOf(users().bumpEpoch?.('1') ?? Promise.resolve())).to.be.instanceOf(Error)
        await db()('checked').update({ token_epoch: 0 })
      })
    }
  })
})

/** Ids that a column has and an option does not allow. */
const STRAYS: readonly (readonly [type: IdColumn, column: string, id: string, only?: readonly Database['name'][]])[] = [
  ['integer', 'bigint', '0'],
  ['integer', 'bigint', '-5'],
  ['integer', 'bigint', '2147483648'],
  ['integer', 'bigint', '9007199254740993'],
  ['integer', 'numeric(10,2)', '1.5'],
  ['bigint', 'bigint', '0'],
  ['bigint', 'bigint', '-9223372036854775808'],
  ['bigint', 'bigint unsigned', '18446744073709551615', ['MariaDB']],
  ['uuid', 'varchar(100)', '1'],
  ['uuid', 'varchar(100)', 'g190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'],
  ['text', 'varchar(300)', ''],
  ['text', 'varchar(300)', 'a\nb'],
  ['text', 'varchar(300)', 'a'.repeat(256)],
]

describe('a user whose id the option id does not allow', () => {
  onEachDatabase((db, name) => {
    for (const [at, [type, column, id, only]] of STRAYS.entries()) {
      if (only !== undefined && !only.includes(name)) continue
      it(`is an internal error at the login, not a token that never works: ${type} for ${column} ${id.slice(0, 30)}`, async () => {
        const table = `strays_${at}`
        await createIds(db(), table, column)
        await db()(table).insert([
          { id, username: 's3cret' },
          {
            id: { integer: '7', bigint: '7', uuid: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', text: '7' }[type],
            username: 'ann',
          },
        ])
        const store = knexUsers(db(), { table, id: type })
        const find = activeUser(store)
        const [stray, ann] = await Promise.all([
          schemaErrorOf(find({ username: 's3cret' })),
          find({ username: 'ann' }), // in the same query
        ])
        expect(stray).to.equal(`table ${table} has an id that the option id: '${type}' does not allow`)
        expect(ann.ok).to.equal(true)
      })
    }

    it('may be up to the largest of a smaller column, beyond which there is no user', async () => {
      await createIds(db(), 'small', 'smallint')
      await db()('small').insert({ id: 32767, username: 'ann' })
      const store = knexUsers(db(), { table: 'small' })
      const find = async (id: string) => (await store.findById(id))?.username
      expect(await find('32767')).to.equal('ann')
      expect(await find('32768')).to.equal(undefined)
      expect(await find('2147483647')).to.equal(undefined)
      expect(await errorOf(store.bumpEpoch?.('40000') ?? Promise.resolve())).to.have.property(
        'code',
        'ERR_USER_NOT_FOUND',
      )
    })
  })
})

async function createIds(db: Knex, table: string, type: string): Promise<void> {
  await db.schema.createTable(table, (columns) => {
    columns.specificType('id', type).primary()
    columns.string('username', 254)
    columns.string('password', 255)
    columns.boolean('is_active')
    columns.integer('token_epoch').defaultTo(0)
    columns.text('ended_logins')
  })
}

async function createTextIds(db: Knex, table: string): Promise<void> {
  await createIds(db, table, 'varchar(100)')
}

/** Another pool on the same database, whose sessions begin with a statement. */
async function sessionsWith(db: Knex, statement: string): Promise<Knex> {
  type Session = { query(statement: string, done: (error: Error | null) => void): void }
  return knex({
    ...(db.client as { config: Knex.Config }).config, // Knex types its client as any
    pool: {
      min: 0,
      max: 2,
      afterCreate: (session: Session, done: (error: Error | null, session: Session) => void) =>
        session.query(statement, (error) => done(error, session)),
    },
  })
}
