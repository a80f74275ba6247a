import { bodyParser } from '@koa/bodyparser'
import { Router } from '@koa/router'
import { expect } from 'chai'
import type Koa from 'koa'
import { djangoPairs, jsonError, jsonResponse, tokenApi, type UserStore } from 'koa-tokenapi'
import { describeTranscript, readTranscript, replay, send } from '../support/transcript.js'
import { type Member, onEachUserStore, projectApp, seed, serveBoth, type ServerName } from './recorded-servers.js'
import * as exceptions from './tokenapi.differences.js'

const cases = readTranscript('tokenapi')

/** The recorded project: both routes of the package, a guarded view that echoes the user, and the view of its README. */
function project(server: ServerName, users: UserStore<Member>): Koa {
  const { now, secret_key: secret } = seed[server]
  const timeoutDays = server === 'main' ? 7 : 1
  const tokens = djangoPairs({ secret, minSecretBytes: 1, timeoutDays, clock: () => now })
  const api = tokenApi({ users, tokens, throttle: false })
  const router = new Router()
  router.all(
    '/tokenapi/me.json',
    api.tokenRequired((ctx) => {
      const { id, username, isStaff } = ctx.state.user
      jsonResponse(ctx, { user: id, username, is_staff: Boolean(isStaff), method: ctx.method })
    }),
  )
  router.all(
    '/index.json',
    api.tokenRequired((ctx) => {
      if (ctx.method !== 'POST') return jsonError(ctx, 'Only POST is allowed')
      jsonResponse(ctx, { test1: 49, test2: 'awesome' })
    }),
  )
  return projectApp(api, router, { parser: bodyParser() })
}

/** What a body parser throws for a body that it does not take. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500
}

describeTranscript('django-tokenapi', cases, exceptions, () => {
  onEachUserStore((users) => {
    const served = serveBoth((server) => project(server, users(server)))

    replay(cases, exceptions, served, isRefusal)

    for (const username of ['legacy', 'shortsalt', 'legacysha1']) {
      it(`gives ${username} the token of the hash that is stored`, async () => {
        const login = cases.find(({ id }) => id === `tokenapi.upgrade.${username}.2_login`)
        if (login === undefined) throw new Error('no such case')
        const { json } = await send(served('main').url, login.request)
        expect(json).to.include({ token: seed.main.tokenapi[username]?.['0'] })
      })
    }
  })
})
