import { expect } from 'chai'
import type { Knex } from 'knex'
import { expiringTokenApi, timedTokenApi } from 'koa-tokenapi'
import { jwtApi } from 'koa-tokenapi/jwt'
import { knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { onEachDatabaseTwice } from '../support/pools.js'
import { cheap, createTables, NOW, refill, served, tokenIn } from '../support/siblings.js'
import { type Statement, statementsOf } from '../support/statements.js'

const alice = { id: 1, username: 'alice', password: null }
const bob = { id: 2, username: 'bob', password: null }
const SECRET = 'a secret of more than thirty-two bytes'

function times<T>(length: number, work: (at: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length }, (_, at) => work(at)))
}

function count<T>(values: readonly T[], value: T): number {
  return values.filter((one) => one === value).length
}

function written(statements: readonly Statement[]): readonly Statement[] {
  return statements.filter(({ sql }) => !/^select/i.test(sql))
}

describe('at the same time', () => {
  onEachDatabaseTwice((pools) => {
    let now: number
    before(() => createTables(pools().first))
    beforeEach(async () => {
      now = NOW
      await refill(pools().first)
    })

    const settings = (db: Knex) => ({
      users: knexUsers(db),
      store: knexTokens(db),
      passwords: cheap,
      throttle: false as const,
      clock: () => now,
    })
    const expiring = (db: Knex, limit?: number) =>
      expiringTokenApi({ ...settings(db), ...(limit === undefined ? {} : { limit }) })
    const timed = (db: Knex, lifetime = 1000) => timedTokenApi({ ...settings(db), lifetime })

    describe('logins against a limit', () => {
      for (const limit of [1, 3]) {
        it(`leave ${limit} live when all have returned, from two applications over HTTP`, async () => {
          const apis = [expiring(pools().first, limit), expiring(pools().second, limit)] as const
          await served(apis[0], (one) =>
            served(apis[1], async (other) => {
              for (let round = 0; round < 3; round += 1) {
                const responses = await times(12, (at) => (at % 2 ? one : other).login('/api-token-auth/'))
                expect(responses.map(({ status }) => status)).to.deep.equal(Array(12).fill(200))
                expect(await apis[0].listTokens(alice)).to.have.lengthOf(limit)
                const uses = await Promise.all(responses.map((response) => one.ask(`Token ${tokenIn(response)}`)))
                expect(
                  count(
                    uses.map(({ status }) => status),
                    200,
                  ),
                ).to.equal(limit)
              }
            }),
          )
        })
      }

      it('of two users take nothing from each other', async () => {
        const api = expiring(pools().first, 2)
        await times(20, (at) => api.issue(at % 2 ? alice : bob))
        expect(await api.listTokens(alice)).to.have.lengthOf(2)
        expect(await api.listTokens(bob)).to.have.lengthOf(2)
      })

      it('while what has expired is cleared away by each of them', async () => {
        const api = expiring(pools().first, 2)
        await times(10, () => expiring(pools().first).issue(alice))
        now = NOW + 2592000
        await times(20, (at) => (at % 2 ? api : expiring(pools().second, 2)).issue(alice))
        const rows: { expires_at: unknown }[] = await pools().first('tokens')
        expect(rows).to.have.lengthOf(2)
        expect(rows.every((row) => Number(row.expires_at) > now)).to.equal(true)
      })
    })

    describe('uses of one token', () => {
      it('write one slide for 50 in an interval', async () => {
        const api = timed(pools().first)
        const { token } = await api.issue(alice)
        now = NOW + 60
        const { result, statements } = await statementsOf(pools().first, () => times(50, () => api.verify({ token })))
        expect(result.filter(({ ok }) => ok)).to.have.lengthOf(50)
        expect(written(statements).map(({ sql, rows }) => [sql.split(' ')[0], rows])).to.deep.equal([['update', 1]])
      })

      it('write one slide for 50 in an interval, also from two applications', async () => {
        const apis = [timed(pools().first), timed(pools().second)] as const
        const { token } = await apis[0].issue(alice)
        for (let interval = 1; interval <= 5; interval += 1) {
          now = NOW + 60 * interval
          const { result: both, statements: firsts } = await statementsOf(pools().first, () =>
            statementsOf(pools().second, () => times(50, (at) => apis[at % 2 ? 1 : 0].verify({ token }))),
          )
          expect(both.result.filter(({ ok }) => ok)).to.have.lengthOf(50)
          const changed = written([...firsts, ...both.statements]).map(({ rows }) => rows)
          expect(count(changed, 1), `${changed.length} updates`).to.equal(1)
          expect(changed.length).to.be.at.most(2)
          const [listed] = await apis[0].listTokens(alice)
          expect(listed).to.include({ lastUsedAt: now, expiresAt: now + 1000 })
        }
      })

      it('from an application whose clock is behind move nothing back', async () => {
        const ahead = timed(pools().first)
        const behind = timedTokenApi({ ...settings(pools().second), lifetime: 1000, clock: () => now - 60 })
        const { token } = await ahead.issue(alice)
        let end = NOW + 1000
        for (now = NOW + 60; now < NOW + 1200; now += 61) {
          await times(20, (at) => (at % 2 ? ahead : behind).verify({ token }))
          const [listed] = await ahead.listTokens(alice)
          expect(listed?.expiresAt).to.be.at.least(end)
          expect(listed?.expiresAt).to.be.at.most(now + 1000)
          end = listed?.expiresAt ?? 0
        }
        expect(end).to.be.above(NOW + 2000)
      })
    })

    describe('slides against a revocation', () => {
      const endings: Readonly<
        Record<string, (api: ReturnType<typeof timed>, token: string, id: string) => Promise<unknown>>
      > = {
        revoke: (api, token) => api.revoke(token),
        revokeOne: (api, _token, id) => api.revokeOne(alice, id),
        revokeAll: (api) => api.revokeAll(alice),
      }
      for (const [name, end] of Object.entries(endings)) {
        it(`${name}: nothing is revived, and no use that starts afterwards is good`, async () => {
          const apis = [timed(pools().first), timed(pools().second)] as const
          for (let round = 1; round <= 10; round += 1) {
            const { token, id } = await apis[0].issue(alice)
            now += 60
            const uses = times(20, (at) => apis[at % 2 ? 1 : 0].verify({ token }))
            await end(apis[round % 2 ? 1 : 0], token, id)
            const later = await times(20, (at) => apis[at % 2 ? 1 : 0].verify({ token }))
            expect(later.filter(({ ok }) => ok)).to.deep.equal([])
            await uses // none of them rejects
            expect(await apis[0].listTokens(alice)).to.deep.equal([])
          }
        })
      }

      it('of many tokens at once, while all of the user’s are revoked and new ones are issued', async () => {
        const faults: unknown[] = []
        const onEvent = (event: { type: string }): void => void (event.type === 'fault' && faults.push(event))
        const apis = [
          timedTokenApi({ ...settings(pools().first), onEvent }),
          timedTokenApi({ ...settings(pools().second), onEvent }),
        ] as const
        for (let round = 0; round < 5; round += 1) {
          const tokens = await times(15, () => apis[0].issue(alice))
          now += 60
          await Promise.all([
            times(30, (at) => apis[at % 2 ? 1 : 0].verify({ token: tokens[at % 15]?.token ?? '' })),
            apis[0].revokeAll(alice),
            times(5, () => apis[1].issue(alice)),
            apis[1].pruneTokens(),
          ])
          const after = await Promise.all(tokens.map(({ token }) => apis[1].verify({ token })))
          expect(after.filter(({ ok }) => ok)).to.deep.equal([])
          await apis[0].revokeAll(alice)
        }
        expect(faults).to.deep.equal([])
      })

      it('over HTTP: 50 clients use a token while one revokes it', async () => {
        const api = timed(pools().first)
        await served(api, async ({ ask, errors }) => {
          const { token } = await api.issue(alice)
          now = NOW + 60
          const before = times(50, () => ask(`Token ${token}`))
          await api.revoke(token)
          const after = await times(50, () => ask(`Token ${token}`))
          expect(after.map(({ status }) => status)).to.deep.equal(Array(50).fill(401))
          for (const { status } of await before) expect(status).to.be.oneOf([200, 401])
          expect(errors).to.deep.equal([])
        })
      })
    })

    it('logouts with one token: all resolve, and one of them ended it', async () => {
      const apis = [expiring(pools().first), expiring(pools().second)] as const
      for (let round = 0; round < 5; round += 1) {
        const { token } = await apis[0].issue(alice)
        const ended = await times(10, (at) => apis[at % 2 ? 1 : 0].revoke(token))
        expect(count(ended, true)).to.equal(1)
      }
    })

    it('prunes from two applications leave nothing, and take no valid token', async () => {
      const apis = [expiring(pools().first), expiring(pools().second)] as const
      await times(100, () => apis[0].issue(alice))
      now = NOW + 2592000
      const live = await apis[1].issue(bob)
      await Promise.all([apis[0].pruneTokens(), apis[1].pruneTokens(), times(10, () => apis[0].issue(bob))])
      expect(await expiredIn(pools().first, now)).to.equal(0)
      expect(await apis[0].verify({ token: live.token })).to.include({ ok: true })
      expect(await apis[0].listTokens(bob)).to.have.lengthOf(11)
    })

    it('logins in a loop against a changed password and revokeAll: no token of the old password is left, in 200 races', async () => {
      const apis = [expiring(pools().first), expiring(pools().second)] as const
      const users = pools().second
      const [{ password: old } = {}]: { password?: string }[] = await users('users').where({ id: 1 })
      const changed = await cheap.hash('another password')
      let [issued, survived] = [0, 0]
      await served(apis[0], async ({ login }) => {
        for (let race = 0; race < 200; race += 1) {
          await users('users').where({ id: 1 }).update({ password: old })
          const revoked = new AbortController()
          const attack = async (): Promise<void> => {
            const { status } = await login('/api-token-auth/')
            expect(status).to.be.oneOf([200, 400])
            if (status === 200) issued += 1
            if (!revoked.signal.aborted) await attack()
          }
          const attackers = times(4, attack)
          await login('/api-token-auth/')
          for (let delay = race % 5; delay > 0; delay -= 1) await users('users').where({ id: 2 }).select('id')
          await users('users').where({ id: 1 }).update({ password: changed })
          await apis[1].revokeAll(1)
          revoked.abort()
          await attackers
          survived += (await apis[1].listTokens(alice)).length
        }
      })
      expect(issued).to.be.above(200)
      expect(survived).to.equal(0)
    }).timeout(120_000)

    it('a refresh against a deactivation: none that starts afterwards gives a token', async () => {
      const { store: _, ...jwtSettings } = settings(pools().first)
      const api = jwtApi({ ...jwtSettings, secret: SECRET })
      const { token } = await api.issue(alice, { loggedInAt: now }) // a token of no login cannot be refreshed
      const before = times(20, () => api.refresh(token))
      await pools().second('users').where({ id: 1 }).update({ is_active: false })
      const after = await times(20, () => api.refresh(token))
      expect(after.map((verdict) => !verdict.ok && verdict.reason)).to.deep.equal(Array(20).fill('inactive'))
      for (const verdict of await before) {
        if (verdict.ok)
          expect(await api.verify({ token: verdict.value.issued.token })).to.include({ reason: 'inactive' })
        else expect(verdict.reason).to.equal('inactive')
      }
    })

    describe('a user with 20 000 expired tokens', () => {
      const EXPIRED = 20_000

      beforeEach(async () => {
        const rows = Array.from({ length: EXPIRED }, (_, at) => ({
          digest: `old ${at}`,
          purpose: 'expiring',
          user_id: '1',
          created_at: NOW - 1000,
          expires_at: NOW,
        }))
        await pools().first.batchInsert('tokens', rows, 400)
      })

      it('logs in for a few statements that touch few rows', async () => {
        const api = expiring(pools().first, 3)
        const { statements, result } = await statementsOf(pools().first, () => api.issue(alice))
        expect(statements.length).to.be.at.most(4)
        expect(Math.max(...statements.map(({ rows }) => rows))).to.be.at.most(100)
        expect(await api.verify({ token: result.token })).to.include({ ok: true })
        expect(await expiredIn(pools().first, NOW)).to.equal(EXPIRED - 100)
      })

      it('is checked for one row', async () => {
        const api = expiring(pools().first)
        const { token } = await api.issue(alice)
        const { statements } = await statementsOf(pools().first, () => api.verify({ token }))
        expect(statements.map(({ rows }) => rows)).to.deep.equal([1, 1]) // the token, the user
        expect((await api.listTokens(alice)).length).to.equal(1)
      })

      it('is cleared away in batches elsewhere', async () => {
        const api = expiring(pools().first)
        const { statements, result } = await statementsOf(pools().first, () => api.pruneTokens())
        expect(result).to.equal(EXPIRED)
        expect(Math.max(...statements.map(({ rows }) => rows))).to.equal(1000)
        expect(await expiredIn(pools().first, NOW)).to.equal(0)
      })
    })
  })
})

/** How many tokens have expired. */
async function expiredIn(db: Knex, now: number): Promise<number> {
  const rows: unknown[] = await db('tokens').where('expires_at', '<=', now)
  return rows.length
}
