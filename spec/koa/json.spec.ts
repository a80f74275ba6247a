import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import Koa, { type Context } from 'koa'
import {
  jsonBadRequest,
  jsonError,
  jsonForbidden,
  jsonNotAcceptable,
  jsonNotAllowed,
  jsonNotFound,
  jsonResponse,
  jsonUnauthorized,
} from 'koa-tokenapi'
import { withServer } from '../support/http.js'
import { type Received, send } from '../support/send.js'

/** The response of a handler, and the errors that the app emits. */
async function responseOf(handler: (ctx: Context) => void): Promise<Received & { errors: unknown[] }> {
  const app = new Koa()
  app.use(handler)
  return withServer(app, async ({ url, errors }) => ({ ...(await send(url, '/')), errors }))
}

class Account {
  readonly name = 'ann'
  readonly password = 'a secret hash'
  toJSON(): object {
    return { name: this.name }
  }
}

const circle: Record<string, unknown> = { name: 'ann' }
circle['self'] = circle

describe('jsonResponse', () => {
  const cases: readonly (readonly [name: string, data: unknown, text: string])[] = [
    ['an object', { a: 1 }, '{"success":true,"a":1}'],
    ['an object with a success of its own', { success: false, a: 1 }, '{"success":false,"a":1}'],
    ['an object with errors', { errors: ['no'] }, '{"errors":["no"]}'],
    ['an object whose errors are undefined', { errors: undefined, a: 1 }, '{"a":1}'],
    ['an empty object', {}, '{"success":true}'],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), '{"success":true,"a":1}'],
    ['undefined', undefined, '{"success":true}'],
    ['null', null, 'null'],
    ['an array', [1, 2], '[1,2]'],
    ['an empty array', [], '[]'],
    ['a text', 'é "x"', '"é \\"x\\""'],
    ['a number', 0, '0'],
    ['false', false, 'false'],
    ['a bigint id', { id: 9007199254740993n }, '{"success":true,"id":9007199254740993}'],
    ['negative and nested bigints', [{ ids: [-1n, 2n ** 64n] }], '[{"ids":[-1,18446744073709551616]}]'],
    ['a bigint by itself', 7n, '7'],
    ['a text that looks like a number', { id: '9007199254740993' }, '{"success":true,"id":"9007199254740993"}'],
    ['a date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['an object with a form of its own', new Account(), '{"success":true,"name":"ann"}'],
    ['one inside another', { user: new Account() }, '{"success":true,"user":{"name":"ann"}}'],
    ['a property named __proto__', JSON.parse('{"__proto__":{"a":1}}'), '{"success":true,"__proto__":{"a":1}}'],
    ['what JSON omits', { a: undefined, b: () => 1, c: Symbol('c'), d: NaN }, '{"success":true,"d":null}'],
  ]
  for (const [name, data, text] of cases) {
    it(`writes ${name}`, async () => {
      const response = await responseOf((ctx) => jsonResponse(ctx, data))
      expect([response.status, response.text]).to.deep.equal([200, text])
      expect(response.headers['content-type']).to.equal('application/json; charset=utf-8')
      expect(response.headers['x-content-type-options']).to.equal('nosniff')
      expect(response.errors).to.deep.equal([])
    })
  }

  const impossible: readonly (readonly [name: string, data: unknown])[] = [
    ['a circle', circle],
    ['a circle inside', { list: [circle] }],
    ['a toJSON that throws', { toJSON: () => { throw new Error('toJSON threw') } }], // prettier-ignore
    ['a toJSON inside that throws', { a: { toJSON: () => { throw new Error('toJSON threw') } } }], // prettier-ignore
    ['a getter that throws', { get a() { throw new Error('the getter threw') } }], // prettier-ignore
    ['a toJSON that throws what is not an error', { toJSON: () => { throw 'text' } }], // prettier-ignore
    ['a toJSON inside that throws null', { a: { toJSON: () => { throw null } } }], // prettier-ignore
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
  ]
  for (const [name, data] of impossible) {
    it(`responds with 500 for ${name}, in JSON, and emits an error`, async () => {
      const response = await responseOf((ctx) => jsonResponse(ctx, data))
      expect(response.status).to.equal(500)
      expect(response.json).to.deep.equal({ success: false, errors: 'The answer could not be written.' })
      expect(response.errors).to.have.length(1)
      expect(response.errors[0]).to.be.instanceOf(Error)
    })
  }

  it('responds with 500 to what is thrown there also if the app has no error listener but Koa’s own', async () => {
    const app = new Koa()
    app.silent = true
    app.use((ctx) => jsonResponse(ctx, { toJSON: () => { throw 'text' } })) // prettier-ignore
    const server = app.listen(0, '127.0.0.1')
    try {
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo // it listens on TCP
      const response = await send(`http://127.0.0.1:${port}`, '/')
      expect(response.status).to.equal(500)
      expect(response.json).to.deep.equal({ success: false, errors: 'The answer could not be written.' })
    } finally {
      server.close()
    }
  })

  it('has the status that is given', async () => {
    const response = await responseOf((ctx) => jsonResponse(ctx, { id: 1 }, 201))
    expect([response.status, response.text]).to.deep.equal([201, '{"success":true,"id":1}'])
  })

  it('does not change what it is given', async () => {
    const data = Object.freeze({ a: 1n })
    await responseOf((ctx) => jsonResponse(ctx, data))
    expect(data).to.deep.equal({ a: 1n })
  })
})

