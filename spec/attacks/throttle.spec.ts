import { expect } from 'chai'
import type { Context } from 'koa'
import { memoryUsers, passwords, type TokenApiOptions, type User } from 'koa-tokenapi'
import { knexUsers } from 'koa-tokenapi/knex'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { PASSWORD, hash, quick, ADMIN, apiOf, onEachParser, namedUsers } from '../support/attacks.js'
import { counting } from '../support/counting.js'
import { onEachDatabase } from '../support/databases.js'
import { withServer } from '../support/http.js'
import { asJson, send } from '../support/send.js'
import { type TokenApp, tokenApp } from '../support/token-app.js'

function throttled(throttle: ThrottleOptions, more: Partial<TokenApiOptions<User>> = {}): TokenApp {
  const own = { ...ADMIN, id: 2, username: 'own', password: hash }
  return tokenApp(apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }, own]), { throttle, ...more }))
}

function limiter(points: number): RateLimiterMemory {
  return new RateLimiterMemory({ points, duration: 600 })
}

function addressOf(ctx: Context): string {
  return ctx.get('x-client')
}

type ThrottleOptions = Exclude<TokenApiOptions<User>['throttle'], false | undefined>

/** The status of a login from an address. */
async function from(
  url: string,
  client: string,
  username = 'admin',
  password = 'wrong',
  path = '/token/new',
): Promise<number> {
  const sent = asJson({ username, password })
  return (await send(url, path, { ...sent, headers: { ...sent.headers, 'x-client': client } })).status
}

describe('attacks on the throttle', () => {
  onEachDatabase((db) => {
    namedUsers(db)

    it('144: counts spellings that any database takes for one account together', async () => {
      const users = knexUsers(db(), { table: 'named_users', columns: { tokenEpoch: null } })
      const account = new RateLimiterMemory({ points: 3, duration: 600 })
      await withServer(tokenApp(apiOf(users, { throttle: { account } })).app, async ({ url }) => {
        const statuses: number[] = []
        for (const username of ['jose', 'JOSÉ', 'josé ', 'jose\u0301', 'ｊosé']) {
          statuses.push((await send(url, '/token/new', asJson({ username, password: 'wrong' }))).status)
        }
        expect(statuses).to.deep.equal([401, 401, 401, 429, 429])
      })
    })
  })

  onEachParser(({ served }) => {
    it('149: serves the login at one path, with or without a trailing slash', async () => {
      const sent = asJson({ username: 'admin', password: PASSWORD })
      for (const path of [
        '//token/new',
        '/TOKEN/NEW',
        '/Token/new',
        '/token/new//',
        '/token/%6eew',
        '/token/new%20',
        '/token/new.JSON',
        '/token//new',
        '/token/./new',
      ]) {
        const response = await send(served().url, path, sent)
        expect(response.status, path).to.be.oneOf([401, 404])
        expect(response.text, path).not.to.include('"token":')
      }
    })
  })

  it('145: counts a /64 as one address, and a mapped IPv4 address as that address', async () => {
    for (const [one, other, isSame] of [
      ['2001:db8::1', '2001:db8::ffff:1', true],
      ['2001:db8::1', '2001:0DB8:0000:0000:9999:0:0:1', true],
      ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
      ['::ffff:192.0.2.1', '192.0.2.1', true],
      ['::FFFF:c000:201', '192.0.2.1', true],
      ['192.0.2.1', '192.0.2.2', false],
      ['fe80::1%eth0', 'fe80::2', true],
    ] as const) {
      await withServer(throttled({ address: limiter(1), account: limiter(99), addressOf }).app, async ({ url }) => {
        const statuses = [await from(url, one), await from(url, other)]
        expect(statuses, `${one} ${other}`).to.deep.equal([401, isSame ? 429 : 401])
      })
    }
  })

  it('146: reads X-Forwarded-For only if the app trusts its proxy', async () => {
    for (const [isTrusted, last] of [
      [false, 429],
      [true, 401],
    ] as const) {
      const { app } = throttled({ address: limiter(1), account: limiter(99) })
      app.proxy = isTrusted
      await withServer(app, async ({ url }) => {
        const statuses = []
        for (const address of ['192.0.2.1', '192.0.2.2']) {
          const sent = asJson({ username: 'admin', password: 'wrong' })
          statuses.push(
            (await send(url, '/token/new', { ...sent, headers: { ...sent.headers, 'x-forwarded-for': address } }))
              .status,
          )
        }
        expect(statuses).to.deep.equal([401, last])
      })
    }
  })

  it('149: counts all paths of the login together', async () => {
    const paths = ['/token/new', '/token/new/', '/token/new.json']
    for (const throttle of [{ account: limiter(2) }, { account: limiter(99), address: limiter(2), addressOf }]) {
      await withServer(throttled(throttle).app, async ({ url }) => {
        const statuses: number[] = []
        for (const path of paths) statuses.push(await from(url, 'a', 'admin', 'wrong', path))
        expect(statuses).to.deep.equal([401, 401, 429])
      })
    }
  })

  it('150: resets no other account’s counter, and not the address’s, after a successful login', async () => {
    await withServer(throttled({ address: limiter(3), account: limiter(2), addressOf }).app, async ({ url }) => {
      const statuses = [
        await from(url, 'a'),
        await from(url, 'a'),
        await from(url, 'a', 'own', PASSWORD),
        await from(url, 'a'),
        await from(url, 'b'),
        await from(url, 'a', 'own', PASSWORD),
      ]
      expect(statuses).to.deep.equal([401, 401, 200, 429, 429, 429])
    })
  })

  it('152: hashes no more of 50 parallel guesses than the limit', async () => {
    const hasher = counting(quick)
    const { app } = throttled({ account: limiter(3) }, { passwords: passwords({ hashers: [hasher] }) })
    await withServer(app, async ({ url }) => {
      const statuses = await Promise.all(Array.from({ length: 50 }, () => from(url, 'a')))
      expect(statuses.filter((status) => status === 401)).to.have.length(3)
      expect(statuses.filter((status) => status === 429)).to.have.length(47)
    })
    expect(hasher.hashes()).to.equal(3)
  })

  it('46: counts no request without a user name and a password', async () => {
    await withServer(throttled({ account: limiter(1), address: limiter(1), addressOf }).app, async ({ url }) => {
      expect(await from(url, 'a', 'admin', '')).to.equal(401)
      expect(await from(url, 'a', '', 'x')).to.equal(401)
      expect(await from(url, 'a', 'admin', PASSWORD)).to.equal(200)
    })
  })
})
