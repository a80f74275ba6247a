import { expect } from 'chai'
import Koa, { type Context } from 'koa'
import bodyParser from 'koa-bodyparser'
import { bodyField, bodyOf, sourceOf, warnOfMissingParser } from '../../lib/koa/source.js'
import { withServer } from '../support/http.js'
import { asForm, asJson, send, type Sent } from '../support/send.js'

/** What a handler sees of requests that are sent one after another, and the errors that the app emits. */
async function seen<T>(
  look: (ctx: Context) => T,
  requests: readonly Sent[],
  prepare: (app: Koa) => void = () => undefined,
): Promise<{ values: T[]; errors: string[] }> {
  const app = new Koa()
  const values: T[] = []
  prepare(app)
  app.use((ctx) => {
    values.push(look(ctx))
    ctx.status = 204
  })
  return withServer(app, async ({ url, errors }) => {
    for (const request of requests) await send(url, '/path?user=1&user=2', request)
    return { values, errors: errors.map(String) }
  })
}

describe('sourceOf', () => {
  it('is the request as it came', async () => {
    const { values } = await seen(sourceOf, [{ headers: { Authorization: 'Basic eDp5' } }])
    expect(values[0]?.headers.authorization).to.equal('Basic eDp5')
    expect(values[0]?.rawHeaders).to.include('Authorization')
    expect(values[0]?.url).to.equal('/path?user=1&user=2')
    expect(values[0]?.body).to.equal(undefined)
  })

  it('has the body that a parser has read', async () => {
    const { values } = await seen(sourceOf, [asForm('user=1')], (app) => app.use(bodyParser()))
    expect(values[0]?.body).to.deep.equal({ user: '1' })
  })
})

describe('bodyOf', () => {
  it('is whatever a parser made of the body', async () => {
    for (const body of [null, 'text', 7, [], { user: 1 }]) {
      const { values } = await seen(bodyOf, [{}], (app) =>
        app.use((ctx, next) => {
          Object.assign(ctx.request, { body })
          return next()
        }),
      )
      expect(values).to.deep.equal([body])
    }
  })
})

describe('warnOfMissingParser', () => {
  it('emits one error for a body that no middleware has parsed', async () => {
    const { errors } = await seen(warnOfMissingParser, [asForm('a=b'), asJson({ a: 'b' }), asForm('a=b')])
    expect(errors).to.have.length(1)
    expect(errors[0]).to.include('POST /path').and.include('bodyParser()').and.not.include('user=1')
  })

  it('emits it for each app', async () => {
    const { errors } = await seen(warnOfMissingParser, [asJson({})])
    expect(errors).to.have.length(1)
  })

  it('emits nothing after a parser, nor for a body of another kind', async () => {
    const parsed = await seen(warnOfMissingParser, [asForm('a=b'), asJson({})], (app) => app.use(bodyParser()))
    expect(parsed.errors).to.deep.equal([])
    const bodies: Sent[] = [
      {},
      { method: 'POST' },
      { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'a=b' },
    ]
    expect((await seen(warnOfMissingParser, bodies)).errors).to.deep.equal([])
  })
})

describe('bodyField', () => {
  it('is an own property of a body that is an object, and nothing else', async () => {
    const bodies = [
      { name: 'x' },
      { name: null },
      { name: ['x'] },
      {},
      null,
      undefined,
      'name',
      ['name'],
      7,
      Object.create({ name: 'x' }),
    ]
    const fields: unknown[] = []
    const app = new Koa()
    app.use((ctx) => {
      for (const body of bodies) {
        Object.assign(ctx.request, { body })
        fields.push(
          bodyField(ctx, 'name'),
          bodyField(ctx, 'toString'),
          bodyField(ctx, '__proto__'),
          bodyField(ctx, 'length'),
        )
      }
      ctx.status = 204
    })
    await withServer(app, ({ url }) => send(url, '/'))
    const found = ['x', null, ['x'], ...bodies.slice(3).map(() => undefined)]
    expect(fields).to.deep.equal(found.flatMap((name) => [name, undefined, undefined, undefined]))
  })
})
