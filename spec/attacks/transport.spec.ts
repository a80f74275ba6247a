import { expect } from 'chai'
import { basic, firstOf, memoryUsers, params, type User } from 'koa-tokenapi'
import {
  type Request,
  type Offer,
  MISSING,
  hash,
  ADMIN,
  token,
  bobsToken,
  each,
  query,
  sendTo,
  expectRefusal,
  expectUntouched,
  apiOf,
  onEachParser,
} from '../support/attacks.js'
import { basicHeader, withServer } from '../support/http.js'
import { rawly } from '../support/rawly.js'
import { asForm, asJson, send } from '../support/send.js'
import { tokenApp } from '../support/token-app.js'

const offers: Readonly<Record<string, readonly Offer[]>> = {
  '57: refuses malformed Basic headers': each(
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
  '58: refuses base64 that is not canonical': [
    ...each(
      401,
      ['MTphYmM=====', 'MTphYmM=MTphYmM=', 'MTph YmM=', 'MTphYmM', 'MTphYmN=', 'MTphYmM*', '-_8=', 'MTo_Pz8_'],
      (text) => ({ path: '/guarded', headers: { authorization: `Basic ${text}` } }),
    ),
    [401, { path: '/guarded', headers: { authorization: `${basicHeader(1, token).authorization}=` } }],
    [401, { path: '/guarded', headers: { authorization: `${basicHeader(1, token).authorization}\u00a0` } }],
  ],
  '60, 61: refuses Basic credentials without a colon, with an empty part or with control characters': [
    ...each(401, ['1', ':', ':token', '1:', '', '1:\n', '1\0:a', '1:a\0', '1:a\x7f', '1:a\u0085'], (pair) => ({
      path: '/guarded',
      headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
    })),
    [403, { path: '/guarded', headers: basicHeader('1:a', token) }],
    [403, { path: '/guarded', headers: basicHeader('1', `a:${token}`) }],
  ],
  '62: refuses Latin-1': [
    [
      401,
      {
        path: '/guarded',
        headers: { authorization: `Basic ${Buffer.from('\xfc:x', 'latin1').toString('base64')}` },
      },
    ],
    [403, { path: '/guarded', headers: basicHeader('ü', token) }],
  ],
  '65: refuses very long headers': [
    [401, { path: '/guarded', headers: { authorization: `Basic ${' '.repeat(8000)}x` } }],
    [401, { path: '/guarded', headers: { authorization: `Basic ${'='.repeat(8000)}` } }],
    [401, { path: '/guarded', headers: { authorization: 'Basic '.repeat(1300) } }],
  ],
  '66: refuses other schemes': [
    ...each(
      401,
      ['Bearer', 'Bearer x', 'Token x', 'JWT a.b.c', 'Negotiate', 'BasicMTph', 'Basicx MTph', ''],
      (authorization) => ({ path: '/guarded', headers: { authorization } }),
    ),
    [
      401,
      {
        path: '/guarded',
        headers: { authorization: basicHeader(1, token).authorization.replace('Basic', 'Bearer') },
      },
    ],
  ],
  '69: ignores bodies of GET requests and of other content types': [
    [401, { path: '/guarded', ...asJson({ user: 1, token }), method: 'GET' }],
    [401, { path: '/guarded', ...asForm(`user=1&token=${token}`), method: 'GET' }],
    [401, { path: '/guarded', ...asForm(`user=1&token=${token}`), headers: { 'content-type': 'text/plain' } }],
    [
      401,
      {
        path: '/guarded',
        method: 'POST',
        headers: { 'content-type': 'multipart/form-data; boundary=x' },
        body: '--x--',
      },
    ],
  ],
  '71: refuses bytes that are not UTF-8': [
    [403, { path: '/guarded', ...asForm(`user=%ff&token=${token}`) }],
    [403, { path: `/guarded?user=%ff&token=${token}` }],
    [403, { path: `/guarded?user=1%ff&token=${token}` }],
    [403, { path: `/guarded?user=%&token=${token}` }],
    [403, { path: `/guarded?user=1%00&token=${token}` }],
  ],
  '72: ignores headers that claim an identity': [
    [
      401,
      {
        path: '/guarded',
        headers: { 'x-user-id': '1', 'x-forwarded-user': 'admin', 'remote-user': '1', user: '1', token },
      },
    ],
    [401, { path: '/guarded', headers: { host: 'evil.com:x@legit', 'x-forwarded-host': 'evil.com' } }],
    [401, { path: '/guarded', headers: { cookie: `user=1; token=${token}` } }],
    [
      401,
      {
        path: '/guarded',
        headers: { 'x-original-url': `/free?user=1&token=${token}`, 'x-http-method-override': 'OPTIONS' },
      },
    ],
  ],
}

describe('attacks on how credentials travel', () => {
  onEachParser(({ served, refused, untouched }) => {
    for (const [title, cases] of Object.entries(offers)) {
      it(title, async () => {
        for (const [status, request] of cases) await refused(request, status, JSON.stringify(request).slice(0, 300))
      })
    }

    it('40, 57, 61: accepts valid credentials beside what it ignores', async () => {
      const { authorization } = basicHeader(1, token)
      const good: readonly (readonly [Request, number])[] = [
        [{ path: `/guarded?${query('1', token)}`, headers: basicHeader(2, bobsToken) }, 1],
        [{ path: '/guarded', ...asJson({ user: 2, token: bobsToken, extra: [1] }) }, 2],
        [{ path: '/guarded', headers: { authorization: authorization.replace('Basic', 'basic') } }, 1],
        [{ path: '/guarded', headers: { authorization: authorization.replace('Basic ', 'BASIC    ') } }, 1],
        [{ path: '/guarded?user=2', headers: { authorization } }, 1],
        [{ path: `/guarded?user=1&token=${bobsToken}`, ...asForm(`token=${token}`) }, 1],
        [{ path: `/guarded?USER=2&Token=x&${query('1', token)}` }, 1],
        [{ path: '/guarded', ...asJson({}), body: `{"user":2,"user":1,"token":"${token}"}` }, 1],
      ]
      for (const [request, user] of good) {
        const response = await sendTo(served().url, request)
        expect([response.status, response.json], JSON.stringify(request)).to.deep.equal([200, { success: true, user }])
      }
    })

    it('63: refuses two Authorization headers, whatever they say', async () => {
      const { authorization } = basicHeader(1, token)
      for (const pair of [
        [authorization, authorization],
        [authorization, 'Basic x'],
        ['Bearer x', authorization],
      ]) {
        const response = await rawly(
          served().url,
          `GET /guarded HTTP/1.1\r\nHost: x\r\n${pair.map((one) => `Authorization: ${one}\r\n`).join('')}Connection: close\r\n\r\n`,
        )
        expect(response).to.match(/^HTTP\/1\.1 401 /)
      }
      untouched('63')
    })

    it('64: survives a header named __proto__', async () => {
      const response = await rawly(
        served().url,
        'GET /guarded HTTP/1.1\r\nHost: x\r\n__proto__: x\r\nauthorization: Basic x\r\nConnection: close\r\n\r\n',
      )
      expect(response).to.match(/^HTTP\/1\.1 401 /)
      untouched('64')
    })
  })

  it('142: can ignore credentials in the query', async () => {
    const credentials = firstOf(params({ query: false }), basic())
    const guarded = tokenApp(apiOf(memoryUsers<User>([{ ...ADMIN, password: hash }]), { credentials }))
    await withServer(guarded.app, async (served) => {
      expectRefusal(await send(served.url, `/guarded?${query('1', token)}`), 401, MISSING, 'query')
      expectUntouched(guarded, served, '142')
      expect((await send(served.url, '/guarded', asForm(query('1', token)))).status).to.equal(200)
    })
  })
})
