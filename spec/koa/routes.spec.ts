import { EventEmitter, once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'chai'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { type LoginResponses, loginRoute, type MethodResponses, route } from '../../lib/koa/routes.js'
import type { LoginAttempt } from '../../lib/login.js'
import { response } from '../../lib/response.js'
import type { TokenFacts } from '../../lib/tokens/token-kind.js'
import type { User } from '../../lib/user.js'
import { accept, type LoginReason, refuse, throttled, type Verdict } from '../../lib/verdict.js'
import { FAULTS } from '../support/guard.js'
import { withServer } from '../support/http.js'
import { type Received, asForm, asJson, send, type Sent } from '../support/send.js'

const ANN: User = { id: 1, username: 'ann', password: 'hash of ann' }

const responses: LoginResponses<User, TokenFacts> & MethodResponses = {
  unavailable: () => response(503, { errors: 'unavailable' }),
  notAllowed: (method, allow) => response(405, { errors: `${method}: only ${allow}` }),
  loginRefused: ({ reason }) => response(400, { errors: reason }),
  loggedIn: ({ username }, { token }) => response(200, { user: username, token }),
}

interface Outcome extends Received {
  readonly attempts: readonly LoginAttempt[]
  readonly issued: number
  readonly errors: readonly unknown[]
}

/** Sends a request to a login that returns a verdict on the password. */
async function loginOutcome(sent: Sent, check: () => Promise<Verdict<User, LoginReason>>): Promise<Outcome> {
  const attempts: LoginAttempt[] = []
  let issued = 0
  const app = new Koa()
  app.use(bodyParser())
  app.use(
    loginRoute({
      async logIn(attempt) {
        attempts.push(attempt)
        const verdict = await check()
        if (!verdict.ok) return verdict
        issued += 1
        return accept({ user: verdict.value, issued: { token: 'a-token', expiresAt: 7 } })
      },
      addressOf: () => '192.0.2.1',
      responses,
    }),
  )
  return withServer(app, async ({ url, errors }) => ({
    ...(await send(url, '/?username=query&password=query', sent)),
    attempts,
    issued,
    errors,
  }))
}

const good = async (): Promise<Verdict<User, LoginReason>> => accept(ANN)

describe('loginRoute', () => {
  for (const [carrier, sent] of [
    ['a form', asForm('username=ann&password=p+w%20')],
    ['JSON', asJson({ username: 'ann', password: 'p w ' })],
  ] as const) {
    it(`hands over what ${carrier} says, as it is, and issues a token`, async () => {
      const { status, json, attempts, issued, errors } = await loginOutcome(sent, good)
      expect([status, json]).to.deep.equal([200, { user: 'ann', token: 'a-token' }])
      const { username, password, address } = attempts[0] ?? {}
      expect([username, password, address]).to.deep.equal(['ann', 'p w ', '192.0.2.1'])
      expect([attempts.length, issued, errors]).to.deep.equal([1, 1, []])
    })
  }

  it('reads nothing from the query', async () => {
    const { attempts } = await loginOutcome({ method: 'POST' }, async () => refuse('missing'))
    expect(attempts.map(({ username, password }) => [username, password])).to.deep.equal([[undefined, undefined]])
  })

  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
    it(`takes no ${method}`, async () => {
      const { status, attempts, issued } = await loginOutcome({ ...asForm('username=ann&password=pw'), method }, good)
      expect([status, attempts.length, issued]).to.deep.equal([405, 0, 0])
    })
  }

  for (const reason of ['missing', 'malformed', 'invalid', 'inactive', 'throttled'] as const) {
    it(`issues nothing for a login that is ${reason}`, async () => {
      const { status, json, issued } = await loginOutcome(asJson({}), async () =>
        reason === 'throttled' ? throttled(7) : refuse(reason),
      )
      expect([status, json, issued]).to.deep.equal([400, { errors: reason }, 0])
    })
  }

  for (const [name, fault] of Object.entries(FAULTS)) {
    it(`responds 503 if the login rejects with ${name}`, async () => {
      const { status, json, issued, errors } = await loginOutcome(asJson({}), async () => {
        throw fault
      })
      expect([status, json, issued]).to.deep.equal([503, { errors: 'unavailable' }, 0])
      expect(errors).to.have.length(1)
      expect(errors[0]).to.be.instanceOf(Error)
      expect(String(errors[0])).not.to.include('a-secret')
    })
  }

  it('sends no-store with every response', async () => {
    const outcomes = [
      await loginOutcome(asJson({}), good),
      await loginOutcome({}, good),
      await loginOutcome(asJson({}), async () => refuse('invalid')),
      await loginOutcome(asJson({}), () => Promise.reject(new Error('down'))),
    ]
    expect(outcomes.map(({ status }) => status)).to.deep.equal([200, 405, 400, 503])
    for (const { headers } of outcomes) expect(headers['cache-control']).to.equal('no-store')
  })

  it('aborts the login when the client has gone, and reports no error', async () => {
    const logins = new EventEmitter()
    const signalled = once(logins, 'waiting')
    const app = new Koa()
    const served = new Promise<void>((resolve) => {
      app.use((_ctx, next) => next().finally(resolve))
    })
    app.use(bodyParser())
    app.use(
      loginRoute({
        // Like the gate: a job whose client has gone while it waited rejects with the signal's reason.
        logIn: ({ signal }) =>
          new Promise((_resolve, reject) => {
            if (signal === undefined) return reject(new Error('there is no signal'))
            signal.addEventListener('abort', () => reject(signal.reason as Error)) // what the route aborts with
            logins.emit('waiting', signal)
          }),
        addressOf: () => '192.0.2.1',
        responses,
      }),
    )
    await withServer(app, async ({ url, errors }) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      const body = 'username=ann&password=pw'
      const type = 'application/x-www-form-urlencoded'
      socket.write(
        `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      const [signal] = (await signalled) as [AbortSignal] // what the login above emits
      expect(signal.aborted).to.equal(false)
      socket.destroy()
      await once(socket, 'close')
      await served
      expect(signal.aborted).to.equal(true)
      expect(errors).to.deep.equal([])
    })
  })
})

describe('route', () => {
  it('writes the response that was chosen, not to be cached', async () => {
    const app = new Koa()
    app.use(route(responses, async () => response(201, { a: 1 })))
    const sent = await withServer(app, ({ url }) => send(url, '/'))
    expect([sent.status, sent.json]).to.deep.equal([201, { a: 1 }])
    expect(sent.headers['cache-control']).to.equal('no-store')
  })
})
