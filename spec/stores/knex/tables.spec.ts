import { expect } from 'chai'
import { createTokenTable, createUserTable, knexTokens, knexUsers } from 'koa-tokenapi/knex'
import type { Knex } from 'knex'
import { type Database, onEachDatabase } from '../../support/databases.js'

describe('createUserTable', () => {
  onEachDatabase((db) => {
    it('makes the table that knexUsers reads, with its defaults', async () => {
      await createUserTable(db())
      await db()('users').insert({ username: 'ann', password: 'hash of ann' })
      const ann = await knexUsers(db()).findByUsername('ann')
      expect(ann?.id).to.equal(1)
      expect(ann?.isActive).to.be.oneOf([true, 1])
      expect(ann?.tokenEpoch).to.equal(0)
      expect(ann?.endedLogins).to.equal(null)
    })

    it('has room for 64 KB less a byte of ended logins', async () => {
      await createUserTable(db(), { table: 'ended' })
      await db()('ended').insert({ username: 'ann', ended_logins: 'x'.repeat(65535) })
      expect((await knexUsers(db(), { table: 'ended' }).findById('1'))?.endedLogins).to.have.lengthOf(65535)
    })

    it('gives the table the name of the option', async () => {
      await createUserTable(db(), { table: 'members' })
      await db()('members').insert({ username: 'ann', password: null })
      expect((await knexUsers(db(), { table: 'members' }).findById('1'))?.username).to.equal('ann')
    })

    it('allows a user name once, and compares names by their bytes', async () => {
      await createUserTable(db(), { table: 'bytes' })
      await db()('bytes').insert({ username: 'admin' })
      await db()('bytes').insert({ username: 'Admin' })
      await db()('bytes').insert({ username: 'ádmin' })
      const outcome = await db()('bytes')
        .insert({ username: 'admin' })
        .then(
          () => 'inserted',
          () => 'refused',
        )
      expect(outcome).to.equal('refused')
      const store = knexUsers(db(), { table: 'bytes' })
      const names = ['admin', 'Admin', 'ádmin', 'ADMIN']
      const found = await Promise.all(names.map((name) => store.findByUsername(name)))
      expect(found.map((user) => user?.username)).to.deep.equal(['admin', 'Admin', 'ádmin', undefined])
    })

    it('holds names of 254 characters and hashes of 255', async () => {
      await createUserTable(db(), { table: 'wide' })
      const longest = { username: 'ü'.repeat(254), password: 'h'.repeat(255) }
      await db()('wide').insert(longest)
      expect((await knexUsers(db(), { table: 'wide' }).findByUsername(longest.username))?.password).to.equal(
        longest.password,
      )
    })

    it('rejects if the table exists already', async () => {
      await createUserTable(db(), { table: 'twice' })
      const outcome = await createUserTable(db(), { table: 'twice' }).then(
        () => 'made again',
        () => 'rejected',
      )
      expect(outcome).to.equal('rejected')
    })
  })
})

/** Types of a user table's ids, as the databases write them, with one value each. */
const ID_TYPES: readonly (readonly [type: string, id: string, only?: readonly Database['name'][]])[] = [
  ['integer', '7'],
  ['bigint', '9007199254740993'],
  ['varchar(100)', 'Ünï'],
  ['varchar(36)', '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'],
  ['int unsigned', '4294967295', ['MariaDB']],
  ['varchar(100) collate latin1_german1_ci', 'Ünï', ['MariaDB']],
  ['uuid', '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', ['MariaDB', 'PostgreSQL']],
]

describe('createTokenTable', () => {
  onEachDatabase((db, name) => {
    before(async () => {
      if (name === 'SQLite') await db().raw('pragma foreign_keys = on')
    })

    const token = { purpose: 'sliding', createdAt: 1, lastUsedAt: null, expiresAt: 10 }

    for (const [at, [type, id, only]] of ID_TYPES.entries()) {
      if (only !== undefined && !only.includes(name)) continue
      it(`can refer to users whose ids are ${type}, and tokens are deleted with their user`, async () => {
        const [users, tokens] = [`owners${at}`, `owned${at}`]
        await db().raw(`create table ${users} (${quotedKey(db())} ${type} not null primary key)`)
        await createTokenTable(db(), { table: tokens, users: { table: users, column: 'User Key' } })
        const store = knexTokens(db(), { table: tokens })
        await db()(users).insert({ 'User Key': id })
        await store.add({ ...token, digest: 'a', userId: id })
        expect(await store.find('a')).to.include({ userId: id })
        expect(await store.list({ purpose: 'sliding', userId: id }, 5)).to.have.lengthOf(1)
        const orphan = await store.add({ ...token, digest: 'b', userId: id.replace(/^./, '1') }).then(
          () => 'stored',
          () => 'rejected',
        )
        expect(orphan).to.equal('rejected')
        await db()(users).delete()
        expect(await store.find('a')).to.equal(null)
      })
    }

    it('refers to the table of createUserTable by default', async () => {
      await createUserTable(db())
      await createTokenTable(db(), { users: {} })
      await db()('users').insert({ username: 'ann' })
      const store = knexTokens(db())
      await store.add({ ...token, digest: 'a', userId: '1' })
      await db()('users').delete()
      expect(await store.find('a')).to.equal(null)
    })

    it('says which table or column it cannot refer to', async () => {
      await createUserTable(db(), { table: 'people' })
      for (const [users, message] of [
        [{ table: 'people', column: 'uid' }, 'column uid of table people does not exist'],
        [{ table: 'absent' }, name === 'MariaDB' ? 'absent' : 'column id of table absent does not exist'],
      ] as const) {
        const error: unknown = await createTokenTable(db(), { table: 'unmade', users }).catch(
          (reason: unknown) => reason,
        )
        expect(error).to.be.instanceOf(Error).with.property('message').that.includes(message)
      }
      expect(await db().schema.hasTable('unmade')).to.equal(false)
    })
  })
})

function quotedKey(db: Knex): string {
  return db.raw('??', ['User Key']).toQuery()
}