describe('jsonError', () => {
  it('responds with 200, or the status that is given', async () => {
    const errors = { username: ['taken'] }
    const plain = await responseOf((ctx) => jsonError(ctx, errors))
    expect([plain.status, plain.json]).to.deep.equal([200, { success: false, errors }])
    const conflict = await responseOf((ctx) => jsonError(ctx, errors, 409))
    expect([conflict.status, conflict.json]).to.deep.equal([409, { success: false, errors }])
  })

  const helpers = [
    ['jsonBadRequest', jsonBadRequest, 400],
    ['jsonUnauthorized', jsonUnauthorized, 401],
    ['jsonForbidden', jsonForbidden, 403],
    ['jsonNotFound', jsonNotFound, 404],
    ['jsonNotAcceptable', jsonNotAcceptable, 406],
  ] as const
  for (const [name, helper, status] of helpers) {
    it(`is ${name} with ${status}`, async () => {
      const response = await responseOf((ctx) => helper(ctx, 'Sorry.'))
      expect(response.status).to.equal(status)
      expect(response.json).to.deep.equal({ success: false, errors: 'Sorry.' })
      expect(response.headers['content-type']).to.equal('application/json; charset=utf-8')
      expect('www-authenticate' in response.headers).to.equal(status === 401)
    })
  }
})

describe('jsonUnauthorized', () => {
  it('has the challenge that was set before, or its own', async () => {
    const own = await responseOf((ctx) => jsonUnauthorized(ctx, 'Sorry.'))
    expect(own.headers['www-authenticate']).to.equal('Basic realm="api", charset="UTF-8"')
    const set = await responseOf((ctx) => {
      ctx.set('WWW-Authenticate', 'Bearer realm="mine"')
      jsonUnauthorized(ctx, 'Sorry.')
    })
    expect(set.headers['www-authenticate']).to.equal('Bearer realm="mine"')
  })
})

describe('jsonNotAllowed', () => {
  it('names the methods that are allowed', async () => {
    const one = await responseOf((ctx) => jsonNotAllowed(ctx, 'Only POST.', 'POST'))
    expect([one.status, one.headers.allow, one.json]).to.deep.equal([
      405,
      'POST',
      { success: false, errors: 'Only POST.' },
    ])
    const two = await responseOf((ctx) => jsonNotAllowed(ctx, 'No.', ['GET', 'POST']))
    expect([two.status, two.headers.allow]).to.deep.equal([405, 'GET, POST'])
  })
})
