import { expect } from 'chai'
import Koa from 'koa'
import { expiringTokenApi, hashPassword, memoryTokens, memoryUsers, timedTokenApi } from 'koa-tokenapi'
import { withServer } from '../support/http.js'
import { type Received, asForm, asJson, send, type Sent } from '../support/send.js'
import { drfBodyParser } from './recorded-servers.js'

// The responses of Django REST framework next to what was recorded, in the APIs that share it.

type Make = typeof timedTokenApi | typeof expiringTokenApi

const REQUIRED = ['This field is required.']
const BLANK = ['This field may not be blank.']

function raw(type: string | undefined, body: string | Buffer): Sent {
  return { method: 'POST', headers: type === undefined ? {} : { 'content-type': type }, body }
}

describe('the neighbours of the recorded logins', () => {
  let password: string
  before(async () => {
    password = await hashPassword('test')
  })

  const apis = {
    timed: { path: '/auth/login/', make: timedTokenApi, status: 201, refusal: 'Incorrect password.', trims: true },
    expiring: {
      path: '/api-token-auth/',
      make: expiringTokenApi,
      status: 200,
      refusal: 'Unable to log in with provided credentials.',
      trims: false,
    },
  }
  const loginTo = (make: Make, path: string, sent: Sent): Promise<Received> => {
    const users = memoryUsers([{ id: 1, username: 'test', password }])
    const api = make({ users, store: memoryTokens(), throttle: false })
    const app = new Koa()
    app.use(drfBodyParser())
    app.use(api.routes())
    return withServer(app, ({ url }) => send(url, path, sent))
  }
  for (const [name, { path, make, status, refusal, trims }] of Object.entries(apis)) {
    const login = (sent: Sent): Promise<Received> => loginTo(make, path, sent)
    const says = async (sent: Sent, expected: number, json: object): Promise<void> => {
      const response = await login(sent)
      expect([response.status, response.json]).to.deep.equal([expected, json])
    }
    describe(name, () => {
      const refused = { non_field_errors: [refusal] }
      it('takes an empty body for none, whatever its type', async () => {
        const none = { username: REQUIRED, password: REQUIRED }
        for (const type of [undefined, 'application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
          await says(raw(type, ''), 400, none)
        }
      })

      it('names the type of what is no object', async () => {
        const tops = { '"x"': 'str', '""': 'str', true: 'bool', 5: 'int', 1.5: 'float', '[1]': 'list' }
        for (const [body, type] of Object.entries(tops)) {
          const error = `Invalid data. Expected a dictionary, but got ${type}.`
          await says(raw('application/json', body), 400, { non_field_errors: [error] })
        }
      })

      it('names an unsupported media type as it was sent', async () => {
        for (const type of ['text/plain; charset=utf-8', 'application/vnd.api+json']) {
          await says(raw(type, '{}'), 415, { detail: `Unsupported media type "${type}" in request.` })
        }
        await says(raw(undefined, '{}'), 415, { detail: 'Unsupported media type "" in request.' })
      })

      it('names the character that text may not contain', async () => {
        const surrogate = 'Surrogate characters are not allowed: U+D800.'
        const nul = 'Null characters are not allowed.'
        const body = raw('application/json', '{"username": "\\ud800", "password": "\\u0000\\ud800"}')
        await says(body, 400, { username: [surrogate], password: [nul, surrogate] })
      })

      it('takes a repeated field for no text', async () => {
        await says(asForm('username=test&username=x&password=test'), 400, { username: ['Not a valid string.'] })
      })

      it('cuts off what Python calls blank, and nothing else', async () => {
        for (const blank of [' ', '\t', '\u001c', '\u001f', '\u0085', '\u00a0', '\u3000']) {
          const typed = { username: `${blank}test${blank}`, password: 'test' }
          expect((await login(asJson(typed))).status, JSON.stringify(blank)).to.equal(status)
          await says(asJson({ username: blank, password: 'test' }), 400, { username: BLANK })
        }
        for (const letter of ['\ufeff', '\u200b', '_']) {
          await says(asJson({ username: `${letter}test`, password: 'test' }), 400, refused)
        }
      })

      it(`${trims ? 'cuts them off a password too' : 'leaves them on a password'}, as recorded`, async () => {
        const response = await login(asJson({ username: 'test', password: ' test ' }))
        expect(response.status).to.equal(trims ? status : 400)
        await says(asJson({ username: 'test', password: '   ' }), 400, trims ? { password: BLANK } : refused)
      })
    })
  }
})
