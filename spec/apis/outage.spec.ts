import { expect } from 'chai'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { hashPassword, jsonResponse, passwords, scrypt, tokenApi } from '../../lib/index.js'
import { createUserTable, knexUsers } from '../../lib/knex.js'
import { onEachDatabase } from '../support/databases.js'
import { basicHeader, withServer } from '../support/http.js'
import { throughProxy } from '../support/proxy.js'
import { asForm, send } from '../support/send.js'

const secret = 'a secret of more than thirty-two bytes'
const cheap = passwords({ hashers: [scrypt({ cost: 16, blockSize: 1, parallelization: 1 })] })

describe('a database that goes away and comes back', () => {
  onEachDatabase((direct, name) => {
    if (name === 'SQLite') return // it has no server

    it('costs 503s and no token: never 401, 403 or 200 for the wrong one', async function () {
      this.timeout(30_000)
      await createUserTable(direct())
      const rows = ['ann', 'bob'].map(async (username) => ({ username, password: await hashPassword(username) }))
      await direct()('users').insert(await Promise.all(rows))
      const { db, proxy } = await throughProxy(direct())
      const api = tokenApi({
        users: knexUsers(db, { timeout: 1 }),
        secret,
        passwords: cheap,
        timeout: 1,
        throttle: false,
      })
      const app = new Koa().use(bodyParser()).use(api.routes())
      app.use(api.tokenRequired((ctx) => jsonResponse(ctx, { user: ctx.state.user.username })))
      const [ann, bob] = [await knexUsers(direct()).findById('1'), await knexUsers(direct()).findById('2')]
      if (ann === null || bob === null) throw new Error('the users are there')
      const good = basicHeader(1, (await api.issue(ann)).token)
      const revoked = basicHeader(2, (await api.issue({ ...bob, password: 'an older hash' })).token)
      const forged = basicHeader(1, `${'z'.repeat(6)}-${'0'.repeat(64)}`)

      await withServer(app, async ({ url }) => {
        const statuses = async (): Promise<readonly number[]> => {
          const responses = [good, revoked, forged].map(async (headers) => (await send(url, '/', { headers })).status)
          return Promise.all(responses)
        }
        expect(await statuses()).to.deep.equal([200, 403, 403])

        await proxy.cut()
        // A forged token needs no database to be refused; the others cannot be verified.
        for (let round = 0; round < 3; round += 1) expect(await statuses()).to.deep.equal([503, 503, 403])
        const login = await send(url, '/token/new', asForm('username=ann&password=ann'))
        expect(login.status).to.equal(503)
        expect(Number(login.headers['retry-after'])).to.be.at.least(1)

        await proxy.open()
        const responses = await statuses()
        expect(responses).to.deep.equal([200, 403, 403])
        expect(db.client.pool.numUsed()).to.equal(0)
      })
      await db.destroy()
      await proxy.cut()
    })
  })
})
