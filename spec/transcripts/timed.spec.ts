import { Router } from '@koa/router'
import { expect } from 'chai'
import Koa from 'koa'
import { type StoredTokenApi, timedTokenApi, type TokenStore, type UserStore } from 'koa-tokenapi'
import { checkExceptions, readTranscript, replay } from '../support/transcript.js'
import {
  addressed,
  drfBodyParser,
  echo,
  type Member,
  onEachStore,
  secondsOf,
  seed,
  seededUser,
  serveBoth,
  type ServerName,
} from './recorded-servers.js'
import { differences, leftOut } from './timed.differences.js'

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

  const router = new Router()
  router.all(
    '/me',
    api.tokenRequired((ctx) => echo(ctx, ['GET', 'HEAD', 'POST'])),
  )
  const app = new Koa()
  app.use(addressed({ '/timed/me': '/me' }))
  app.use(drfBodyParser())
  app.use(api.routes())
  app.use(router.routes())
  return app
}

function timed(server: ServerName, users: UserStore<Member>, store: TokenStore): StoredTokenApi<Member> {
  const { now } = seed[server]
  return timedTokenApi({ users, store, lifetime: LIFETIMES[server], throttle: false, clock: () => now })
}

describe('the transcript of djangorestframework-timed-auth-token', function () {
  // Its stored hashes are worth 260 000 rounds each.
  this.timeout(60_000)

  describe('the list of differences', () => checkExceptions(cases, { differences, leftOut }))

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

    replay(cases, { differences, leftOut }, served)

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

    it('tells the app of no fault on all this way', () => {
      expect([...served('main').errors, ...served('alt').errors]).to.deep.equal([])
    })
  })
})
