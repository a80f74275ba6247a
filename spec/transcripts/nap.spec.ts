import { bodyParser } from '@koa/bodyparser'
import { Router } from '@koa/router'
import { expect } from 'chai'
import Koa from 'koa'
import { signedTokenApi, type UserStore } from 'koa-tokenapi'
import { checkExceptions, readTranscript, replay } from '../support/transcript.js'
import { differences, leftOut } from './nap.differences.js'
import { addressed, echo, type Member, onEachUserStore, seed, serveBoth, type ServerName } from './recorded-servers.js'

const cases = readTranscript('nap')
const MAX_AGES: Readonly<Record<ServerName, number>> = { main: 14 * 24 * 60 * 60, alt: 3600 }

/** What session middleware does: the user of the one session that was recorded. */
function sessions(server: ServerName, users: UserStore<Member>): Koa.Middleware {
  return async function openSession(ctx, next) {
    const id = ctx.cookies.get('sessionid')
    const [username] = Object.entries(seed[server].sessions ?? {}).find((session) => session[1] === id) ?? []
    if (username !== undefined) ctx.state['user'] = await users.findByUsername(username)
    await next()
  }
}

/** The recorded project: a login, views that echo the user, one for staff, and one that says who is there. */
function project(server: ServerName, users: UserStore<Member>): Koa {
  const { now, secret_key: secret } = seed[server]
  const api = signedTokenApi({
    users,
    secret,
    minSecretBytes: 1,
    sha1: true,
    maxAge: MAX_AGES[server],
    throttle: false,
    clock: () => now,
  })
  const router = new Router()
  router.all(
    ['/me', '/post', '/login-required'],
    api.tokenRequired((ctx) => echo(ctx)),
  )
  router.all(
    '/admin',
    api.tokenRequired((ctx) => {
      if (ctx.state.user.isStaff) return echo(ctx)
      ctx.status = 403
      ctx.body = { detail: 'Staff only.' }
    }),
  )
  router.all(
    '/whoami',
    sessions(server, users),
    api.tokenOptional((ctx) => {
      const { user } = ctx.state
      ctx.body = { authenticated: user !== undefined, username: user?.username ?? '' }
    }),
  )
  const app = new Koa()
  app.use(
    addressed({
      '/nap/token': '/token',
      '/nap/token-csrf': '/token',
      '/nap/token-exempt': '/token',
      '/nap/me': '/me',
      '/nap/post': '/post',
      '/nap/login-required': '/login-required',
      '/nap/whoami': '/whoami',
    }),
  )
  app.use(bodyParser())
  app.use(api.routes())
  app.use(router.routes())
  return app
}

describe('the transcript of nap-token-auth', function () {
  // Its stored hashes are worth 260 000 rounds each.
  this.timeout(60_000)

  describe('the list of differences', () => checkExceptions(cases, { differences, leftOut }))

  onEachUserStore((users) => {
    const served = serveBoth((server) => project(server, users(server)))

    replay(cases, { differences, leftOut }, served)

    it('tells the app of no fault on all this way', () => {
      expect([...served('main').errors, ...served('alt').errors]).to.deep.equal([])
    })
  })
})
