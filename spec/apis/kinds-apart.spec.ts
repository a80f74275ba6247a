import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import type { Knex } from 'knex'
import {
  anyOf,
  authorization,
  djangoPairs,
  expiringTokenApi,
  firstOf,
  params,
  sealedPairs,
  signedTokenApi,
  signedTokens,
  timedTokenApi,
  tokenApi,
  type TokenApi,
  type User,
} from 'koa-tokenapi'
import { jwtApi, jwtTokens } from 'koa-tokenapi/jwt'
import { knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { onEachDatabase } from '../support/databases.js'
import { basicHeader } from '../support/http.js'
import { cheap, createTables, NOW, refill, served } from '../support/siblings.js'

const SECRET = 'one secret of more than 32 bytes for all'
const alice = { id: 1, username: 'alice' }

const names = [
  'tokenApi',
  'tokenApi with Django pairs',
  'timedTokenApi',
  'expiringTokenApi',
  'signedTokenApi',
  'jwtApi',
]
const arePairs = new Set(['tokenApi', 'tokenApi with Django pairs'])

/** All five, with one secret, one user table and one token table. */
function apisOn(db: Knex): Readonly<Record<string, TokenApi<User>>> {
  const shared = { users: knexUsers(db), passwords: cheap, throttle: false as const, clock: () => NOW }
  const store = knexTokens(db)
  return {
    tokenApi: tokenApi({ ...shared, secret: SECRET }),
    'tokenApi with Django pairs': tokenApi({
      ...shared,
      tokens: anyOf(
        sealedPairs({ secret: SECRET, clock: () => NOW }),
        djangoPairs({ secret: SECRET, clock: () => NOW }),
      ),
    }),
    timedTokenApi: timedTokenApi({ ...shared, store }),
    expiringTokenApi: expiringTokenApi({ ...shared, store }),
    signedTokenApi: signedTokenApi({ ...shared, secret: SECRET }),
    jwtApi: jwtApi({ ...shared, secret: SECRET }),
  }
}

/** What Django 3.1 and later sends in the link of a password reset: PasswordResetTokenGenerator with the same secret. */
function passwordResetToken(): string {
  const key = createHmac('sha256', SECRET).update('django.contrib.auth.tokens.PasswordResetTokenGenerator').digest()
  const stamp = (NOW - 978307200).toString(36)
  return `${stamp}-${createHmac('sha256', key).update(`1${stamp}`).digest('hex').slice(0, 32)}`
}

describe('kinds apart', () => {
  onEachDatabase((db) => {
    before(() => createTables(db()))
    before(() => refill(db()))

    const tokenFrom = async (name: string): Promise<string> => {
      const user = await knexUsers(db()).findById('1')
      const issued = await apisOn(db())[name]?.issue(user ?? { ...alice, password: null })
      return issued?.token ?? ''
    }

    for (const issuer of names) {
      for (const verifier of names) {
        const isOwn = issuer === verifier || (arePairs.has(issuer) && arePairs.has(verifier))
        it(`${verifier} ${isOwn ? 'takes' : 'refuses'} a token of ${issuer}`, async () => {
          const token = await tokenFrom(issuer)
          const api = apisOn(db())[verifier]
          if (api === undefined) throw new Error('it is one of the five')
          const verdicts = [await api.verify({ user: '1', token })]
          if (!arePairs.has(verifier)) verdicts.push(await api.verify({ token }))
          for (const verdict of verdicts) {
            expect(verdict.ok ? 'taken' : verdict.reason).to.equal(isOwn ? 'taken' : 'invalid')
          }
        })
      }
    }

    for (const verifier of names) {
      it(`${verifier} refuses every other’s token over HTTP, in whatever header`, async () => {
        const api = apisOn(db())[verifier]
        if (api === undefined) throw new Error('it is one of the five')
        await served(api, async (client) => {
          for (const issuer of names) {
            const token = await tokenFrom(issuer)
            const isOwn = issuer === verifier || (arePairs.has(issuer) && arePairs.has(verifier))
            const headers = ['Token', 'Bearer', 'JWT'].map((scheme) => `${scheme} ${token}`)
            const answers = [...headers, basicHeader(1, token).authorization].map((header) => client.ask(header))
            const statuses = (await Promise.all(answers)).map(({ status }) => status)
            expect(
              statuses.filter((status) => status === 200),
              `of ${issuer}`,
            ).to.have.lengthOf(isOwn ? 1 : 0)
            for (const status of statuses) expect(status).to.be.oneOf([200, 401, 403])
          }
        })
      })

      it(`${verifier} refuses a password reset token of Django, and one of its own secret’s other uses`, async () => {
        const api = apisOn(db())[verifier]
        const user = await knexUsers(db()).findById('1')
        if (api === undefined || user === null) throw new Error('both are there')
        const others = [
          sealedPairs({ secret: SECRET, purpose: 'password-reset', lifetime: 600, clock: () => NOW }),
          sealedPairs({ secret: SECRET, audience: 'staff', clock: () => NOW }),
          signedTokens({ secret: SECRET, salt: 'password-reset', clock: () => NOW }),
          jwtTokens({ secret: SECRET, audience: 'another', clock: () => NOW }),
        ]
        const tokens = [
          passwordResetToken(),
          ...(await Promise.all(others.map((kind) => kind.issue(user)))).map(({ token }) => token),
        ]
        for (const token of tokens) {
          expect(await api.verify({ user: '1', token }), token).to.include({ ok: false, reason: 'invalid' })
        }
      })
    }

    describe('an offered user', () => {
      for (const name of ['timedTokenApi', 'expiringTokenApi', 'signedTokenApi', 'jwtApi']) {
        it(`must be the one whom ${name} verifies`, async () => {
          const api = apisOn(db())[name]
          const token = await tokenFrom(name)
          expect(await api?.verify({ user: 1, token })).to.include({ ok: true })
          for (const user of ['2', '01', ' 1', '']) {
            expect(await api?.verify({ user, token }), user).to.include({ ok: false, reason: 'invalid' })
          }
        })
      }

      it('must be it where pairs and siblings share a route', async () => {
        const shared = { clock: () => NOW }
        const kinds = anyOf(sealedPairs({ secret: SECRET, ...shared }), jwtTokens({ secret: SECRET, ...shared }))
        const api = tokenApi({
          users: knexUsers(db()),
          passwords: cheap,
          clock: () => NOW,
          tokens: kinds,
          credentials: firstOf(params(), authorization('Bearer')),
        })
        await served(api, async ({ ask }) => {
          const jwt = await tokenFrom('jwtApi')
          const pair = await tokenFrom('tokenApi')
          const answers = [
            await ask(undefined, `/me?user=1&token=${jwt}`),
            await ask(undefined, `/me?user=2&token=${jwt}`),
            await ask(undefined, `/me?user=1&token=${pair}`),
            await ask(undefined, `/me?user=2&token=${pair}`),
            await ask(`Bearer ${jwt}`),
          ]
          expect(answers.map(({ status }) => status)).to.deep.equal([200, 403, 200, 403, 200])
        })
      })
    })
  })
})
