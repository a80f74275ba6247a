import { expect } from 'chai'
import {
  anyOf,
  memoryUsers,
  type SealedPairFacts,
  signedTokens,
  tokenApi,
  type TokenApi,
  type User,
} from 'koa-tokenapi'
import { createUserTable, type KnexUser, knexUsers } from 'koa-tokenapi/knex'
import {
  WRONG_PAIR,
  NO_MATCH,
  PASSWORD,
  hash,
  clock,
  sealer,
  ADMIN,
  BOB,
  token,
  query,
  expectRefusal,
  expectUntouched,
  sealedFor,
  apiOf,
} from '../support/attacks.js'
import { onEachDatabase } from '../support/databases.js'
import { withServer } from '../support/http.js'
import { asJson, send } from '../support/send.js'
import { queriesOf } from '../support/statements.js'
import { quickPasswords, SECRET, tokenApp } from '../support/token-app.js'

describe('attacks on the seams of the design', () => {
  onEachDatabase((db) => {
    describe('lookups of one event-loop tick', () => {
      const table = 'batch_users'
      let api: TokenApi<KnexUser, SealedPairFacts>
      let pairs: readonly (readonly [id: string, token: string])[]
      before(async () => {
        await createUserTable(db(), { table })
        const people = Array.from({ length: 50 }, (_, at) => ({ username: `user${at + 1}`, password: hash }))
        await db()(table).insert(people)
        const built = apiOf(knexUsers(db(), { table }))
        api = built
        const issued = Array.from({ length: 50 }, async (_, at) => {
          const user = { id: at + 1, username: `user${at + 1}`, password: hash }
          return [String(at + 1), (await built.issue(user)).token] as const
        })
        pairs = await Promise.all(issued)
      })

      it('163: sends one query for fifty lookups of one event-loop tick, and bad ones among them harm no other', async () => {
        const strangers = await Promise.all(['2147483648', '9'.repeat(30), '1abc'].map(sealedFor))
        const queries = await queriesOf(db(), async () => {
          const good = pairs.map(([user, text]) => api.verify({ user, token: text }))
          const bad = [
            api.verify({ user: '2147483648', token: strangers[0]?.[0] ?? '' }),
            api.verify({ user: '9'.repeat(30), token: strangers[1]?.[0] ?? '' }),
            api.verify({ user: '1abc', token: strangers[2]?.[0] ?? '' }),
          ]
          const verdicts = await Promise.all(good)
          expect(verdicts.map((verdict) => verdict.ok && String(verdict.value.user.id))).to.deep.equal(
            pairs.map(([id]) => id),
          )
          for (const verdict of await Promise.all(bad)) expect(verdict).to.include({ ok: false, reason: 'invalid' })
        })
        expect(queries).to.equal(1)
      })

      it('164: gives each request its own user object', async () => {
        const [user, text] = pairs[0] ?? ['', '']
        const pair = { user, token: text }
        const [first, second] = await Promise.all([api.verify(pair), api.verify(pair)])
        if (!first.ok || !second.ok) throw new Error('both tokens are good')
        first.value.user.username = 'changed'
        expect(second.value.user.username).to.equal('user1')
      })
    })
  })

  it('162: refuses an offered user that is not the verified one, for every kind of token', async () => {
    const signed = signedTokens({ secret: SECRET, clock })
    const users = memoryUsers<User>([
      { ...ADMIN, password: hash },
      { ...BOB, password: hash },
    ])
    const guarded = tokenApp(tokenApi({ users, tokens: anyOf(sealer, signed), passwords: quickPasswords }))
    const { token: signedToken } = await signed.issue({ ...ADMIN, password: hash })
    await withServer(guarded.app, async (served) => {
      for (const user of ['2', '01', '1 ', '99', 'admin', '__proto__']) {
        expectRefusal(await send(served.url, `/guarded?${query(user, signedToken)}`), 403, WRONG_PAIR, user)
        const checked = await send(served.url, `/token/${encodeURIComponent(signedToken)}/${encodeURIComponent(user)}`)
        expectRefusal(checked, 401, NO_MATCH, user)
      }
      expectUntouched(guarded, served, '162')
      expect((await send(served.url, `/guarded?${query('1', signedToken)}`)).status).to.equal(200)
    })
  })

  it('169: reads undefined and plain values from a store, and takes 0 and "0" for inactive', async () => {
    const row = { ...ADMIN, password: hash }
    const cases: readonly (readonly [returned: unknown, check: number, login: number])[] = [
      [undefined, 403, 401],
      [null, 403, 401],
      [row, 200, 200],
      [{ ...row, isActive: 0 }, 403, 401],
      [{ ...row, isActive: '0' }, 403, 401],
      [{ ...row, isActive: 1 }, 200, 200],
      [{ ...row, isActive: null }, 200, 200],
      [{ ...row, id: 2 }, 403, 200],
      [{ ...row, username: 'Admin' }, 200, 401],
    ]
    for (const [returned, check, login] of cases) {
      const found = (): Promise<User | null> => returned as Promise<User | null> // as a store in plain JavaScript would
      const guarded = tokenApp(apiOf({ findById: found, findByUsername: found }))
      await withServer(guarded.app, async ({ url, errors }) => {
        const statuses = [
          (await send(url, `/guarded?${query('1', token)}`)).status,
          (await send(url, '/token/new', asJson({ username: 'admin', password: PASSWORD }))).status,
        ]
        expect(statuses, JSON.stringify(returned)).to.deep.equal([check, login])
        expect(errors).to.deep.equal([])
      })
    }
  })
})
