import { expect } from 'chai'
import {
  anyOf,
  authorization,
  cookie,
  firstOf,
  legacy,
  memoryTokens,
  memoryUsers,
  params,
  passwords,
  scrypt,
  sealedPairs,
  signedTokenApi,
  timedTokenApi,
  tokenApi,
} from '../../lib/index.js'
import { jwtApi } from '../../lib/jwt.js'

const secret = 'a secret of more than thirty-two bytes'
const users = memoryUsers([{ id: 1, username: 'ann', password: 'hash' }])

/** A call as an application without types writes it. */
function loosely(make: (options: never) => unknown, options: unknown): () => unknown {
  return () => make(options as never) // whatever it is: the point is that the library says no
}

describe('a wrong option', () => {
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    users: [undefined, null, {}, { findById: 1, findByUsername: 2 }],
    secret: [undefined, '', 'short', 7, [], ['', secret], Array(6).fill(secret)],
    timeoutDays: [0, -1, 1.5, NaN, Infinity, '7', null, undefined],
    timeout: [0, -1, NaN, Infinity, '5', null, 3_000_000],
    boundTo: [7, 'password', null],
    audience: [7, null, 'x'.repeat(201), '\ud800'],
    clock: [7, null, () => 'now', () => NaN, () => Date.now()],
    tokens: [null, {}, 7],
    credentials: [null, {}, 7],
    prefix: [
      null,
      7,
      'token',
      '/token/',
      '//',
      '/a b',
      ...Array.from(':*{}()[]+?!\\#"é|', String).map((one) => `/a${one}b`),
      '/:id',
      '/*x',
      '/.',
      '/..',
      '/api/..',
      '/./api',
      '/../api',
      '/%2e',
      '/%2E%2e',
      '/.%2E/api',
    ],
    realm: [null, 7, 'ré', 'a\nb'],
    scheme: [null, 7, '', 'Basic x'],
    respond: [null, 'x', 5],
    passwords: [null, {}, 7],
    throttle: [null, true, 0, 'x', { account: {} }, { address: 7 }, { addressOf: 'x' }],
    onEvent: [7, 'x', null],
    minSecretBytes: [0, -1, '8', null],
  }
  for (const [name, values] of Object.entries(wrong)) {
    it(`of tokenApi names ${name}`, () => {
      for (const value of values) {
        expect(loosely(tokenApi, { users, secret, [name]: value }), String(value)).to.throw(TypeError, name)
      }
    })
  }

  it('of a sibling is named too', () => {
    for (const prefix of [null, 7, 'x', '/x/']) {
      expect(loosely(signedTokenApi, { users, secret, prefix })).to.throw(TypeError, 'prefix')
      expect(loosely(jwtApi, { users, secret, prefix })).to.throw(TypeError, 'prefix')
      expect(loosely(timedTokenApi, { users, store: memoryTokens(), prefix })).to.throw(TypeError, 'prefix')
    }
    for (const sha1 of [null, 'no', 0]) {
      expect(loosely(signedTokenApi, { users, secret, sha1 })).to.throw(TypeError, 'sha1')
    }
    for (const name of ['payload', 'userOf', 'secretOf', 'boundTo', 'respond']) {
      expect(loosely(jwtApi, { users, secret, [name]: 7 }), name).to.throw(TypeError, name)
    }
  })

  it('is no prefix of the characters that a path may have', () => {
    for (const prefix of [
      '',
      '/api',
      '/api/v1.2',
      '/a-b_c~d',
      "/a$b&c'd,e;f=g@h",
      '/caf%C3%A9',
      '/.well-known',
      '/a..',
      '/...',
    ]) {
      expect(loosely(signedTokenApi, { users, secret, prefix }), prefix).not.to.throw()
    }
  })

  it("is '' as the prefix of the check route, which would take every path", () => {
    const api = tokenApi({ users, secret, prefix: '' })
    expect(() => api.routes()).to.throw(TypeError, 'prefix')
    expect(api.routes({ check: false })).to.be.a('function')
  })

  it('of a reader, a kind or a hasher is an error when it is made', () => {
    for (const query of ['false', 0, null]) expect(loosely(params, { query })).to.throw(TypeError, 'query')
    for (const scheme of [undefined, '', 'a b', 7]) expect(loosely(authorization, scheme)).to.throw(TypeError, 'scheme')
    for (const name of [undefined, '', 'a;b', 7]) expect(loosely(cookie, name)).to.throw(TypeError, 'name')
    expect(loosely(firstOf, {})).to.throw(TypeError, 'firstOf')
    expect(loosely((kind) => anyOf(sealedPairs({ secret }), kind), {})).to.throw(TypeError, 'anyOf')
    expect(loosely(legacy, { unsalted: 'no' })).to.throw(TypeError, 'unsalted')
    for (const hashers of [[], [scrypt(), scrypt], [{}]]) {
      expect(loosely(passwords, { hashers })).to.throw(TypeError, 'hashers')
    }
  })
})
