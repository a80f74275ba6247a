// Named by the rows of the project's list of attacks: what arrives, and what it must be answered.
import { createHmac } from 'node:crypto'
import { connect } from 'node:net'
import { expect } from 'chai'
import type { Knex } from 'knex'
import type { Context, Middleware } from 'koa'
import {
  anyOf,
  djangoPairs,
  memoryUsers,
  type SealedPairFacts,
  passwords,
  pbkdf2,
  scrypt,
  sealedPairs,
  signedTokens,
  tokenApi,
  type TokenApi,
  type TokenApiOptions,
  type User,
} from 'koa-tokenapi'
import { createUserTable, type KnexUser, knexUsers } from 'koa-tokenapi/knex'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { gate } from '../../lib/passwords/gate.js'
import { counting } from '../support/counting.js'
import { onEachDatabase } from '../support/databases.js'
import { basicHeader, type Served, serve, withServer } from '../support/http.js'
import { type Received, asForm, asJson, send, type Sent } from '../support/send.js'
import { NOON, PARSERS, quickPasswords, SECRET, type TokenApp, tokenApp } from '../support/token-app.js'

type Request = Sent & { readonly path: string }

const MISSING = "Must include 'user' and 'token' parameters with request."
const WRONG_PAIR = 'Incorrect user and token pair.'
const NO_MATCH = 'Token did not match user.'
const NO_LOGIN = 'Unable to log you in, please try again.'
const INCOMPLETE = "Must include 'username' and 'password' as POST parameters."

const PASSWORD = 'the password of the admin'

/** A request, made when it is sent, and its status. */
type Offer = readonly [status: 401 | 403, request: () => Request]

/** The same request with one value after another. */
function each<V>(status: 401 | 403, values: readonly V[], request: (value: V) => Request): readonly Offer[] {
  return values.map((value) => [status, () => request(value)])
}

/** What no answer may hold. */
const secrets = new Set<string>()

/** What holds for every refusal: JSON, a challenge with each 401, nothing cached, nothing told. */
function expectRefusal(answer: Received, status: number, errors: string, named: string): void {
  expect([answer.status, answer.json], named).to.deep.equal([status, { success: false, errors }])
  expect('www-authenticate' in answer.headers, named).to.equal(status === 401 || status === 403)
  expect(answer.headers['cache-control'], named).to.equal('no-store')
  expect(answer.headers['x-content-type-options'], named).to.equal('nosniff')
  const everything = JSON.stringify([answer.headers, answer.text])
  for (const secret of secrets) expect(everything, named).not.to.include(secret)
}

/** What holds after refusals: nobody reached a handler, no user was set, and nothing was a fault. */
function expectUntouched({ reached, users }: TokenApp, { errors }: Served, named: string): void {
  expect(reached, named).to.deep.equal([])
  expect(
    users.filter((user) => user !== undefined),
    named,
  ).to.deep.equal([])
  expect(errors, named).to.deep.equal([])
}

/** Clears what earlier requests left, so that each spec stands alone. */
function forget({ reached, users }: TokenApp, { errors }: Served): void {
  for (const list of [reached, users, errors]) list.splice(0)
}

function query(user: string, token: string): string {
  return `user=${encodeURIComponent(user)}&token=${encodeURIComponent(token)}`
}

function ask(url: string, { path, ...sent }: Request): Promise<Received> {
  return send(url, path, sent)
}

async function queriesOf(db: Knex, work: () => Promise<unknown>): Promise<number> {
  let queries = 0
  const count = (): void => {
    queries += 1
  }
  db.on('query', count)
  try {
    await work()
    return queries
  } finally {
    db.removeListener('query', count)
  }
}

const CONTROL = /\p{Cc}/u

/** Every way to offer a pair, and what a wrong pair is answered there. */
const CARRIERS: Readonly<Record<string, (user: string, token: string) => readonly [Request, number, string]>> = {
  query: (user, token) => [{ path: `/guarded?${query(user, token)}` }, 403, WRONG_PAIR],
  form: (user, token) => [{ path: '/guarded', ...asForm(query(user, token)) }, 403, WRONG_PAIR],
  JSON: (user, token) => [{ path: '/guarded', ...asJson({ user, token }) }, 403, WRONG_PAIR],
  Basic: (user, token) => {
    const isReadable = !CONTROL.test(user)
    const headers = basicHeader(user, token)
    return [{ path: '/guarded', headers }, isReadable ? 403 : 401, isReadable ? WRONG_PAIR : MISSING]
  },
  'the check’s path': (user, token) => [
    { path: `/token/${encodeURIComponent(token)}/${encodeURIComponent(user)}` },
    401,
    NO_MATCH,
  ],
}

const NO_IDS: Readonly<Record<string, readonly string[]>> = {
  24: ['1abc', '1 or 1=1', "1'", "1' or '1'='1", '1-1', '1;', '1,2', '1/', '1.json.json'],
  25: [
    '01',
    '001',
    '+1',
    ' 1',
    '1 ',
    '\t1',
    '1\n',
    '1\r',
    '\u00a01',
    '\ufeff1',
    '1.0',
    '1.',
    '1e0',
    '1E0',
    '10e-1',
    '1_0',
  ],
  26: ['1\0', '1\0x', '\u00001', '1\u0001'],
  28: [
    '2147483648',
    '4294967297',
    '9223372036854775808',
    '18446744073709551617',
    '12345678901234567890',
    `1${'0'.repeat(200)}`,
  ],
  29: [
    'abc',
    '1.5',
    'NaN',
    'Infinity',
    '-Infinity',
    '0x1',
    '0b1',
    '１',
    '١',
    '¹',
    'true',
    'null',
    'undefined',
    '[1]',
    '"1"',
    '[object Object]',
  ],
  32: ['0', '-0', '-1', '-9223372036854775808', '--1'],
  53: ['1\u200b', '1\ufffd', '\ufffd', '1\u202e', '😀'],
}

const UUID = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'
const NO_UUIDS = [
  [UUID.toUpperCase(), `{${UUID}}`, UUID.replaceAll('-', ''), UUID.replace('a', 'A'), `urn:uuid:${UUID}`],
  ['0190-a1b2-c3d4-7e5f-8a9b-0c1d-2e3f-4a5b', '0190a1b2c3d47e5f-8a9b0c1d2e3f4a5b', `${UUID} `, ` ${UUID}`, `${UUID}\0`],
].flat()

const quick = scrypt({ cost: 16, blockSize: 1, parallelization: 1 })
let hash: string
before(async () => {
  hash = await quickPasswords.hash(PASSWORD)
  secrets.add(hash).add(PASSWORD).add(SECRET)
})

const clock = (): number => NOON
const sealer = sealedPairs({ secret: SECRET, clock })
const django = djangoPairs({ secret: SECRET, clock })

/** A token with a good seal for this very text: only the look-up can refuse it. */
async function sealedFor(id: string): Promise<readonly string[]> {
  if (id === '' || id.length > 255 || CONTROL.test(id)) return []
  return [(await sealer.issue({ id, username: 'admin', password: hash })).token]
}

function apiOf<U extends User>(users: TokenApiOptions<U>['users'], more: Partial<TokenApiOptions<U>> = {}) {
  return tokenApi<U>({ users, secret: SECRET, clock, passwords: quickPasswords, throttle: false, ...more })
}

