import { Router } from '@koa/router'
import type Koa from 'koa'
import type { UserStore } from 'koa-tokenapi'
import { type JwtApi, jwtApi } from 'koa-tokenapi/jwt'
import { describeTranscript, readTranscript, replay } from '../support/transcript.js'
import * as exceptions from './jwt.differences.js'
import { echo, type Member, onEachUserStore, projectApp, seed, serveBoth, type ServerName } from './recorded-servers.js'

const cases = readTranscript('jwt')

function main(users: UserStore<Member>): JwtApi<Member> {
  const { now, secret_key: secret } = seed.main
  return jwtApi({ users, secret, minSecretBytes: 1, throttle: false, clock: () => now })
}

function alt(users: UserStore<Member>): JwtApi<Member> {
  const { now } = seed.alt
  return jwtApi({
    users,
    algorithm: 'HS512',
    secretOf: (user) => user.jwtSecret ?? '',
    lifetime: 60,
    leeway: 5,
    refreshLifetime: 3600,
    audience: 'my_aud',
    issuer: 'example.com',
    scheme: 'Bearer',
    cookie: { name: 'jwt' },
    usernameField: 'email',
    respond: (user, { token }) => ({ user: user.username, token }),
    throttle: false,
    clock: () => now,
  })
}

/** The recorded project: the three routes of the package, a guarded view that echoes the user, and the view of its tests. */
function project(server: ServerName, users: UserStore<Member>): Koa {
  const api = server === 'main' ? main(users) : alt(users)
  const router = new Router()
  router.all(
    '/me',
    api.tokenRequired((ctx) => echo(ctx, ['GET', 'HEAD', 'POST'])),
  )
  router.all(
    '/mock',
    api.tokenRequired((ctx) => {
      ctx.body = ctx.method === 'POST' ? 'mockview-post' : 'mockview-get'
    }),
  )
  return projectApp(api, router, {
    addresses: {
      '/jwt-auth': '/api-token-auth',
      '/jwt-refresh': '/api-token-refresh',
      '/jwt-verify': '/api-token-verify',
      '/jwt/me': '/me',
      '/jwt': '/mock',
    },
  })
}

describeTranscript('djangorestframework-jwt', cases, exceptions, () => {
  onEachUserStore((users) => {
    const served = serveBoth((server) => project(server, users(server)))

    replay(cases, exceptions, served)
  })
})
