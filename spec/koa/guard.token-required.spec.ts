import { Router } from '@koa/router'
import { expect } from 'chai'
import Koa, { type Context, type Middleware } from 'koa'
import { requireToken } from '../../lib/koa/guard.js'
import { FAULTS, plainGuard } from '../support/guard.js'
import { withServer } from '../support/http.js'
import { type Received, asForm, send } from '../support/send.js'

const tokenRequired = requireToken(plainGuard(FAULTS))

/** The two forms: in front of a handler, and around it. */
const forms: Readonly<Record<string, (handler: (ctx: Context) => unknown) => readonly Middleware[]>> = {
  'tokenRequired()': (handler) => [tokenRequired(), (ctx) => handler(ctx)],
  'tokenRequired(handler)': (handler) => [tokenRequired((ctx) => handler(ctx))],
}

function greeting(count: () => void): (ctx: Context) => void {
  return (ctx) => {
    count()
    ctx.body = `hello ${ctx.state['user'].username}`
  }
}

interface Outcome extends Received {
  readonly state: Record<string, unknown>
  readonly calls: number
  readonly errors: readonly unknown[]
}

async function outcomeOf(
  middlewares: (count: () => void) => readonly Middleware[],
  offer?: string,
  method = 'GET',
): Promise<Outcome> {
  let calls = 0
  let state: Record<string, unknown> = {}
  const app = new Koa()
  app.use(async (ctx, next) => {
    state = ctx.state
    ctx.set('Access-Control-Allow-Origin', 'https://example.org')
    await next()
  })
  for (const middleware of middlewares(() => (calls += 1))) app.use(middleware)
  return withServer(app, async ({ url, errors }) => {
    const response = await send(url, '/', { method, headers: offer === undefined ? {} : { 'x-offer': offer } })
    return { ...response, state, calls, errors }
  })
}

function runner(guarded: (handler: (ctx: Context) => unknown) => readonly Middleware[]) {
  return (offer?: string, method?: string): Promise<Outcome> =>
    outcomeOf((count) => guarded(greeting(count)), offer, method)
}