const ADMIN = { id: 1, username: 'admin', isActive: true, tokenEpoch: 0 }

/** A token of the admin from another moment. */
async function issuedAt(time: number): Promise<string> {
  return (await sealedPairs({ secret: SECRET, clock: () => time }).issue({ ...ADMIN, password: hash })).token
}

function base64Json(data: object): string {
  return Buffer.from(JSON.stringify(data)).toString('base64url')
}

function mac(algorithm: string, text: string): string {
  return createHmac(algorithm, SECRET).update(text).digest('hex')
}

/** A CORS layer as small as one can be. */
const cors: Middleware = async (ctx, next) => {
  ctx.vary('Origin')
  ctx.set('Access-Control-Allow-Origin', 'https://app.example.org')
  if (ctx.method === 'OPTIONS' && ctx.get('Access-Control-Request-Method') !== '') {
    ctx.set('Access-Control-Allow-Headers', 'Authorization')
    ctx.status = 204
    return
  }
  await next()
}

function rejecting(fault: unknown): () => Promise<never> {
  return async () => {
    throw fault
  }
}

/** An app of two accounts with a throttle. */
function throttled(throttle: ThrottleOptions, more: Partial<TokenApiOptions<User>> = {}): TokenApp {
  const own = { ...ADMIN, id: 2, username: 'own', password: hash }
  return tokenApp(apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }, own]), { throttle, ...more }))
}

type ThrottleOptions = Exclude<TokenApiOptions<User>['throttle'], false | undefined>

function limiter(points: number): RateLimiterMemory {
  return new RateLimiterMemory({ points, duration: 600 })
}

function addressOf(ctx: Context): string {
  return ctx.get('x-client')
}

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

