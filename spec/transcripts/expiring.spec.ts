import { expect } from 'chai'
import type Koa from 'koa'
import { expiringTokenApi, type StoredTokenApi, type TokenStore, type UserStore } from 'koa-tokenapi'
import { describeTranscript, readTranscript, replay, send } from '../support/transcript.js'
import * as exceptions from './expiring.differences.js'
import {
  type Member,
  meView,
  onEachStore,
  projectApp,
  secondsOf,
  seed,
  seededUser,
  serveBoth,
  type ServerName,
} from './recorded-servers.js'

const cases = readTranscript('expiring')
const LIFETIMES: Readonly<Record<ServerName, number>> = { main: 30 * 24 * 60 * 60, alt: 3600 }

/** The keys that were in the table. On `alt` their ages were not kept: one is called expired, the other valid. */
function keys(server: ServerName): Parameters<StoredTokenApi<Member>['adoptTokens']>[0] {
  const { now, expiring } = seed[server]
  return Object.entries(expiring).map(([name, { key, user, created }]) => {
    const age = name === 'expired' ? LIFETIMES[server] + 1 : 0
    const createdAt = created === undefined ? now - age : secondsOf(created)
    return { token: key, userId: String(seededUser(server, user).id), createdAt }
  })
}

/** The recorded project: the login of the package under both of its addresses, and a guarded view that echoes the user. */
async function project(server: ServerName, users: UserStore<Member>, store: TokenStore): Promise<Koa> {
  const { now } = seed[server]
  const api = expiringTokenApi({ users, store, lifetime: LIFETIMES[server], throttle: false, clock: () => now })
  await api.adoptTokens(keys(server))

  return projectApp(api, meView(api), { addresses: { '/obtain-token': '/api-token-auth', '/expiring/me': '/me' } })
}

describeTranscript('djangorestframework-expiring-authtoken', cases, exceptions, () => {
  onEachStore((users, tokens) => {
    const served = serveBoth((server) => project(server, users(server), tokens(server)))

    replay(cases, exceptions, served)

    it('issues a valid token, and leaves the older one valid', async () => {
      const login = cases.find(({ id }) => id === 'expiring.login.ok_29days')
      if (login === undefined) throw new Error('no such case')
      const { url } = served('main')
      const { json } = await send(url, login.request)
      const older = seed.main.expiring['valid29']?.key
      const { token } = json as { token: string } // the response of a login
      expect(token).to.not.equal(older)
      for (const key of [token, older]) {
        const authorization = ['Authorization', `Token ${key}`] as const
        const response = await send(url, { method: 'GET', path: '/expiring/me', headers: [authorization] })
        expect(response.status).to.equal(200)
      }
    })
  })
})