for (const [form, guarded] of Object.entries(forms)) {
  describe(form, () => {
    const run = runner(guarded)

    it('lets a good token through, with its user and facts', async () => {
      const { status, text, calls, state } = await run('good-ann')
      expect([status, text, calls]).to.deep.equal([200, 'hello good-ann', 1])
      expect(state).to.deep.equal({
        user: { id: 1, username: 'good-ann', password: null },
        token: { expiresAt: 7 },
      })
    })

    for (const reason of [
      'missing',
      'malformed',
      'invalid',
      'expired',
      'revoked',
      'inactive',
      'insufficient_scope',
      'insufficient_user_authentication',
    ]) {
      it(`responds to a token that is ${reason} itself, and calls no handler`, async () => {
        const { status, json, calls, state, errors } = await run(reason)
        expect([status, json]).to.deep.equal([400, { success: false, errors: reason }])
        expect([calls, state, errors]).to.deep.equal([0, {}, []])
      })
    }

    for (const fault of Object.keys(FAULTS)) {
      it(`responds 503 if the store rejects with ${fault}, and reports the error without values`, async () => {
        const { status, json, calls, state, errors } = await run(fault)
        expect([status, json]).to.deep.equal([503, { success: false, errors: 'unavailable' }])
        expect([calls, state]).to.deep.equal([0, {}])
        expect(errors).to.have.length(1)
        expect(errors[0]).to.be.instanceOf(Error)
        expect(String(errors[0])).not.to.include('a-secret')
      })
    }

    for (const offer of ['good-ann', 'missing', 'invalid', 'error']) {
      it(`sends no-store, and keeps earlier headers (${offer})`, async () => {
        const { headers } = await run(offer)
        expect(headers['cache-control']).to.equal('no-store')
        expect(headers['referrer-policy']).to.equal('no-referrer')
        expect(headers['access-control-allow-origin']).to.equal('https://example.org')
      })
    }

    for (const method of ['HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'DELETE']) {
      it(`asks for a token with ${method} too`, async () => {
        const { status, calls } = await run(undefined, method)
        expect([status, calls]).to.deep.equal([400, 0])
      })
    }

    it('responds to HEAD with the headers of GET and no body', async () => {
      const [get, head] = [await run('invalid'), await run('invalid', 'HEAD')]
      expect([head.status, head.text]).to.deep.equal([get.status, ''])
      expect(head.headers['content-type']).to.equal(get.headers['content-type'])
      expect(head.headers['content-length']).to.equal(get.headers['content-length'])
    })

    it('leaves what the handler throws to Koa', async () => {
      const teapot = await outcomeOf(() => guarded((ctx) => ctx.throw(418)), 'good-ann')
      expect(teapot.status).to.equal(418)
      const broken = new Error('the handler is broken')
      const failing = await outcomeOf(() => guarded(() => Promise.reject(broken)), 'good-ann')
      expect([failing.status, failing.errors]).to.deep.equal([500, [broken]])
    })
  })
}

const noop = (): void => undefined

describe('requireToken', () => {
  it('hands the wrapped handler the context and the rest of the line', async () => {
    const app = new Koa()
    app.use(tokenRequired(async (ctx, next) => {
      await next()
      ctx.set('X-Back', 'and back')
    })) // prettier-ignore
    app.use((ctx) => {
      ctx.body = 'there'
    })
    const response = await withServer(app, ({ url }) => send(url, '/', { headers: { 'x-offer': 'good' } }))
    expect([response.text, response.headers['x-back']]).to.deep.equal(['there', 'and back'])
  })

  it('keeps requests apart that are served at once', async () => {
    const app = new Koa()
    app.use(tokenRequired())
    app.use((ctx) => {
      ctx.body = ctx.state['user'].username
    })
    const offers = Array.from({ length: 20 }, (_, at) => (at % 4 === 3 ? 'invalid' : `user-${at}`))
    const responses = await withServer(app, ({ url }) =>
      Promise.all(offers.map((offer) => send(url, '/', { headers: { 'x-offer': offer } }))),
    )
    expect(responses.map(({ status, text }) => (status === 200 ? text : 'invalid'))).to.deep.equal(offers)
  })

  describe('with its call forgotten', () => {
    for (const [name, build] of Object.entries({
      'router.get(path, tokenRequired, handler)': (handler: Middleware) => {
        const router = new Router()
        router.get('/', tokenRequired as unknown as Middleware, handler) // as a caller without types
        return [router.routes() as Middleware]
      },
      'app.use(tokenRequired)': (handler: Middleware) => {
        const forgotten = tokenRequired as unknown as Middleware // as a caller without types
        return [forgotten, handler]
      },
    })) {
      it(`fails closed and loud: ${name}`, async () => {
        const { status, calls, errors, state } = await outcomeOf((count) => build(() => count()), 'good-ann')
        expect([status, calls, state]).to.deep.equal([500, 0, {}])
        expect(errors).to.have.length(1)
        expect(errors[0]).to.be.instanceOf(TypeError)
        expect(String(errors[0])).to.include('tokenRequired()')
      })
    }

    it('takes needs, a handler, both or nothing, and says so at once', () => {
      const loose = tokenRequired as unknown as (...args: unknown[]) => unknown // as a caller without types
      for (const args of [[undefined], [null], [{}], ['handler'], [noop, noop], [undefined, noop], [[noop]]]) {
        expect(() => loose(...args)).to.throw(TypeError, 'tokenRequired')
      }
      expect(loose()).to.be.a('function')
      expect(loose(noop)).to.be.a('function')
    })
  })

  it('reports a body that no parser has read, if there are no credentials', async () => {
    const app = new Koa()
    app.use(tokenRequired(noop))
    await withServer(app, async ({ url, errors }) => {
      const good = { ...asForm('user=1'), headers: { ...asForm('').headers, 'x-offer': 'good-ann' } }
      await send(url, '/', good)
      expect(errors).to.deep.equal([])
      await send(url, '/', asForm('user=1'))
      expect(String(errors[0])).to.include('bodyParser()')
    })
  })
})
