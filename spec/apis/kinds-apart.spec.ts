import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import type { Knex } from 'knex'
import {
  activeUser,
  anyOf,
  apiKeys,
  apiKeyTokens,
  authorization,
  djangoPairs,
  expiringTokenApi,
  expiringTokens,
  firstOf,
  type GuardApi,
  memoryTokens,
  memoryUsers,
  params,
  sealedPairs,
  signedTokenApi,
  signedTokens,
  slidingTokens,
  timedTokenApi,
  tokenApi,
  type TokenKind,
  type TokenStore,
  type User,
} from 'koa-tokenapi'
import { jwtApi, jwtTokens } from 'koa-tokenapi/jwt'
import { knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { watched } from '../support/counting.js'
import { onEachDatabase } from '../support/databases.js'
import { exportedApis, exportedKinds } from '../support/exports.js'
import { basicHeader } from '../support/http.js'
import { cheap, createTables, NOW, refill, served } from '../support/siblings.js'

const SECRET = 'one secret of more than 32 bytes for all'
const signing = { secret: SECRET, clock: () => NOW }

/** Every API that is exported, and one with two kinds: all with one secret, one user table and one token table. */
const APIS: Readonly<Record<string, (db: Knex) => GuardApi<User>>> = {
  tokenApi: (db) => tokenApi({ ...loginsOn(db), secret: SECRET }),
  'tokenApi with Django pairs': (db) =>
    tokenApi({ ...loginsOn(db), tokens: anyOf(sealedPairs(signing), djangoPairs(signing)) }),
  timedTokenApi: (db) => timedTokenApi({ ...loginsOn(db), store: knexTokens(db) }),
  expiringTokenApi: (db) => expiringTokenApi({ ...loginsOn(db), store: knexTokens(db) }),
  signedTokenApi: (db) => signedTokenApi({ ...loginsOn(db), secret: SECRET }),
  jwtApi: (db) => jwtApi({ ...loginsOn(db), secret: SECRET }),
  apiKeys: (db) => apiKeys({ users: knexUsers(db), clock: () => NOW, store: knexTokens(db) }),
}
const names = Object.keys(APIS)
const arePairs = new Set(['tokenApi', 'tokenApi with Django pairs'])

/** Every kind of token that is exported, with one secret and one store. */
const KINDS: Readonly<Record<string, (store: TokenStore) => Pick<TokenKind, 'issue' | 'verify'>>> = {
  sealedPairs: () => sealedPairs(signing),
  djangoPairs: () => djangoPairs(signing),
  signedTokens: () => signedTokens(signing),
  jwtTokens: () => jwtTokens(signing),
  expiringTokens: (store) => expiringTokens({ store, clock: () => NOW }),
  slidingTokens: (store) => slidingTokens({ store, clock: () => NOW }),
  apiKeyTokens: (store) => apiKeyTokens({ store, clock: () => NOW }),
}

function loginsOn(db: Knex) {
  return { users: knexUsers(db), passwords: cheap, throttle: false as const, clock: () => NOW }
}

function apiNamed(name: string, db: Knex): GuardApi<User> {
  const make = APIS[name]
  if (make === undefined) throw new Error(`there is no ${name} in the list`)
  return make(db)
}

/** What Django 3.1 and later sends in the link of a password reset: PasswordResetTokenGenerator with the same secret. */
function passwordResetToken(): string {
  const key = createHmac('sha256', SECRET).update('django.contrib.auth.tokens.PasswordResetTokenGenerator').digest()
  const stamp = (NOW - 978307200).toString(36)
  return `${stamp}-${createHmac('sha256', key).update(`1${stamp}`).digest('hex').slice(0, 32)}`
}

describe('kinds apart', () => {
  it('lists every API and every kind that the package exports', () => {
    expect(names).to.include.members(exportedApis)
    expect(Object.keys(KINDS)).to.have.members(exportedKinds)
  })

  for (const [issuer, issuing] of Object.entries(KINDS)) {
    it(`refuses a token of ${issuer} as one of any other kind, before the user is looked up`, async () => {
      const store = memoryTokens()
      const alice = { id: 1, username: 'alice', password: 'scrypt$1$salt$8$5$alice' }
      const { token } = await issuing(store).issue(alice)
      for (const [verifier, verifying] of Object.entries(KINDS)) {
        const { find, asked } = watched(activeUser(memoryUsers([alice])))
        const verdict = await verifying(store).verify({ user: '1', token }, find)
        expect(verdict.ok ? 'accepted' : verdict.reason, verifier).to.equal(
          verifier === issuer ? 'accepted' : 'invalid',
        )
        expect(asked, verifier).to.have.lengthOf(verifier === issuer ? 1 : 0)
      }
    })
  }

  onEachDatabase((db) => {
    before(() => createTables(db()))
    before(() => refill(db()))

    const tokenFrom = async (name: string): Promise<string> => {
      const user = await knexUsers(db()).findById('1')
      if (user === null) throw new Error('alice is missing')
      return (await apiNamed(name, db()).issue(user)).token
    }

    for (const issuer of names) {
      for (const verifier of names) {
        const isOwn = issuer === verifier || (arePairs.has(issuer) && arePairs.has(verifier))
        it(`${verifier} ${isOwn ? 'takes' : 'refuses'} a token of ${issuer}`, async () => {
          const token = await tokenFrom(issuer)
          const api = apiNamed(verifier, db())
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
        const api = apiNamed(verifier, db())
        await served(api, async (client) => {
          for (const issuer of names) {
            const token = await tokenFrom(issuer)
            const isOwn = issuer === verifier || (arePairs.has(issuer) && arePairs.has(verifier))
            const headers = ['Token', 'Bearer', 'JWT'].map((scheme) => `${scheme} ${token}`)
            const responses = [...headers, basicHeader(1, token).authorization].map((header) => client.ask(header))
            const statuses = (await Promise.all(responses)).map(({ status }) => status)
            expect(
              statuses.filter((status) => status === 200),
              `of ${issuer}`,
            ).to.have.lengthOf(isOwn ? 1 : 0)
            for (const status of statuses) expect(status).to.be.oneOf([200, 401, 403])
          }
        })
      })

      it(`${verifier} refuses a password reset token of Django, and one of its own secret’s other uses`, async () => {
        const api = apiNamed(verifier, db())
        const user = await knexUsers(db()).findById('1')
        if (user === null) throw new Error('alice is missing')
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
      for (const name of names.filter((one) => !arePairs.has(one))) {
        it(`must be the one whom ${name} verifies`, async () => {
          const api = apiNamed(name, db())
          const token = await tokenFrom(name)
          expect(await api.verify({ user: 1, token })).to.include({ ok: true })
          for (const user of ['2', '01', ' 1', '']) {
            expect(await api.verify({ user, token }), user).to.include({ ok: false, reason: 'invalid' })
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
          const responses = [
            await ask(undefined, `/me?user=1&token=${jwt}`),
            await ask(undefined, `/me?user=2&token=${jwt}`),
            await ask(undefined, `/me?user=1&token=${pair}`),
            await ask(undefined, `/me?user=2&token=${pair}`),
            await ask(`Bearer ${jwt}`),
          ]
          expect(responses.map(({ status }) => status)).to.deep.equal([200, 403, 200, 403, 200])
        })
      })
    })
  })
})
