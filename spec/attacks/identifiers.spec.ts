import { expect } from 'chai'
import { anyOf, memoryUsers, tokenApi, type User } from 'koa-tokenapi'
import { createUserTable, knexUsers } from 'koa-tokenapi/knex'
import {
  type Request,
  type Offer,
  MISSING,
  WRONG_PAIR,
  NO_MATCH,
  INCOMPLETE,
  PASSWORD,
  hash,
  sealer,
  django,
  ADMIN,
  token,
  djangoToken,
  bobsToken,
  each,
  query,
  sendTo,
  expectRefusal,
  expectUntouched,
  CONTROL,
  sealedFor,
  apiOf,
  onEachParser,
  serving,
} from '../support/attacks.js'
import { onEachDatabase } from '../support/databases.js'
import { basicHeader, withServer } from '../support/http.js'
import { asForm, asJson, send } from '../support/send.js'
import { queriesOf } from '../support/statements.js'
import { quickPasswords, tokenApp } from '../support/token-app.js'

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

/** Every way to offer a pair, and what refuses a wrong one there. */
const CARRIERS: Readonly<Record<string, (user: string, text: string) => readonly [Request, number, string]>> = {
  query: (user, text) => [{ path: `/guarded?${query(user, text)}` }, 403, WRONG_PAIR],
  form: (user, text) => [{ path: '/guarded', ...asForm(query(user, text)) }, 403, WRONG_PAIR],
  JSON: (user, text) => [{ path: '/guarded', ...asJson({ user, token: text }) }, 403, WRONG_PAIR],
  Basic: (user, text) => {
    const isReadable = !CONTROL.test(user)
    const headers = basicHeader(user, text)
    return [{ path: '/guarded', headers }, isReadable ? 403 : 401, isReadable ? WRONG_PAIR : MISSING]
  },
  'the check’s path': (user, text) => [
    { path: `/token/${encodeURIComponent(text)}/${encodeURIComponent(user)}` },
    401,
    NO_MATCH,
  ],
}

