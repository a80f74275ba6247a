import { expect } from 'chai'
import knex, { type Knex } from 'knex'
import { activeUser, expiringTokens, slidingTokens } from 'koa-tokenapi'
import { createTokenTable, createUserTable, knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { knexSnakeCaseMappers } from 'objection'
import { onEachDatabase } from '../../support/databases.js'
import { behavesLikeATokenStore } from '../../support/token-store.contract.js'
import { behavesLikeAUserStore, PEOPLE } from '../../support/user-store.contract.js'

type Hooks = Pick<Knex.Config, 'wrapIdentifier' | 'postProcessResponse'>

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
/** As lodash's mapKeys: MySQL returns undefined beside the rows. */
const camelKeys = (row: object | undefined): object =>
  Object.fromEntries(Object.entries(row ?? {}).map(([key, value]: [string, unknown]) => [camel(key), value]))

const wrapIdentifier: NonNullable<Hooks['wrapIdentifier']> = (value, origImpl) => origImpl(snake(value))

/** What applications do to names, and to what a statement returns. */
const USUAL: Readonly<Record<string, Hooks>> = {
  'knexSnakeCaseMappers of Objection': knexSnakeCaseMappers(),
  'wrapIdentifier and postProcessResponse as in the documentation of Knex': {
    wrapIdentifier,
    postProcessResponse: (result: object | undefined | (object | undefined)[]) =>
      Array.isArray(result) ? result.map(camelKeys) : camelKeys(result),
  },
  'wrapIdentifier only': { wrapIdentifier },
}

/** What an application might do. */
const UNUSUAL: Readonly<Record<string, Hooks>> = {
  'knexSnakeCaseMappers with upper case': knexSnakeCaseMappers({ upperCase: true }),
  'a wrapIdentifier without case': { wrapIdentifier: (value, origImpl) => origImpl(value.toLowerCase()) },
  'a postProcessResponse that returns nothing': { postProcessResponse: () => undefined },
}

describe('stores of a Knex that maps names', () => {
  for (const [title, hooks] of Object.entries({ ...USUAL, ...UNUSUAL })) {
    describe(`by ${title}`, () => {
      onEachDatabase((db) => {
        let mapped: Knex
        before(async () => {
          mapped = knex({ ...(db().client as { config: Knex.Config }).config, ...hooks }) // Knex types its client as any
          await createUserTable(mapped)
          await createTokenTable(mapped, { users: {} })
          await createTokenTable(mapped, { table: 'freeTokens' })
        })
        after(() => mapped.destroy())

        const fill = async (): Promise<void> => {
          await mapped('users').delete()
          const rows = PEOPLE.map(({ username, password, isActive, tokenEpoch }, at) => {
            return { id: at + 1, username, password, is_active: isActive, token_epoch: tokenEpoch }
          })
          await mapped('users').insert(rows)
        }

        if (title in USUAL) {
          behavesLikeAUserStore(async () => {
            await fill()
            return { store: knexUsers(mapped), ids: ['1', '2', '3'], strangers: ['4', '0', '01', ''] }
          })

          describe('for tokens', () => {
            beforeEach(() => mapped('freeTokens').delete())
            behavesLikeATokenStore(async () => knexTokens(mapped, { table: 'freeTokens' }))
          })
        }

        it('show each property of a user, also one of the application, whose column is named either way', async () => {
          await fill()
          for (const columns of [
            { isActive: 'isActive', tokenEpoch: 'tokenEpoch', endedLogins: 'endedLogins', isUp: 'isActive' },
            { isUp: 'is_active' },
          ]) {
            if (columns.isUp === 'isActive' && title.startsWith('a ')) continue // its names are as they are written
            const bob = await knexUsers<{ isUp: boolean }>(mapped, { columns }).findByUsername('bob')
            expect(Object.keys(bob ?? {})).to.deep.equal([
              'id',
              'username',
              'isActive',
              'tokenEpoch',
              'endedLogins',
              'isUp',
            ])
            expect(Boolean(bob?.isUp)).to.equal(false)
          }
        })

        it('refuse a disabled account, end tokens with the epoch, and slide, list and limit stored tokens', async () => {
          await fill()
          const users = knexUsers(mapped)
          const find = activeUser(users)
          expect(await find({ username: 'bob' })).to.include({ ok: false, reason: 'inactive' })
          expect((await users.findById('2'))?.tokenEpoch).to.equal(3)
          await users.bumpEpoch?.('2')
          expect((await users.findById('2'))?.tokenEpoch).to.equal(4)

          let now = 1795000000
          const options = { store: knexTokens(mapped), clock: () => now, limit: 2 }
          const [sliding, expiring] = [slidingTokens({ ...options, lifetime: 100 }), expiringTokens(options)]
          const ann = await users.findById('1')
          if (ann === null) throw new Error('ann is there')
          const tokens: string[] = []
          for (let at = 0; at < 3; at += 1) tokens.push((await sliding.issue(ann)).token)
          await expiring.issue(ann)
          const good = async (token: string): Promise<boolean> =>
            (await sliding.verify({ token }, activeUser(users))).ok
          expect(await Promise.all(tokens.map(good))).to.deep.equal([false, true, true])
          now += 90
          expect(await good(tokens[2] ?? '')).to.equal(true)
          now += 90
          expect(await Promise.all(tokens.map(good))).to.deep.equal([false, false, true])
          expect((await sliding.list(ann)).map(({ expiresAt }) => expiresAt)).to.deep.equal([now + 100])
          await mapped('users').where({ id: 1 }).delete() // SQLite has no foreign keys here
          expect(await good(tokens[2] ?? '')).to.equal(false)
        })
      })
    })
  }
})