describe('tokenApi under attack', () => {
  onEachDatabase((db, name) => {
    describe('B: ids', () => {
      const tokens = anyOf(sealer, django)
      let served: Served
      let guarded: TokenApp
      let offered: readonly string[]
      before(async () => {
        await createUserTable(db(), { table: 'id_users' })
        await db()('id_users').insert([
          { id: 1, username: 'admin', password: hash },
          { id: 2, username: 'bob', password: hash },
        ])
        guarded = tokenApp(
          tokenApi({ users: knexUsers(db(), { table: 'id_users' }), tokens, passwords: quickPasswords }),
        )
        served = await serve(guarded.app)
        const user = { ...ADMIN, password: hash }
        offered = [(await sealer.issue(user)).token, (await django.issue(user)).token]
        for (const token of offered) secrets.add(token)
      })
      beforeEach(() => forget(guarded, served))
      after(() => served.close())

      for (const [row, ids] of Object.entries(NO_IDS)) {
        for (const [carrier, offer] of Object.entries(CARRIERS)) {
          it(`${row}: ids that are not canonical are nobody, by ${carrier}, and cause no query`, async () => {
            const queries = await queriesOf(db(), async () => {
              for (const id of ids) {
                for (const token of [...offered, ...(await sealedFor(id))]) {
                  const [request, status, errors] = offer(id, token)
                  expectRefusal(await ask(served.url, request), status, errors, JSON.stringify(id))
                }
              }
            })
            expectUntouched(guarded, served, carrier)
            expect(queries).to.equal(0)
          })
        }
      }

      it('22: a token of one user is none of another', async () => {
        for (const offer of Object.values(CARRIERS)) {
          for (const token of offered) {
            const [request, status, errors] = offer('2', token)
            expectRefusal(await ask(served.url, request), status, errors, '2')
          }
        }
        expectUntouched(guarded, served, '22')
      })

      it('and the right pair opens each of them, or the rest would prove nothing', async () => {
        const answers: number[] = []
        for (const offer of Object.values(CARRIERS)) {
          for (const token of offered) answers.push((await ask(served.url, offer('1', token)[0])).status)
        }
        expect(answers).to.deep.equal(Array(10).fill(200))
        expect(guarded.reached).to.deep.equal(Array(8).fill('1'))
      })
    })

    it('30: a number that JSON rounds is nobody, also where the rounded one exists', async () => {
      await db().schema.createTable('big_users', (table) => {
        table.bigInteger('id').primary()
        table.string('username', 254)
        table.string('password', 255)
      })
      const [even, odd] = ['9007199254740992', '9007199254740993']
      await db()('big_users').insert([
        { id: even, username: 'even', password: hash },
        { id: odd, username: 'odd', password: hash },
      ])
      const columns = { isActive: null, tokenEpoch: null }
      const api = apiOf(knexUsers(db(), { table: 'big_users', id: 'bigint', columns }))
      const tokenOf = async (id: string): Promise<string> =>
        (await api.issue({ id: BigInt(id), username: 'x', password: hash })).token
      const guarded = tokenApp(api)
      await withServer(guarded.app, async (served) => {
        for (const number of [odd, even, '9007199254740993.0', '1e400', '-9007199254740993']) {
          for (const token of [await tokenOf(even), await tokenOf(odd)]) {
            const sent = { ...asJson({}), body: `{"user":${number},"token":"${token}"}` }
            expectRefusal(await send(served.url, '/guarded', sent), 401, MISSING, number)
          }
        }
        for (const [id, token] of [
          [even, await tokenOf(odd)],
          [odd, await tokenOf(even)],
        ] as const) {
          // prettier-ignore
          expectRefusal(await send(served.url, `/guarded?${query(id, token)}`), 403, WRONG_PAIR, id)
        }
        expectUntouched(guarded, served, '30')
        for (const id of [even, odd]) {
          const answer = await send(served.url, `/guarded?${query(id, await tokenOf(id))}`)
          expect(answer.text).to.equal(`{"success":true,"user":${id}}`)
        }
      })
    })

    it('41: only the canonical form of a UUID is somebody', async () => {
      await db().schema.createTable('uuid_users', (table) => {
        table.uuid('id').primary()
        table.string('username', 254)
        table.string('password', 255)
      })
      await db()('uuid_users').insert({ id: UUID, username: 'admin', password: hash })
      const columns = { isActive: null, tokenEpoch: null }
      const api = apiOf(knexUsers(db(), { table: 'uuid_users', id: 'uuid', columns }))
      const { token } = await api.issue({ id: UUID, username: 'admin', password: hash })
      const guarded = tokenApp(api)
      await withServer(guarded.app, async (served) => {
        const queries = await queriesOf(db(), async () => {
          for (const id of NO_UUIDS) {
            for (const one of [token, ...(await sealedFor(id))]) {
              for (const offer of Object.values(CARRIERS)) {
                const [request, status, errors] = offer(id, one)
                expectRefusal(await ask(served.url, request), status, errors, id)
              }
            }
          }
        })
        expect(queries).to.equal(0)
        expectUntouched(guarded, served, '41')
        const good = await send(served.url, `/guarded?${query(UUID, token)}`)
        expect([good.status, good.json]).to.deep.equal([200, { success: true, user: UUID }])
      })
    })

    describe('C: user names', () => {
      const hasher = counting(quick)
      let served: Served
      let guarded: TokenApp
      const logIn = (username: unknown, password: unknown = PASSWORD): Promise<Received> =>
        send(served.url, '/token/new', asJson({ username, password }))
      before(async () => {
        // A table as an application would make it: MariaDB compares its names without case, accents and blanks at the end.
        await db().schema.createTable('named_users', (table) => {
          table.increments('id')
          table.string('username', 150).unique()
          table.string('password', 255)
          table.boolean('is_active').notNullable().defaultTo(true)
        })
        const users = knexUsers(db(), { table: 'named_users', columns: { tokenEpoch: null } })
        guarded = tokenApp(apiOf(users, { passwords: passwords({ hashers: [hasher] }) }))
        served = await serve(guarded.app)
      })
      beforeEach(async () => {
        forget(guarded, served)
        await db()('named_users').delete()
        const names = ['admin', 'josé', 'big', 'k', 's']
        await db()('named_users').insert(names.map((username, at) => ({ id: at + 1, username, password: hash })))
      })
      after(() => served.close())

      const nobody: Readonly<Record<string, readonly string[]>> = {
        47: ['ADMIN', 'Admin', 'aDMIN', 'ádmin', 'admın', 'JOSÉ', 'jose', 'ＡＤＭＩＮ'],
        48: ['admin ', 'admin  ', ' admin', '\u00a0admin', 'admin\u3000', '\tadmin', 'admin\n', 'admin\r\n'],
        51: ['\u212a', '\u017f\u017f', 'K', 'S', 'ᴮᴵᴳ', 'BIG'],
        52: ['admin\0', 'admin\0x', '\0admin', '\0', 'admin\u0001', 'admin\x7f'],
        53: ['admin\ud800', '\udc00admin', '\ud800', 'admin\ufffd'],
        54: [
          'a'.repeat(151),
          'a'.repeat(254),
          'a'.repeat(255),
          'a'.repeat(300),
          `admin${' '.repeat(300)}`,
          'a'.repeat(500_000),
          '\u0301'.repeat(300),
        ],
        56: [
          'ad\u200bmin',
          '\u202eadmin',
          'admin\u2028',
          '\ufeffadmin',
          '\x1b[31madmin',
          'admin😀',
          '😀',
          'ﷺ'.repeat(200),
        ],
        24: [
          "admin' --",
          "' or '1'='1",
          'adm_n',
          'adm%',
          '%',
          '1',
          'admin\\',
          '1 or 1=1',
          '__proto__',
          'constructor',
          'toString',
        ],
      }
      for (const [row, names] of Object.entries(nobody)) {
        it(`${row}: names that are only nearly one are nobody, for one hash each`, async () => {
          for (const username of names) {
            const before = hasher.hashes()
            const named = JSON.stringify(username.slice(0, 40))
            expectRefusal(await logIn(username), 401, NO_LOGIN, named)
            expect(hasher.hashes() - before, named).to.equal(1)
          }
          expectUntouched(guarded, served, row)
        })
      }

      it('46: what is no text is no name, and costs no hash', async () => {
        const before = hasher.hashes()
        for (const username of [
          true,
          false,
          1,
          0,
          null,
          { username: 1 },
          { length: 5 },
          ['admin'],
          [],
          {},
          [['admin']],
        ]) {
          expectRefusal(await logIn(username), 401, INCOMPLETE, JSON.stringify(username))
        }
        for (const form of [
          'username[]=admin',
          'username.x=admin',
          'username[toString]=admin',
          'username=admin&username=bob',
        ]) {
          const answer = await send(
            served.url,
            '/token/new',
            asForm(`${form}&password=${encodeURIComponent(PASSWORD)}`),
          )
          expectRefusal(answer, 401, INCOMPLETE, form)
        }
        expect(hasher.hashes()).to.equal(before)
        expectUntouched(guarded, served, '46')
      })

      it('50: names have one normal form, whatever the keyboard makes', async () => {
        for (const [typed, id] of [
          ['admin', 1],
          ['ａdmin', 1],
          ['josé', 2],
          ['jose\u0301', 2],
          ['ᵇⁱᵍ', 3],
          ['ſ', 5],
        ] as const) {
          // prettier-ignore
          const answer = await logIn(typed)
          expect([answer.status, answer.json], typed).to.deep.include.members([200])
          expect(answer.json, typed).to.have.property('user', id)
        }
      })

      it('77: what is no text is no password', async () => {
        const before = hasher.hashes()
        for (const password of [7, 0, true, false, null, {}, [], [PASSWORD], { length: 9 }]) {
          expectRefusal(await logIn('admin', password), 401, INCOMPLETE, JSON.stringify(password))
        }
        expect(hasher.hashes()).to.equal(before)
      })

      it('75, 78: a password is compared as it is typed, up to 4096 bytes', async () => {
        const wrong = [
          `${PASSWORD} `,
          ` ${PASSWORD}`,
          `${PASSWORD}\0`,
          `${PASSWORD}\n`,
          PASSWORD.toUpperCase(),
          ' ',
          '\ud800',
        ]
        for (const password of [...wrong, 'p'.repeat(4096), 'p'.repeat(4097), 'ü'.repeat(2049), 'p'.repeat(900_000)]) {
          const before = hasher.hashes()
          const named = JSON.stringify(password.slice(0, 40))
          expectRefusal(await logIn('admin', password), 401, NO_LOGIN, named)
          expect(hasher.hashes() - before, named).to.equal(1)
        }
        const exact = [' blanks ', 'a\0b', 'e\u0301', '\ufffd', 'p'.repeat(4096)]
        for (const password of exact) {
          await db()('named_users')
            .where({ id: 4 })
            .update({ password: await quickPasswords.hash(password) })
          expect((await logIn('k', password)).status, JSON.stringify(password.slice(0, 9))).to.equal(200)
          const others = [password.trim(), password.normalize('NFC'), 'a', '\ud800', `${password}p`]
          for (const other of others.filter((one) => one !== password)) {
            expectRefusal(await logIn('k', other), 401, NO_LOGIN, JSON.stringify(other.slice(0, 9)))
          }
        }
      })

      it('73, 87: one hash and one answer, whatever is stored', async () => {
        const stored = [
          null, // no password at all
          '',
          '!', // Django's unusable password
          '!Zm9v',
          'plain text',
          'unknown$1$salt$hash',
          await passwords({ hashers: [pbkdf2({ iterations: 1 })] }).hash(PASSWORD), // an algorithm that is not configured
          hash.slice(0, -4),
          `${hash}x`,
          hash.replace('scrypt$16$', 'scrypt$1073741824$'), // beyond the ceiling
        ]
        const shapes = new Set<string>()
        for (const password of stored) {
          await db()('named_users').where({ id: 5 }).update({ password })
          const before = hasher.hashes()
          const answer = await logIn('s')
          expectRefusal(answer, 401, NO_LOGIN, String(password))
          expect(hasher.hashes() - before, String(password)).to.equal(1)
          shapes.add(JSON.stringify([answer.text, Object.keys(answer.headers), answer.headers['www-authenticate']]))
        }
        const unknown = await logIn('nobody at all')
        shapes.add(JSON.stringify([unknown.text, Object.keys(unknown.headers), unknown.headers['www-authenticate']]))
        expect(shapes.size).to.equal(1)
      })

      it('86: a disabled account with the right password is answered like nobody', async () => {
        await db()('named_users').where({ id: 3 }).update({ is_active: false })
        const before = hasher.hashes()
        expectRefusal(await logIn('big'), 401, NO_LOGIN, 'big')
        expect(hasher.hashes() - before).to.equal(1)
      })

      it('144: spellings that some database takes for one account share its counter', async () => {
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

    describe('L: look-ups that go out together', () => {
      const table = 'batch_users'
      let api: TokenApi<KnexUser, SealedPairFacts>
      let pairs: readonly (readonly [id: string, token: string])[]
      before(async () => {
        await createUserTable(db(), { table })
        const people = Array.from({ length: 50 }, (_, at) => ({ username: `user${at + 1}`, password: hash }))
        await db()(table).insert(people)
        const built = apiOf(knexUsers(db(), { table }))
        api = built
        const issued = Array.from({ length: 50 }, async (_, at) => {
          const user = { id: at + 1, username: `user${at + 1}`, password: hash }
          return [String(at + 1), (await built.issue(user)).token] as const
        })
        pairs = await Promise.all(issued)
      })

      it('163: fifty of one turn are one query, and a bad one among them harms nobody', async () => {
        const strangers = await Promise.all(['2147483648', '9'.repeat(30), '1abc'].map(sealedFor))
        const queries = await queriesOf(db(), async () => {
          const good = pairs.map(([user, token]) => api.verify({ user, token }))
          const bad = [
            api.verify({ user: '2147483648', token: strangers[0]?.[0] ?? '' }),
            api.verify({ user: '9'.repeat(30), token: strangers[1]?.[0] ?? '' }),
            api.verify({ user: '1abc', token: strangers[2]?.[0] ?? '' }),
          ]
          const verdicts = await Promise.all(good)
          expect(verdicts.map((verdict) => verdict.ok && String(verdict.value.user.id))).to.deep.equal(
            pairs.map(([id]) => id),
          )
          for (const verdict of await Promise.all(bad)) expect(verdict).to.include({ ok: false, reason: 'invalid' })
        })
        expect(queries).to.equal(1)
      })

      it('164: each request has its own user', async () => {
        const [user, token] = pairs[0] ?? ['', '']
        const [first, second] = await Promise.all([api.verify({ user, token }), api.verify({ user, token })])
        if (!first.ok || !second.ok) throw new Error('both tokens are good')
        first.value.user.username = 'changed'
        expect(second.value.user.username).to.equal('user1')
      })

      it('157: answers 503 in time when every connection is taken, and recovers', async () => {
        const patient = apiOf(knexUsers(db(), { table, timeout: 0.2 }), { timeout: 0.2 })
        const [user, token] = pairs[0] ?? ['', '']
        const { pool } = db().client as { pool: { max: number } } // Knex types its client as any
        const busy = await Promise.all(Array.from({ length: pool.max }, () => db().transaction()))
        await withServer(tokenApp(patient).app, async ({ url, errors }) => {
          const answer = await send(url, `/guarded?${query(user, token)}`)
          await Promise.all(busy.map((transaction) => transaction.rollback()))
          expect([answer.status, answer.headers['retry-after']]).to.deep.equal([503, '2'])
          expect(errors.map(String)).to.deep.equal([
            'DeadlineExceeded: a store or a limiter did not respond within 0.2 s',
          ])
          expect((await send(url, `/guarded?${query(user, token)}`)).status).to.equal(200)
        })
      })
    })

    it(`11: a user of ${name} without a password holds no token`, async () => {
      await createUserTable(db(), { table: 'sso_users' })
      await db()('sso_users').insert([{ id: 1, username: 'sso', password: null }, { id: 2, username: 'blank', password: '' }]) // prettier-ignore
      const users = knexUsers(db(), { table: 'sso_users' })
      const guarded = tokenApp(tokenApi({ users, tokens: anyOf(sealer, django), passwords: quickPasswords }))
      await withServer(guarded.app, async (served) => {
        for (const id of [1, 2]) {
          for (const password of ['null', 'undefined', 'None', '0']) {
            for (const kind of [sealer, django]) {
              const { token } = await kind.issue({ id, username: 'sso', password })
              const answer = await send(served.url, `/guarded?${query(String(id), token)}`)
              expectRefusal(answer, 403, WRONG_PAIR, `${id} ${password}`)
            }
          }
          for (const password of ['', 'null', 'None', '!']) {
            const attempt = asJson({ username: id === 1 ? 'sso' : 'blank', password })
            const answer = await send(served.url, '/token/new', attempt)
            expectRefusal(answer, 401, password === '' ? INCOMPLETE : NO_LOGIN, password)
          }
        }
        expectUntouched(guarded, served, '11')
      })
    })
  })

  for (const [parserName, parser] of Object.entries(PARSERS)) {
    describe(`A, B, D: what arrives, with ${parserName}`, () => {
      let served: Served
      let guarded: TokenApp
      let token: string
      let bobs: string
      before(async () => {
        const api = apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }, { ...ADMIN, id: 2, username: 'bob', password: hash }])) // prettier-ignore
        token = (await sealer.issue({ ...ADMIN, password: hash })).token
        bobs = (await sealer.issue({ ...ADMIN, id: 2, password: hash })).token
        secrets.add(token).add(bobs)
        guarded = tokenApp(api, parser())
        served = await serve(guarded.app)
      })
      beforeEach(() => forget(guarded, served))
      after(() => served.close())

      const refused = async (request: Request, status: 401 | 403, named: string): Promise<void> => {
        const answer = await ask(served.url, request)
        expectRefusal(answer, status, status === 401 ? MISSING : WRONG_PAIR, named)
        expectUntouched(guarded, served, named)
      }

      it('1–8: texts that are no token', async () => {
        const [head = '', tag = ''] = token.split('-')
        const flipped = (at: number): string => `${tag.slice(0, at)}${tag[at] === '0' ? '1' : '0'}${tag.slice(at + 1)}`
        const texts: Readonly<Record<string, readonly string[]>> = {
          1: ['-', 'a', 'a-b-c', '-abc', 'abc-', '--', ' ', `-${tag}`, `${head}-`, head, tag, `${head}-${head}-${tag}`],
          2: [`${'1'.repeat(14)}-${tag}`, `${'1'.repeat(12)}-${tag}`, `${'1'.repeat(500_000)}-${tag}`],
          3: [`zzzzzzzzzzzzz-${tag}`, `2gosa7pa2gw-${tag}`, `zzzzzzzzzzz-${tag}`, `10000000000000-${tag}`],
          4: [
            `1z!x-${tag}`,
            `1_0-${tag}`,
            `+1-${tag}`,
            ` 1-${tag}`,
            `١-${tag}`,
            `+${token}`,
            `-${token}`,
            `1.0-${tag}`,
          ],
          5: [
            token.toUpperCase(),
            `0${token}`,
            `00-${tag}`,
            `${token}\n`,
            `${token} `,
            ` ${token}`,
            `${token}\r\n`,
            `${head.toUpperCase()}-${tag}`,
            `${head}-${tag.toUpperCase()}`,
          ],
          6: [
            `${token}0`,
            token.slice(0, -1),
            `${head}-${flipped(0)}`,
            `${head}-${flipped(31)}`,
            `${head}-${flipped(32)}`,
            `${head}-${flipped(63)}`,
            `${head}-${tag.slice(0, 20)}`,
            `${head}-${tag}${tag}`,
            `${head}-${tag.slice(32)}${tag.slice(0, 32)}`,
          ],
          8: [`${token}\0`, `\0${token}`, `${token}\ud800`, '\ufffd', '\ud800', `${head}–${tag}`, 'x'.repeat(500_000)],
        }
        for (const [row, offers] of Object.entries(texts)) {
          for (const offer of offers) {
            const named = `${row}: ${JSON.stringify(offer.slice(0, 100))}`
            await refused({ path: '/guarded', ...asJson({ user: 1, token: offer }) }, 403, named)
            if (offer.length < 4000 && offer.isWellFormed()) {
              await refused({ path: `/guarded?${query('1', offer)}` }, 403, named)
              const answer = await send(served.url, `/token/${encodeURIComponent(offer)}/1`)
              expectRefusal(answer, 401, NO_MATCH, named)
            }
          }
        }
        await refused({ path: '/guarded?user=1&token=' }, 401, '1')
      })

      it('9: a token from the future is good for one minute’s skew and no more', async () => {
        for (const ahead of [61, 86_400, 10 * 365 * 86_400]) {
          await refused({ path: `/guarded?${query('1', await issuedAt(NOON + ahead))}` }, 403, String(ahead))
        }
        expect((await send(served.url, `/guarded?${query('1', await issuedAt(NOON + 60))}`)).status).to.equal(200)
      })

      it('20, 21: what was made with the same secret for another end', async () => {
        const user = { ...ADMIN, password: hash }
        const claims = `${base64Json({ alg: 'HS256', typ: 'JWT' })}.${base64Json({ sub: '1', username: 'admin', exp: NOON + 99 })}`
        const head = NOON.toString(36)
        const tokens = [
          (await django.issue(user)).token,
          (await signedTokens({ secret: SECRET, clock }).issue(user)).token,
          `${claims}.${createHmac('sha256', SECRET).update(claims).digest('base64url')}`,
          ...['reset', 'socket'].map((purpose) =>
            sealedPairs({ secret: SECRET, lifetime: 99, purpose, clock }).issue(user),
          ),
          ...[
            ['ab', 'c'],
            ['a', 'bc'],
            ['abc', ''],
          ].map(([audience = '', purpose = '']) =>
            sealedPairs({ secret: SECRET, lifetime: 99, audience, purpose, clock }).issue(user),
          ),
          `${head}-${mac('sha256', `1${hash}${head}`)}`,
          `${head}-${mac('sha1', `1${hash}${head}`).slice(0, 20)}`,
          mac('sha256', '1'),
          hash,
        ]
        for (const one of tokens) {
          const issued = await one
          const text = typeof issued === 'string' ? issued : issued.token
          await refused({ path: `/guarded?${query('1', text)}` }, 403, text)
          await refused({ path: '/guarded', headers: basicHeader('1', text) }, 403, text)
        }
      })

      const offers: Readonly<Record<string, readonly Offer[]>> = {
        '23: a suffix is none of an id': [
          [403, () => ({ path: `/guarded?${query('1.json', token)}` })],
          [403, () => ({ path: '/guarded', headers: basicHeader('1.json', token) })],
        ],
        '27, 35: values in JSON that are no text and no whole number': [
          ...each(
            401,
            [true, false, null, [], [1], ['1'], {}, { id: 1 }, { toString: '1' }, 1.5, 1e21, -1.5, 2 ** 53],
            (user: unknown) => ({ path: '/guarded', ...asJson({ user, token }) }),
          ),
          ...each<unknown>(401, [{ length: 24, split: 1 }, ['a-b'], true, null, [], 1.5], (offered) => ({
            path: '/guarded',
            ...asJson({ user: 1, token: offered }),
          })),
          [401, () => ({ path: '/guarded', ...asJson({ user: 1, token: [token] }) })],
          [403, () => ({ path: '/guarded', ...asJson({ user: 1, token: 1 }) })],
          [403, () => ({ path: '/guarded', ...asJson({ user: -0, token }) })],
        ],
        '33: forms that are lists and objects': [
          ...each(
            401,
            [
              'user[]=1',
              'user[id]=1',
              'user.id=1',
              'user=1&user=2',
              'user=1&user=1',
              'user[0]=1&user[21]=2',
              'user[toString]=1',
              'user[]=1&user=1',
              'user%5B%5D=1',
              '__proto__[user]=1',
              'constructor[user]=1',
            ],
            (form) => ({ path: '/guarded', ...asForm(`${form}&token=${token}`) }),
          ),
          ...each(401, ['token[]=', 'token.x=', 'token[length]=24&token='], (form) => ({
            path: '/guarded',
            ...asForm(`user=1&${form}${token}`),
          })),
        ],
        '34: parameters that are repeated': [
          ...each(
            401,
            [
              'user=1&user=2',
              'user=1&user=1',
              'user=2&user=1',
              'user=1&user=',
              'user[]=1',
              `user=1&${'a&'.repeat(1000)}user=2`,
              `${'a&'.repeat(1000)}user=1&user=2`,
            ],
            (text) => ({ path: `/guarded?${text}&token=${token}` }),
          ),
          [401, () => ({ path: `/guarded?user=1&token=${token}&token=${token}` })],
          [401, () => ({ path: `/guarded?user=1&token=a&token=${token}` })],
        ],
        '36: bodies that are no object': [
          [401, () => ({ path: '/guarded', ...asJson([]) })],
          [401, () => ({ path: '/guarded', ...asJson([{ user: 1 }]) })],
          [401, () => ({ path: '/guarded', ...asJson({}), body: '' })],
          [401, () => ({ path: '/guarded', method: 'POST' })],
        ],
        '38: names of prototypes': [
          [401, () => ({ path: '/guarded', ...asJson({ constructor: { prototype: { user: 1, token } } }) })],
          [401, () => ({ path: `/guarded?__proto__=1&token=${token}` })],
          [401, () => ({ path: `/guarded?toString=1&hasOwnProperty=1&token=${token}` })],
          [401, () => ({ path: `/guarded?__proto__[user]=1&__proto__.user=1&token=${token}` })],
          [403, () => ({ path: `/guarded?${query('__proto__', token)}` })],
          [403, () => ({ path: `/guarded?${query('constructor', token)}` })],
        ],
        '39: parts of a pair from two places': [
          [403, () => ({ path: `/guarded?token=${token}`, ...asForm('user=2') })],
          [403, () => ({ path: `/guarded?user=1&token=${bobs}`, ...asForm('user=2&token=x') })],
          [403, () => ({ path: `/guarded?user=1`, ...asForm(`token=${bobs}`) })],
          [401, () => ({ path: `/guarded?user=1&token=${token}`, ...asForm('user=') })],
          [401, () => ({ path: `/guarded?user=1&token=${token}`, ...asJson({ user: null }) })],
        ],
        '40: a wrong pair in front of a good header': [
          [403, () => ({ path: `/guarded?user=2&token=${token}`, headers: basicHeader(1, token) })],
          [401, () => ({ path: `/guarded?user=1&user=1&token=x`, headers: basicHeader(1, token) })],
        ],
        '44: a key that is there twice': [
          [403, () => ({ path: '/guarded', ...asJson({}), body: `{"user":1,"user":2,"token":"${token}"}` })],
          [403, () => ({ path: '/guarded', ...asJson({}), body: `{"user":1,"token":"${token}","token":"x"}` })],
        ],
        '57: Basic that is written oddly': each(
          401,
          [
            'Basic',
            'Basic ',
            'Basic\tMTph',
            'Basic  x',
            'Basic x',
            'basic',
            'Basic,MTph',
            'Basic \tMTph',
            'Basic =',
            'Basic realm="x"',
          ],
          (authorization) => ({ path: '/guarded', headers: { authorization } }),
        ),
        '58: base64 that is not canonical': [
          ...each(
            401,
            ['MTphYmM=====', 'MTphYmM=MTphYmM=', 'MTph YmM=', 'MTphYmM', 'MTphYmN=', 'MTphYmM*', '-_8=', 'MTo_Pz8_'],
            (text) => ({ path: '/guarded', headers: { authorization: `Basic ${text}` } }),
          ),
          [401, () => ({ path: '/guarded', headers: { authorization: `${basicHeader(1, token).authorization}=` } })],
          [
            401,
            () => ({ path: '/guarded', headers: { authorization: `${basicHeader(1, token).authorization}\u00a0` } }),
          ],
        ],
        '60, 61: pairs that do not split, or split elsewhere': [
          ...each(401, ['1', ':', ':token', '1:', '', '1:\n', '1\0:a', '1:a\0', '1:a\x7f', '1:a\u0085'], (pair) => ({
            path: '/guarded',
            headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
          })),
          [403, () => ({ path: '/guarded', headers: basicHeader('1:a', token) })],
          [403, () => ({ path: '/guarded', headers: basicHeader('1', `a:${token}`) })],
        ],
        '62: Latin-1': [
          [
            401,
            () => ({
              path: '/guarded',
              headers: { authorization: `Basic ${Buffer.from('\xfc:x', 'latin1').toString('base64')}` },
            }),
          ],
          [403, () => ({ path: '/guarded', headers: basicHeader('ü', token) })],
        ],
        '65: long headers': [
          [401, () => ({ path: '/guarded', headers: { authorization: `Basic ${' '.repeat(8000)}x` } })],
          [401, () => ({ path: '/guarded', headers: { authorization: `Basic ${'='.repeat(8000)}` } })],
          [401, () => ({ path: '/guarded', headers: { authorization: 'Basic '.repeat(1300) } })],
        ],
        '66: other schemes': [
          ...each(
            401,
            ['Bearer', 'Bearer x', 'Token x', 'JWT a.b.c', 'Negotiate', 'BasicMTph', 'Basicx MTph', ''],
            (authorization) => ({ path: '/guarded', headers: { authorization } }),
          ),
          [
            401,
            () => ({
              path: '/guarded',
              headers: { authorization: basicHeader(1, token).authorization.replace('Basic', 'Bearer') },
            }),
          ],
        ],
        '69: bodies that are not read': [
          [401, () => ({ path: '/guarded', ...asJson({ user: 1, token }), method: 'GET' })],
          [401, () => ({ path: '/guarded', ...asForm(`user=1&token=${token}`), method: 'GET' })],
          [
            401,
            () => ({ path: '/guarded', ...asForm(`user=1&token=${token}`), headers: { 'content-type': 'text/plain' } }),
          ],
          [
            401,
            () => ({
              path: '/guarded',
              method: 'POST',
              headers: { 'content-type': 'multipart/form-data; boundary=x' },
              body: '--x--',
            }),
          ],
        ],
        '71: bytes that are no UTF-8': [
          [403, () => ({ path: '/guarded', ...asForm(`user=%ff&token=${token}`) })],
          [403, () => ({ path: `/guarded?user=%ff&token=${token}` })],
          [403, () => ({ path: `/guarded?user=1%ff&token=${token}` })],
          [403, () => ({ path: `/guarded?user=%&token=${token}` })],
          [403, () => ({ path: `/guarded?user=1%00&token=${token}` })],
        ],
        '72: headers that claim to be somebody': [
          [
            401,
            () => ({
              path: '/guarded',
              headers: { 'x-user-id': '1', 'x-forwarded-user': 'admin', 'remote-user': '1', user: '1', token },
            }),
          ],
          [401, () => ({ path: '/guarded', headers: { host: 'evil.com:x@legit', 'x-forwarded-host': 'evil.com' } })],
          [401, () => ({ path: '/guarded', headers: { cookie: `user=1; token=${token}` } })],
          [
            401,
            () => ({
              path: '/guarded',
              headers: { 'x-original-url': `/free?user=1&token=${token}`, 'x-http-method-override': 'OPTIONS' },
            }),
          ],
        ],
      }
      for (const [named, cases] of Object.entries(offers)) {
        it(named, async () => {
          for (const [status, request] of cases) {
            const built = request()
            await refused(built, status, JSON.stringify(built).slice(0, 300))
          }
        })
      }

      it('36, 38: what the parser itself refuses is 400, and reaches nobody', async () => {
        for (const body of ['null', '"x"', '1', '{bad', '{"__proto__":{"user":1}}', `{"user":1,"token":"${token}"`]) {
          const answer = await send(served.url, '/guarded', { ...asJson({}), body })
          expect(answer.status, body).to.equal(400)
        }
        expect(guarded.reached).to.deep.equal([])
        expect(Object.hasOwn(Object.prototype, 'user')).to.equal(false)
      })

      it('40, 57, 61: what is good stays good beside it', async () => {
        const { authorization } = basicHeader(1, token)
        const good: readonly (readonly [Request, number])[] = [
          [{ path: `/guarded?${query('1', token)}`, headers: basicHeader(2, bobs) }, 1],
          [{ path: '/guarded', ...asJson({ user: 2, token: bobs, extra: [1] }) }, 2],
          [{ path: '/guarded', headers: { authorization: authorization.replace('Basic', 'basic') } }, 1],
          [{ path: '/guarded', headers: { authorization: authorization.replace('Basic ', 'BASIC    ') } }, 1],
          [{ path: '/guarded?user=2', headers: { authorization } }, 1],
          [{ path: `/guarded?user=1&token=${bobs}`, ...asForm(`token=${token}`) }, 1],
          [{ path: `/guarded?USER=2&Token=x&${query('1', token)}` }, 1],
          [{ path: '/guarded', ...asJson({}), body: `{"user":2,"user":1,"token":"${token}"}` }, 1],
        ]
        for (const [request, user] of good) {
          const answer = await ask(served.url, request)
          expect([answer.status, answer.json], JSON.stringify(request)).to.deep.equal([200, { success: true, user }])
        }
      })

      it('63: two Authorization headers are refused, whatever they say', async () => {
        const { authorization } = basicHeader(1, token)
        for (const pair of [
          [authorization, authorization],
          [authorization, 'Basic x'],
          ['Bearer x', authorization],
        ]) {
          // prettier-ignore
          const answer = await rawly(served.url, `GET /guarded HTTP/1.1\r\nHost: x\r\n${pair.map((one) => `Authorization: ${one}\r\n`).join('')}Connection: close\r\n\r\n`)
          expect(answer).to.match(/^HTTP\/1\.1 401 /)
        }
        expectUntouched(guarded, served, '63')
      })

      it('64: a header named __proto__ harms nobody', async () => {
        const answer = await rawly(
          served.url,
          'GET /guarded HTTP/1.1\r\nHost: x\r\n__proto__: x\r\nauthorization: Basic x\r\nConnection: close\r\n\r\n',
        )
        expect(answer).to.match(/^HTTP\/1\.1 401 /)
        expectUntouched(guarded, served, '64')
      })

      it('42: addresses of the check that are not exactly one', async () => {
        const refusedPaths = [
          [
            `/token/${token}/1/`,
            `/token/${token}/1%20`,
            `/token/${token}/%201`,
            `/token/${token}/1%00`,
            `/token/${token}/%2531`,
          ],
          [
            `/token/${token}/%E0%A4%A`,
            `/token/%E0%A4%A/1`,
            `/token/${token}/..`,
            `/token/../1`,
            `/token//1`,
            `/token/${token}/`,
          ],
          [`/token/${token}/1.JSON`, `/token/${token}/1.json.json`, `/token/${token}/.json`, `/token/${token}/1;x=1`],
          [
            `/token/${token}/x/1`,
            `/token/x/${token}/1`,
            `/token/${token}//1`,
            `/token/${token}%20/1`,
            `/token/a%2Fb/1`,
          ],
          [`/token/${token}/2`, `/token/${token}/01`, `/token/%00/%00`, `/token/${'a'.repeat(4000)}/1`, `/token/new/1`],
        ].flat()
        for (const path of refusedPaths) expectRefusal(await send(served.url, path), 401, NO_MATCH, path)
        for (const path of [
          `/TOKEN/${token}/1`,
          `//token/${token}/1`,
          `/token%2F${token}/1`,
          `/x/../token/${token}/1`,
        ]) {
          expect((await send(served.url, path)).status, path).to.equal(404)
        }
        expectUntouched(guarded, served, '42')
        for (const path of [`/token/${token}/%31`, `/token/${token}/1.json`, `/token/${token}/1?user=2&token=x`]) {
          expect((await send(served.url, path)).status, path).to.equal(200)
        }
      })

      it('149: the login has one address, with or without a slash at its end', async () => {
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
          const answer = await send(served.url, path, sent)
          expect(answer.status, path).to.be.oneOf([401, 404])
          expect(answer.text, path).not.to.include('"token":')
        }
      })

      it('132, 133: every answer about a token is private, and none is 304', async () => {
        const paths = [
          '/guarded',
          `/guarded?${query('1', token)}`,
          `/guarded?${query('2', token)}`,
          `/token/${token}/1`,
          `/token/${token}/2`,
          '/token/new',
          '/free',
        ]
        for (const path of paths) {
          const answer = await send(served.url, path, {
            headers: { 'if-none-match': '*', 'if-modified-since': new Date().toUTCString() },
          })
          expect(answer.status, path).not.to.equal(304)
          expect(answer.headers['cache-control'], path).to.equal('no-store')
          expect(answer.headers['referrer-policy'], path).to.equal('no-referrer')
          if (answer.status === 401) expect(answer.headers['www-authenticate'], path).to.match(/^Basic realm="api"/)
        }
      })

      it('135: HEAD is GET without a body, and OPTIONS and TRACE open nothing', async () => {
        for (const method of ['HEAD', 'OPTIONS', 'TRACE']) {
          const answer = await send(served.url, '/guarded', { method })
          expect(answer.status, method).to.equal(401)
          expect(answer.headers['www-authenticate'], method).to.equal('Basic realm="api", charset="UTF-8"')
        }
        const [get, head] = [await send(served.url, '/guarded'), await send(served.url, '/guarded', { method: 'HEAD' })]
        expect(head.text).to.equal('')
        expect(head.headers['content-length']).to.equal(get.headers['content-length'])
        expectUntouched(guarded, served, '135')
      })

      it('143: one request on a connection lends its user to no other', async () => {
        const good = `GET /guarded?${query('1', token)} HTTP/1.1\r\nHost: x\r\n\r\n`
        const bad = 'GET /guarded HTTP/1.1\r\nHost: x\r\n\r\n'
        const last = 'GET /guarded HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
        const answers = await rawly(served.url, good + bad + good + last)
        expect(answers.match(/HTTP\/1\.1 [0-9]+/g)).to.deep.equal(
          ['200', '401', '200', '401'].map((one) => `HTTP/1.1 ${one}`),
        )
        expect(await rawly(served.url, 'GET /guarded HTTP/1.0\r\n\r\n')).to.match(/^HTTP\/1\.1 401 /)
        expect(guarded.reached).to.deep.equal(['1', '1'])
      })
    })
  }

  describe('B, I: what stands before the guard', () => {
    it('36: says once, and clearly, that no body parser is there', async () => {
      const guarded = tokenApp(apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }])), null)
      await withServer(guarded.app, async ({ url, errors }) => {
        for (const sent of [asJson({ username: 'admin', password: PASSWORD }), asForm('username=admin&password=x')]) {
          expectRefusal(await send(url, '/token/new', sent), 401, INCOMPLETE, 'no parser')
        }
        expectRefusal(await send(url, '/guarded', asJson({ user: 1, token: 'x' })), 401, MISSING, 'no parser')
        expect(errors).to.have.length(1)
        expect(String(errors[0])).to.include('bodyParser()').and.not.include(PASSWORD)
      })
    })

    it('134: a preflight is answered by a CORS layer in front, and by no handler behind the guard', async () => {
      const guarded = tokenApp(apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }])))
      const preflight = {
        method: 'OPTIONS',
        headers: { origin: 'https://app.example.org', 'access-control-request-method': 'GET' },
      }
      await withServer(guarded.app, async ({ url }) => {
        expectRefusal(await send(url, '/guarded', preflight), 401, MISSING, 'without a CORS layer')
      })
      guarded.app.middleware.unshift(cors)
      await withServer(guarded.app, async ({ url }) => {
        const answer = await send(url, '/guarded', preflight)
        expect([answer.status, answer.headers['access-control-allow-headers']]).to.deep.equal([204, 'Authorization'])
      })
      expect(guarded.reached).to.deep.equal([])
    })

    it('136: headers that were set before survive every refusal and fault', async () => {
      const users = memoryUsers<User>([{ ...ADMIN, password: hash }])
      const { token } = await sealer.issue({ ...ADMIN, password: hash })
      let isDown = false
      const flaky = {
        ...users,
        findById: (id: string) => (isDown ? Promise.reject(new Error('down')) : users.findById(id)),
      }
      const guarded = tokenApp(apiOf(flaky))
      guarded.app.middleware.unshift(cors)
      await withServer(guarded.app, async ({ url }) => {
        const paths = [
          '/guarded',
          '/guarded?user=1&token=x',
          '/token/x/1',
          '/token/new',
          `/guarded?${query('1', token)}`,
        ]
        const statuses: number[] = []
        for (isDown of [false, true]) {
          for (const path of paths) {
            const { status, headers } = await send(url, path)
            statuses.push(status)
            expect(headers['access-control-allow-origin'], path).to.equal('https://app.example.org')
            expect(headers.vary, path).to.equal('Origin')
          }
        }
        expect(statuses).to.deep.equal([401, 403, 401, 405, 200, 401, 403, 401, 405, 503])
      })
    })

    it('142: query carriers can be switched off', async () => {
      const { params, basic, firstOf } = await import('koa-tokenapi')
      const { token } = await sealer.issue({ ...ADMIN, password: hash })
      const credentials = firstOf(params({ query: false }), basic())
      const guarded = tokenApp(apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }]), { credentials }))
      await withServer(guarded.app, async (served) => {
        expectRefusal(await send(served.url, `/guarded?${query('1', token)}`), 401, MISSING, 'query')
        expectUntouched(guarded, served, '142')
        expect((await send(served.url, '/guarded', asForm(query('1', token)))).status).to.equal(200)
      })
    })
  })

  describe('I, K: faults', () => {
    const faults: Readonly<Record<string, unknown>> = {
      null: null,
      undefined,
      string: 'a-secret',
      error: new Error('a-secret'),
    }
    for (const [name, fault] of Object.entries(faults)) {
      it(`140: a store that rejects with ${name} is a 503 everywhere`, async () => {
        const guarded = tokenApp(apiOf({ findById: rejecting(fault), findByUsername: rejecting(fault) }))
        const { token } = await sealer.issue({ ...ADMIN, password: hash })
        await withServer(guarded.app, async ({ url, errors }) => {
          const answers = [
            await send(url, `/guarded?${query('1', token)}`),
            await send(url, `/free?${query('1', token)}`),
            await send(url, `/token/${token}/1`),
            await send(url, '/token/new', asJson({ username: 'admin', password: PASSWORD })),
          ]
          for (const { status, headers, json } of answers) {
            expect([status, headers['retry-after']]).to.deep.equal([503, '2'])
            expect(json).to.have.property('success', false)
          }
          expect(errors).to.have.length(4)
          for (const error of errors) expect(String(error)).not.to.include('a-secret')
        })
        expect(guarded.reached).to.deep.equal([])
      })

      it(`148: a limiter that rejects with ${name} is a 503, and nothing is hashed`, async () => {
        const hasher = counting(quick)
        const broken = new RateLimiterMemory({ points: 5, duration: 60 })
        broken.consume = rejecting(fault)
        const options = { throttle: { account: broken }, passwords: passwords({ hashers: [hasher] }) }
        const guarded = tokenApp(apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }]), options))
        await withServer(guarded.app, async ({ url, errors }) => {
          const answer = await send(url, '/token/new', asJson({ username: 'admin', password: PASSWORD }))
          expect([answer.status, answer.headers['retry-after']]).to.deep.equal([503, '2'])
          expect(errors).to.have.length(1)
        })
        expect(hasher.hashes()).to.equal(0)
      })
    }

    it('159: a full line at the hashing gate is a 503, and never a wrong password', async () => {
      const narrow = passwords({ hashers: [quick], gate: gate({ width: 1, queue: 1 }) })
      const guarded = tokenApp(apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }]), { passwords: narrow }))
      await withServer(guarded.app, async ({ url, errors }) => {
        const logins = Array.from({ length: 12 }, () =>
          send(url, '/token/new', asJson({ username: 'admin', password: PASSWORD })),
        )
        const answers = await Promise.all(logins)
        const [done, turnedAway] = [
          answers.filter(({ status }) => status === 200),
          answers.filter(({ status }) => status === 503),
        ]
        expect(done.length + turnedAway.length).to.equal(12)
        expect(done.length).to.be.greaterThan(0)
        for (const { headers } of turnedAway) expect(headers['retry-after']).to.equal('2')
        expect(errors).to.have.length(turnedAway.length)
      })
    })

    it('169: a store may answer undefined or plain values, and 0 and "0" are inactive', async () => {
      const { token } = await sealer.issue({ ...ADMIN, password: hash })
      const row = { ...ADMIN, password: hash }
      const cases: readonly (readonly [answer: unknown, check: number, login: number])[] = [
        [undefined, 403, 401],
        [null, 403, 401],
        [row, 200, 200],
        [{ ...row, isActive: 0 }, 403, 401],
        [{ ...row, isActive: '0' }, 403, 401],
        [{ ...row, isActive: 1 }, 200, 200],
        [{ ...row, isActive: null }, 200, 200],
        [{ ...row, id: 2 }, 403, 200],
        [{ ...row, username: 'Admin' }, 200, 401],
      ]
      for (const [answer, check, login] of cases) {
        const answering = (): Promise<User | null> => answer as Promise<User | null> // as a store in plain JavaScript would
        const guarded = tokenApp(apiOf({ findById: answering, findByUsername: answering }))
        await withServer(guarded.app, async ({ url, errors }) => {
          const statuses = [
            (await send(url, `/guarded?${query('1', token)}`)).status,
            (await send(url, '/token/new', asJson({ username: 'admin', password: PASSWORD }))).status,
          ]
          expect(statuses, JSON.stringify(answer)).to.deep.equal([check, login])
          expect(errors).to.deep.equal([])
        })
      }
    })
  })

  describe('J: the throttle', () => {
    it('145: a /64 is one address, a mapped IPv4 address is that address', async () => {
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

    it('146: X-Forwarded-For counts only where the app trusts its proxy', async () => {
      for (const [isTrusted, last] of [
        [false, 429],
        [true, 401],
      ] as const) {
        // prettier-ignore
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

    it('149: all addresses of the login share their counters', async () => {
      const paths = ['/token/new', '/token/new/', '/token/new.json']
      for (const throttle of [{ account: limiter(2) }, { account: limiter(99), address: limiter(2), addressOf }]) {
        await withServer(throttled(throttle).app, async ({ url }) => {
          const statuses: number[] = []
          for (const path of paths) statuses.push(await from(url, 'a', 'admin', 'wrong', path))
          expect(statuses).to.deep.equal([401, 401, 429])
        })
      }
    })

    it('150: a success on one’s own account gives nothing back to another’s, nor to the address', async () => {
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

    it('152: of 50 guesses at once no more are hashed than the limit', async () => {
      const hasher = counting(quick)
      const { app } = throttled({ account: limiter(3) }, { passwords: passwords({ hashers: [hasher] }) })
      await withServer(app, async ({ url }) => {
        const statuses = await Promise.all(Array.from({ length: 50 }, () => from(url, 'a')))
        expect(statuses.filter((status) => status === 401)).to.have.length(3)
        expect(statuses.filter((status) => status === 429)).to.have.length(47)
      })
      expect(hasher.hashes()).to.equal(3)
    })

    it('46: what is no login attempt takes nothing from anybody', async () => {
      await withServer(throttled({ account: limiter(1), address: limiter(1), addressOf }).app, async ({ url }) => {
        expect(await from(url, 'a', 'admin', '')).to.equal(401)
        expect(await from(url, 'a', '', 'x')).to.equal(401)
        expect(await from(url, 'a', 'admin', PASSWORD)).to.equal(200)
      })
    })
  })

  it('162: an offered user that is not the verified one is refused, whatever the kind of token', async () => {
    const signed = signedTokens({ secret: SECRET, clock })
    const users = memoryUsers<User>([{ ...ADMIN, password: hash }, { ...ADMIN, id: 2, username: 'bob', password: hash }]) // prettier-ignore
    const guarded = tokenApp(tokenApi({ users, tokens: anyOf(sealer, signed), passwords: quickPasswords }))
    const { token } = await signed.issue({ ...ADMIN, password: hash })
    await withServer(guarded.app, async (served) => {
      for (const user of ['2', '01', '1 ', '99', 'admin', '__proto__']) {
        expectRefusal(await send(served.url, `/guarded?${query(user, token)}`), 403, WRONG_PAIR, user)
        const checked = await send(served.url, `/token/${encodeURIComponent(token)}/${encodeURIComponent(user)}`)
        expectRefusal(checked, 401, NO_MATCH, user)
      }
      expectUntouched(guarded, served, '162')
      expect((await send(served.url, `/guarded?${query('1', token)}`)).status).to.equal(200)
    })
  })
})

/** Sends bytes as they are and answers all that comes back until the connection ends. */
function rawly(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes))
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.once('end', () => resolve(text))
    socket.once('error', reject)
  })
}
