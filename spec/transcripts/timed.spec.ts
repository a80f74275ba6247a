import { expect } from 'chai'
import type Koa from 'koa'
import { type StoredTokenApi, timedTokenApi, type TokenStore, type UserStore } from 'koa-tokenapi'
import { describeTranscript, readTranscript, replay } from '../support/transcript.js'
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
import * as exceptions from './timed.differences.js'

const cases = readTranscript('timed')
const LIFETIMES: Readonly<Record<ServerName, number>> = { main: 30 * 24 * 60 * 60, alt: 300 }

/** The recorded project: the login of the package, and a guarded view that echoes the user. */
async function project(server: ServerName, api: StoredTokenApi<Member>): Promise<Koa> {
  const keys = Object.values(seed[server].timed).map(({ key, user, expires }) => {
    const expiresAt = secondsOf(expires)
    const { id } = seededUser(server, user)
    return { token: key, userId: String(id), createdAt: expiresAt - LIFETIMES[server], expiresAt }
  })
  await api.adoptTokens(keys)

  return projectApp(api, meView(api), { addresses: { '/timed/me': '/me' } })
}

function timed(server: ServerName, users: UserStore<Member>, store: TokenStore): StoredTokenApi<Member> {
  const { now } = seed[server]
  return timedTokenApi({ users, store, lifetime: LIFETIMES[server], throttle: false, clock: () => now })
}

describeTranscript('djangorestframework-timed-auth-token', cases, exceptions, () => {
  onEachStore((users, tokens) => {
    const apis = new Map<string, StoredTokenApi<Member>>()
    const served = serveBoth((server) => {
      const api = timed(server, users(server), tokens(server))
      apis.set(server, api)
      return project(server, api)
    })
    const listed = async (server: ServerName, username: string): Promise<readonly object[]> => {
      const tokensOf = await apis.get(server)?.listTokens(seededUser(server, username))
      return (tokensOf ?? []).map(({ issuedAt, lastUsedAt, expiresAt }) => ({ issuedAt, lastUsedAt, expiresAt }))
    }

    replay(cases, exceptions, served)

    it('leaves the token of timed.me.slides with a whole life from its use on', async () => {
      const { now } = seed.main
      const issuedAt = secondsOf(seed.main.timed['nearly']?.expires) - LIFETIMES.main
      const moved = { issuedAt, lastUsedAt: now, expiresAt: now + LIFETIMES.main }
      expect(await listed('main', 'test')).to.deep.include(moved)
    })

    it('leaves a new token beside the old one after alt.timed.login.ok', async () => {
      const { now } = seed.alt
      const tokensOf = await listed('alt', 'jpueblo@example.com')
      expect(tokensOf).to.deep.equal([
        { issuedAt: now, lastUsedAt: null, expiresAt: now + 300 },
        { issuedAt: now, lastUsedAt: null, expiresAt: now + 300 },
      ])
    })
  })
})