const offers: Readonly<Record<string, readonly Offer[]>> = {
  '23: refuses an id with a suffix': [
    [403, { path: `/guarded?${query('1.json', token)}` }],
    [403, { path: '/guarded', headers: basicHeader('1.json', token) }],
  ],
  '27, 35: refuses JSON values that are neither text nor whole numbers': [
    ...each(
      401,
      [true, false, null, [], [1], ['1'], {}, { id: 1 }, { toString: '1' }, 1.5, 1e21, -1.5, 2 ** 53],
      (user: unknown) => ({ path: '/guarded', ...asJson({ user, token }) }),
    ),
    ...each<unknown>(401, [{ length: 24, split: 1 }, ['a-b'], true, null, [], 1.5], (offered) => ({
      path: '/guarded',
      ...asJson({ user: 1, token: offered }),
    })),
    [401, { path: '/guarded', ...asJson({ user: 1, token: [token] }) }],
    [403, { path: '/guarded', ...asJson({ user: 1, token: 1 }) }],
    [403, { path: '/guarded', ...asJson({ user: -0, token }) }],
  ],
  '33: refuses lists and objects in forms': [
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
  '34: refuses repeated parameters': [
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
    [401, { path: `/guarded?user=1&token=${token}&token=${token}` }],
    [401, { path: `/guarded?user=1&token=a&token=${token}` }],
  ],
  '36: refuses bodies that are not objects': [
    [401, { path: '/guarded', ...asJson([]) }],
    [401, { path: '/guarded', ...asJson([{ user: 1 }]) }],
    [401, { path: '/guarded', ...asJson({}), body: '' }],
    [401, { path: '/guarded', method: 'POST' }],
  ],
  '38: refuses names of prototypes': [
    [401, { path: '/guarded', ...asJson({ constructor: { prototype: { user: 1, token } } }) }],
    [401, { path: `/guarded?__proto__=1&token=${token}` }],
    [401, { path: `/guarded?toString=1&hasOwnProperty=1&token=${token}` }],
    [401, { path: `/guarded?__proto__[user]=1&__proto__.user=1&token=${token}` }],
    [403, { path: `/guarded?${query('__proto__', token)}` }],
    [403, { path: `/guarded?${query('constructor', token)}` }],
  ],
  '39: checks the parts of a pair together, wherever each came from': [
    [403, { path: `/guarded?token=${token}`, ...asForm('user=2') }],
    [403, { path: `/guarded?user=1&token=${bobsToken}`, ...asForm('user=2&token=x') }],
    [403, { path: `/guarded?user=1`, ...asForm(`token=${bobsToken}`) }],
    [401, { path: `/guarded?user=1&token=${token}`, ...asForm('user=') }],
    [401, { path: `/guarded?user=1&token=${token}`, ...asJson({ user: null }) }],
  ],
  '40: refuses a wrong pair, even with a valid header beside it': [
    [403, { path: `/guarded?user=2&token=${token}`, headers: basicHeader(1, token) }],
    [401, { path: `/guarded?user=1&user=1&token=x`, headers: basicHeader(1, token) }],
  ],
  '44: reads the last of two JSON keys with one name': [
    [403, { path: '/guarded', ...asJson({}), body: `{"user":1,"user":2,"token":"${token}"}` }],
    [403, { path: '/guarded', ...asJson({}), body: `{"user":1,"token":"${token}","token":"x"}` }],
  ],
}

describe('attacks with identifiers', () => {
  onEachDatabase((db) => {
    describe('ids', () => {
      const offered = [token, djangoToken]
      before(async () => {
        await createUserTable(db(), { table: 'id_users' })
        await db()('id_users').insert([
          { id: 1, username: 'admin', password: hash },
          { id: 2, username: 'bob', password: hash },
        ])
      })
      const { served, guarded, untouched } = serving(() => {
        const users = knexUsers(db(), { table: 'id_users' })
        return tokenApp(tokenApi({ users, tokens: anyOf(sealer, django), passwords: quickPasswords }))
      })

      for (const [row, ids] of Object.entries(NO_IDS)) {
        for (const [carrier, offer] of Object.entries(CARRIERS)) {
          it(`${row}: refuses ids that are not in canonical form, by ${carrier}, without a query`, async () => {
            const queries = await queriesOf(db(), async () => {
              for (const id of ids) {
                for (const text of [...offered, ...(await sealedFor(id))]) {
                  const [request, status, errors] = offer(id, text)
                  expectRefusal(await sendTo(served().url, request), status, errors, JSON.stringify(id))
                }
              }
            })
            untouched(carrier)
            expect(queries).to.equal(0)
          })
        }
      }

      it('22: refuses the token of one user for another', async () => {
        for (const offer of Object.values(CARRIERS)) {
          for (const text of offered) {
            const [request, status, errors] = offer('2', text)
            expectRefusal(await sendTo(served().url, request), status, errors, '2')
          }
        }
        untouched('22')
      })

      it('accepts the right pair by each of these ways, or the rest would prove nothing', async () => {
        const responses: number[] = []
        for (const offer of Object.values(CARRIERS)) {
          for (const text of offered) responses.push((await sendTo(served().url, offer('1', text)[0])).status)
        }
        expect(responses).to.deep.equal(Array(10).fill(200))
        expect(guarded().reached).to.deep.equal(Array(8).fill('1'))
      })
    })

    it('30: refuses a number that JSON rounds, even if the rounded one is a user', async () => {
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
          for (const text of [await tokenOf(even), await tokenOf(odd)]) {
            const sent = { ...asJson({}), body: `{"user":${number},"token":"${text}"}` }
            expectRefusal(await send(served.url, '/guarded', sent), 401, MISSING, number)
          }
        }
        for (const [id, text] of [
          [even, await tokenOf(odd)],
          [odd, await tokenOf(even)],
        ] as const) {
          expectRefusal(await send(served.url, `/guarded?${query(id, text)}`), 403, WRONG_PAIR, id)
        }
        expectUntouched(guarded, served, '30')
        for (const id of [even, odd]) {
          const response = await send(served.url, `/guarded?${query(id, await tokenOf(id))}`)
          expect(response.text).to.equal(`{"success":true,"user":${id}}`)
        }
      })
    })

    it('41: accepts a UUID only in its canonical form', async () => {
      await db().schema.createTable('uuid_users', (table) => {
        table.uuid('id').primary()
        table.string('username', 254)
        table.string('password', 255)
      })
      await db()('uuid_users').insert({ id: UUID, username: 'admin', password: hash })
      const columns = { isActive: null, tokenEpoch: null }
      const api = apiOf(knexUsers(db(), { table: 'uuid_users', id: 'uuid', columns }))
      const issued = await api.issue({ id: UUID, username: 'admin', password: hash })
      const guarded = tokenApp(api)
      await withServer(guarded.app, async (served) => {
        const queries = await queriesOf(db(), async () => {
          for (const id of NO_UUIDS) {
            for (const one of [issued.token, ...(await sealedFor(id))]) {
              for (const offer of Object.values(CARRIERS)) {
                const [request, status, errors] = offer(id, one)
                expectRefusal(await sendTo(served.url, request), status, errors, id)
              }
            }
          }
        })
        expect(queries).to.equal(0)
        expectUntouched(guarded, served, '41')
        const good = await send(served.url, `/guarded?${query(UUID, issued.token)}`)
        expect([good.status, good.json]).to.deep.equal([200, { success: true, user: UUID }])
      })
    })
  })

  onEachParser(({ served, guarded, refused, untouched }) => {
    for (const [title, cases] of Object.entries(offers)) {
      it(title, async () => {
        for (const [status, request] of cases) await refused(request, status, JSON.stringify(request).slice(0, 300))
      })
    }

    it('36, 38: leaves a body that the parser refuses at 400, and no handler runs', async () => {
      for (const body of ['null', '"x"', '1', '{bad', '{"__proto__":{"user":1}}', `{"user":1,"token":"${token}"`]) {
        const response = await send(served().url, '/guarded', { ...asJson({}), body })
        expect(response.status, body).to.equal(400)
      }
      expect(guarded().reached).to.deep.equal([])
      expect(Object.hasOwn(Object.prototype, 'user')).to.equal(false)
    })

    it('42: refuses paths of the check route that are not exactly one token and one user', async () => {
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
        [`/token/${token}/x/1`, `/token/x/${token}/1`, `/token/${token}//1`, `/token/${token}%20/1`, `/token/a%2Fb/1`],
        [`/token/${token}/2`, `/token/${token}/01`, `/token/%00/%00`, `/token/${'a'.repeat(4000)}/1`, `/token/new/1`],
      ].flat()
      for (const path of refusedPaths) expectRefusal(await send(served().url, path), 401, NO_MATCH, path)
      for (const path of [`/TOKEN/${token}/1`, `//token/${token}/1`, `/token%2F${token}/1`, `/x/../token/${token}/1`]) {
        expect((await send(served().url, path)).status, path).to.equal(404)
      }
      untouched('42')
      for (const path of [`/token/${token}/%31`, `/token/${token}/1.json`, `/token/${token}/1?user=2&token=x`]) {
        expect((await send(served().url, path)).status, path).to.equal(200)
      }
    })
  })

  it('36: reports a missing body parser once, by name', async () => {
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
})
