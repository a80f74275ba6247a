import { expect } from 'chai'
import { createUserTable, knexUsers } from 'koa-tokenapi/knex'
import { onEachDatabase } from '../../support/databases.js'

describe('createUserTable', () => {
  onEachDatabase((db) => {
    it('makes the table that knexUsers reads, with its defaults', async () => {
      await createUserTable(db())
      await db()('users').insert({ username: 'ann', password: 'hash of ann' })
      const ann = await knexUsers(db()).findByUsername('ann')
      expect(ann?.id).to.equal(1)
      expect(ann?.isActive).to.be.oneOf([true, 1])
      expect(ann?.tokenEpoch).to.equal(0)
    })

    it('names the table as it is told', async () => {
      await createUserTable(db(), { table: 'members' })
      await db()('members').insert({ username: 'ann', password: null })
      expect((await knexUsers(db(), { table: 'members' }).findById('1'))?.username).to.equal('ann')
    })

    it('lets a user name be there once, and tells names apart by their bytes', async () => {
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

    it('rejects where the table is there already', async () => {
      await createUserTable(db(), { table: 'twice' })
      const outcome = await createUserTable(db(), { table: 'twice' }).then(
        () => 'made again',
        () => 'rejected',
      )
      expect(outcome).to.equal('rejected')
    })
  })
})
