import { expect } from 'chai'
import Koa from 'koa'
import { optionalToken } from '../../lib/koa/guard.js'
import { FAULTS, plainGuard } from '../support/guard.js'
import { withServer } from '../support/http.js'
import { type Received, send } from '../support/send.js'

const tokenOptional = optionalToken(plainGuard(FAULTS))

const forms: Readonly<Record<string, (app: Koa) => void>> = {
  'tokenOptional()': (app) => {
    app.use(tokenOptional())
    app.use((ctx) => {
      ctx.body = `hello ${ctx.state['user']?.username ?? 'stranger'}`
    })
  },
  'tokenOptional(handler)': (app) => {
    app.use(
      tokenOptional((ctx) => {
        ctx.body = `hello ${ctx.state.user?.username ?? 'stranger'}`
      }),
    )
  },
}

/** Sends a request with an offer to an app in which an earlier middleware may have set a user. */
function sending(mount: (app: Koa) => void) {
  return (offer?: string, user?: object): Promise<Received & { errors: unknown[] }> => {
    const app = new Koa()
    app.use((ctx, next) => {
      if (user !== undefined) ctx.state['user'] = user
      return next()
    })
    mount(app)
    const headers = offer === undefined ? {} : { 'x-offer': offer }
    return withServer(app, async ({ url, errors }) => ({ ...(await send(url, '/', { headers })), errors }))
  }
}

for (const [form, mount] of Object.entries(forms)) {
  describe(form, () => {
    const responseTo = sending(mount)

    it('lets a request without credentials through without a user', async () => {
      const { status, text } = await responseTo()
      expect([status, text]).to.deep.equal([200, 'hello stranger'])
    })

    it('lets a request without credentials keep the user of an earlier middleware', async () => {
      expect((await responseTo(undefined, { username: 'bob' })).text).to.equal('hello bob')
    })

    it('knows who has a good token', async () => {
      expect((await responseTo('good-ann')).text).to.equal('hello good-ann')
      expect((await responseTo('good-ann', { username: 'bob' })).text).to.equal('hello good-ann')
    })

    for (const reason of [
      'malformed',
      'invalid',
      'expired',
      'revoked',
      'inactive',
      'insufficient_scope',
      'insufficient_user_authentication',
    ]) {
      it(`refuses a token that is ${reason}, rather than going on without a user`, async () => {
        const { status, json } = await responseTo(reason)
        expect([status, json]).to.deep.equal([400, { success: false, errors: reason }])
      })
    }

    for (const fault of Object.keys(FAULTS)) {
      it(`responds 503 if the store rejects with ${fault}`, async () => {
        const { status, json, errors } = await responseTo(fault)
        expect([status, json]).to.deep.equal([503, { success: false, errors: 'unavailable' }])
        expect(errors).to.have.length(1)
      })
    }

    it('sends no-store with every response', async () => {
      for (const offer of [undefined, 'good-ann', 'invalid', 'error']) {
        expect((await responseTo(offer)).headers['cache-control']).to.equal('no-store')
      }
    })
  })
}

describe('optionalToken', () => {
  it('takes needs, a handler, both or nothing, and says so at once', () => {
    const loose = tokenOptional as unknown as (...args: unknown[]) => unknown // as a caller without types
    for (const args of [[undefined], [null], [{}], [{}, () => undefined]]) {
      expect(() => loose(...args)).to.throw(TypeError, 'tokenOptional')
    }
  })
})
