import { bodyParser } from '@koa/bodyparser'
import { Router } from '@koa/router'
import type Koa from 'koa'
import { signedTokenApi, type UserStore } from 'koa-tokenapi'
import { describeTranscript, readTranscript, replay } from '../support/transcript.js'
import * as exceptions from './nap.differences.js'
import { echo, type Member, onEachUserStore, projectApp, seed, serveBoth, type ServerName } from './recorded-servers.js'

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
  return projectApp(api, router, {
    addresses: {
      '/nap/token': '/token',
      '/nap/token-csrf': '/token',
      '/nap/token-exempt': '/token',
      '/nap/me': '/me',
      '/nap/post': '/post',
      '/nap/login-required': '/login-required',
      '/nap/whoami': '/whoami',
    },
    parser: bodyParser(),
  })
}

describeTranscript('nap-token-auth', cases, exceptions, () => {
  onEachUserStore((users) => {
    const served = serveBoth((server) => project(server, users(server)))

    replay(cases, exceptions, served)
  })
})
