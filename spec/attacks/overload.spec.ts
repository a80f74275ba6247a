import { expect } from 'chai'
import { memoryUsers, passwords, type User } from 'koa-tokenapi'
import { createUserTable, knexUsers } from 'koa-tokenapi/knex'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { gate } from '../../lib/passwords/gate.js'
import { PASSWORD, hash, quick, ADMIN, token, query, apiOf } from '../support/attacks.js'
import { counting } from '../support/counting.js'
import { onEachDatabase } from '../support/databases.js'
import { withServer } from '../support/http.js'
import { asJson, send } from '../support/send.js'
import { tokenApp } from '../support/token-app.js'

function rejecting(reason: unknown): () => Promise<never> {
  return async () => {
    throw reason
  }
}

describe('outages and overload', () => {
  const reasons: Readonly<Record<string, unknown>> = {
    null: null,
    undefined,
    string: 'a-secret',
    error: new Error('a-secret'),
  }
  for (const [name, reason] of Object.entries(reasons)) {
    it(`140: responds 503 on every route when a store rejects with ${name}`, async () => {
      const guarded = tokenApp(apiOf({ findById: rejecting(reason), findByUsername: rejecting(reason) }))
      await withServer(guarded.app, async ({ url, errors }) => {
        const responses = [
          await send(url, `/guarded?${query('1', token)}`),
          await send(url, `/free?${query('1', token)}`),
          await send(url, `/token/${token}/1`),
          await send(url, '/token/new', asJson({ username: 'admin', password: PASSWORD })),
        ]
        for (const { status, headers, json } of responses) {
          expect([status, headers['retry-after']]).to.deep.equal([503, '2'])
          expect(json).to.have.property('success', false)
        }
        expect(errors).to.have.length(4)
        for (const error of errors) expect(String(error)).not.to.include('a-secret')
      })
      expect(guarded.reached).to.deep.equal([])
    })

    it(`148: responds 503 without a hash when a limiter rejects with ${name}`, async () => {
      const hasher = counting(quick)
      const broken = new RateLimiterMemory({ points: 5, duration: 60 })
      broken.consume = rejecting(reason)
      const options = { throttle: { account: broken }, passwords: passwords({ hashers: [hasher] }) }
      const guarded = tokenApp(apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }]), options))
      await withServer(guarded.app, async ({ url, errors }) => {
        const response = await send(url, '/token/new', asJson({ username: 'admin', password: PASSWORD }))
        expect([response.status, response.headers['retry-after']]).to.deep.equal([503, '2'])
        expect(errors).to.have.length(1)
      })
      expect(hasher.hashes()).to.equal(0)
    })
  }

  it('159: responds 503 when the hashing queue is full, never as to a wrong password', async () => {
    const narrow = passwords({ hashers: [quick], gate: gate({ width: 1, queue: 1 }) })
    const guarded = tokenApp(apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }]), { passwords: narrow }))
    await withServer(guarded.app, async ({ url, errors }) => {
      const logins = Array.from({ length: 12 }, () =>
        send(url, '/token/new', asJson({ username: 'admin', password: PASSWORD })),
      )
      const responses = await Promise.all(logins)
      const [done, refused] = [
        responses.filter(({ status }) => status === 200),
        responses.filter(({ status }) => status === 503),
      ]
      expect(done.length + refused.length).to.equal(12)
      expect(done.length).to.be.greaterThan(0)
      for (const { headers } of refused) expect(headers['retry-after']).to.equal('2')
      expect(errors).to.have.length(refused.length)
    })
  })

  onEachDatabase((db) => {
    const table = 'pool_users'
    before(async () => {
      await createUserTable(db(), { table })
      await db()(table).insert({ id: 1, username: 'admin', password: hash })
    })

    it('157: responds 503 in time when every connection is taken, and recovers', async () => {
      const patient = apiOf(knexUsers(db(), { table, timeout: 0.2 }), { timeout: 0.2 })
      const { pool } = db().client as { pool: { max: number } } // Knex types its client as any
      const busy = await Promise.all(Array.from({ length: pool.max }, () => db().transaction()))
      await withServer(tokenApp(patient).app, async ({ url, errors }) => {
        const response = await send(url, `/guarded?${query('1', token)}`)
        await Promise.all(busy.map((transaction) => transaction.rollback()))
        expect([response.status, response.headers['retry-after']]).to.deep.equal([503, '2'])
        expect(errors.map(String)).to.deep.equal([
          'DeadlineExceeded: a store or a limiter did not respond within 0.2 s',
        ])
        expect((await send(url, `/guarded?${query('1', token)}`)).status).to.equal(200)
      })
    })
  })
})
