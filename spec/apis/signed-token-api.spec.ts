import { expect } from 'chai'
import { memoryUsers, signedTokenApi } from 'koa-tokenapi'
import { knexUsers } from 'koa-tokenapi/knex'
import { onEachDatabase } from '../support/databases.js'
import { asForm, send } from '../support/send.js'
import { behavesLikeASibling } from '../support/sibling-api.contract.js'
import { cheap, NOW, partsOn, PASSWORD, served, tokenIn, withUsers } from '../support/siblings.js'

const SECRET = 'a secret of more than thirty-two bytes'

/** An API with some options as a caller without types gives them. */
function loose(options: object): () => unknown {
  return () => signedTokenApi({ users: memoryUsers([]), secret: SECRET, ...options })
}

describe('signedTokenApi', () => {
  behavesLikeASibling({
    make: (parts) => signedTokenApi({ ...parts, secret: SECRET }),
    scheme: 'Bearer',
    path: '/token',
    loggedIn: 200,
    wrongPassword: 401,
    disabled: 401,
    stored: false,
  })

  onEachDatabase((db) => {
    withUsers(db)

    const settings = () => ({ ...partsOn(db(), () => NOW), secret: SECRET })
    const bound = () => signedTokenApi({ ...settings(), boundTo: (user) => [user.password, user.tokenEpoch ?? 0] })

    it('lets tokens outlive a changed password, where they are not bound', async () => {
      await served(signedTokenApi(settings()), async ({ login, ask }) => {
        const token = tokenIn(await login('/token'))
        await db()('users')
          .where({ id: 1 })
          .update({ password: await cheap.hash('another') })
        expect((await ask(`Bearer ${token}`)).status).to.equal(200)
      })
    })

    it('ends them with the password, where they are bound', async () => {
      await served(bound(), async ({ login, ask }) => {
        const [mine, theirs] = [tokenIn(await login('/token')), tokenIn(await login('/token', 'bob'))]
        await db()('users')
          .where({ id: 1 })
          .update({ password: await cheap.hash('another') })
        const response = await ask(`Bearer ${mine}`)
        expect(response.status).to.equal(401)
        expect(response.headers['www-authenticate']).to.include('revoked')
        expect((await ask(`Bearer ${theirs}`)).status).to.equal(200)
      })
    })

    it('ends all of a user’s with revokeAll, where they are bound', async () => {
      const api = bound()
      await served(api, async ({ login, ask }) => {
        const [mine, theirs] = [tokenIn(await login('/token')), tokenIn(await login('/token', 'bob'))]
        await api.revokeAll(1)
        expect([(await ask(`Bearer ${mine}`)).status, (await ask(`Bearer ${theirs}`)).status]).to.deep.equal([401, 200])
        expect((await ask(`Bearer ${tokenIn(await login('/token'))}`)).status).to.equal(200)
      })
    })

    it('rejects revokeAll where they are not bound, or the store has no epochs', async () => {
      const users = knexUsers(db())
      const withoutEpochs = signedTokenApi({
        ...settings(),
        users: { findById: (id) => users.findById(id), findByUsername: (name) => users.findByUsername(name) },
        boundTo: (user) => [user.password, user.tokenEpoch ?? 0],
      })
      for (const api of [signedTokenApi(settings()), withoutEpochs]) {
        const outcome = await api.revokeAll(1).catch((error: unknown) => error)
        expect(outcome).to.be.instanceOf(Error).with.property('message').that.includes('revokeAll')
      }
      expect(await db()('users').where('token_epoch', '>', 0)).to.deep.equal([])
    })

    it('trims the user name that was typed, and the password not', async () => {
      await served(signedTokenApi(settings()), async ({ login }) => {
        expect((await login('/token', ' alice ')).status).to.equal(200)
        expect((await login('/token', 'alice', `${PASSWORD} `)).status).to.equal(401)
      })
    })

    it('takes a form too', async () => {
      await served(signedTokenApi(settings()), async ({ url }) => {
        const form = `username=alice&password=${encodeURIComponent(PASSWORD)}`
        expect((await send(url, '/token', asForm(form))).status).to.equal(200)
        const twice = await send(url, '/token', asForm(`username=bob&${form}`))
        expect(twice.status).to.equal(401)
      })
    })
  })

  it('mounts under a prefix, and names its realm', async () => {
    const api = signedTokenApi({ users: memoryUsers([]), secret: SECRET, prefix: '/v1', realm: 'my "api"' })
    await served(api, async ({ login, ask }) => {
      expect((await login('/v1/token')).status).to.equal(401)
      expect((await login('/token')).status).to.equal(404)
      expect((await ask()).headers['www-authenticate']).to.equal('Bearer realm="my \\"api\\""')
    })
  })

  it('says at start-up which option is wrong', () => {
    expect(loose({})).not.to.throw()
    expect(loose({ secret: undefined })).to.throw(TypeError, 'secret')
    expect(loose({ secret: 'short' })).to.throw(TypeError, 'secret')
    expect(loose({ maxAge: 0 })).to.throw(TypeError, 'maxAge')
    expect(loose({ salt: '' })).to.throw(TypeError, 'salt')
    expect(loose({ realm: 'ü' })).to.throw(TypeError, 'realm')
    expect(loose({ users: undefined })).to.throw(TypeError, 'users')
    expect(loose({ timeout: NaN })).to.throw(TypeError, 'timeout')
  })
})
