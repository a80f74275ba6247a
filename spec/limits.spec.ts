import { expect } from 'chai'
import { ContractViolation, InternalError } from '../lib/errors.js'
import {
  allows,
  checkedLimits,
  checkedNeeds,
  isLink,
  type LimitedRequest,
  type Limits,
  limitsColumn,
  limitTexts,
  meet,
  parseLimit,
  parseLimits,
  parseLimitsColumn,
  parseSeconds,
  permit,
  type LimitedToken,
  type Use,
} from '../lib/limits.js'

const NOW = 1795000000
const base64url = (text: string): string => Buffer.from(text, 'latin1').toString('base64url')
const get = (path: string): LimitedRequest => ({ method: 'GET', path })

function thrown(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return expect.fail('it did not throw')
}

/** What a caller without types may pass. */
const notLimits: Readonly<Record<string, unknown>> = {
  'no object': undefined,
  null: null,
  'an empty object': {},
  'an empty list': [],
  'a list': [{ path: '/a' }],
  'a text': 'read',
  'a function': () => undefined,
  'scope instead of scopes': { scope: ['a'] },
  'a good name beside a wrong one': { scopes: ['a'], scope: ['a'] },
  'a name that is a symbol': { path: '/a', [Symbol('path')]: '/b' },
  'an inherited limit': Object.create({ path: '/a' }),
  'an inherited limit beside an own one': Object.create({ path: '/a' }, { expiresAt: { value: 1, enumerable: true } }),
  __proto__: JSON.parse('{"__proto__": {"path": "/a"}}'),
  'an undefined end': { expiresAt: undefined },
  'an undefined path beside an end': { expiresAt: 1, path: undefined },
  'no scopes': { scopes: [] },
  'no methods': { methods: [] },
  'scopes in a text': { scopes: 'read' },
  'scopes with a hole': { scopes: [, 'a'] }, // oxlint-disable-line no-sparse-arrays -- what it is about
  'a scope that is a number': { scopes: [1] },
  'an empty scope': { scopes: ['a', ''] },
  'a scope with a blank': { scopes: ['a b'] },
  'a scope with a quote': { scopes: ['a"'] },
  'a scope with a backslash': { scopes: ['a\\'] },
  'a scope that is not ASCII': { scopes: ['ü'] },
  'a scope with a line break': { scopes: ['a\n'] },
  '33 scopes': { scopes: Array.from({ length: 33 }, (_, at) => `s${at}`) },
  'scopes of 513 bytes': { scopes: ['x'.repeat(513)] },
  'a method in lower case': { methods: ['get'] },
  'a method with a digit': { methods: ['GET2'] },
  'a method that starts with a dash': { methods: ['-GET'] },
  '17 methods': { methods: Array.from({ length: 17 }, (_, at) => `M${'X'.repeat(at)}`) },
  'an end in a text': { expiresAt: '1' },
  'an end of half a second': { expiresAt: 1.5 },
  'an end before 1970': { expiresAt: -1 },
  'an end of NaN': { expiresAt: NaN },
  'an end that was rounded': { expiresAt: 2 ** 53 },
  'an end without an end': { expiresAt: Infinity },
  'an end as a Date': { expiresAt: new Date(0) },
  'a path in a list': { path: ['/a'] },
}

const notPaths: readonly string[] = [
  '',
  'a',
  '//',
  '//a',
  '/a//b',
  '/a//',
  '/.',
  '/..',
  '/./a',
  '/../a',
  '/a/.',
  '/a/..',
  '/a/./b',
  '/a/../b',
  '/a?b',
  '/a#b',
  '/a\\b',
  '/a%',
  '/a%2',
  '/a%2g',
  '/a%2e',
  '/%2E%2E/a',
  '/a%2fb',
  '/a%2F',
  '/a%5c',
  '/a%5C',
  '/a b',
  '/a\n',
  '\n/a',
  '/a\0',
  '/ü',
  '/ſ', // "s" with the flags i and u
  '/\u212a', // Kelvin
  '/a"',
  '/a[0]',
  '/a^',
  '/a`',
  '/a{b}',
  '/a|b',
  '/a<b>',
  `/${'x'.repeat(512)}`,
]

const paths: readonly string[] = [
  '/',
  '/a',
  '/a/',
  '/a/b',
  '/...',
  '/.a',
  '/..a',
  '/a.',
  '/a..',
  '/a/.b/..c/...',
  "/A-Z_0.9~!$&'()*+,;=:@",
  '/%C3%BCber%20uns',
  '/%00',
  '/%2d%3f%23',
  `/${'x'.repeat(511)}`,
]

describe('checkedLimits', () => {
  it('sorts lists and drops repetitions, and leaves the caller’s object as it was', () => {
    const mine = Object.freeze({ scopes: Object.freeze(['b', 'a', 'b']), methods: Object.freeze(['PUT', 'GET']) })
    expect(checkedLimits(mine)).to.deep.equal({ scopes: ['a', 'b'], methods: ['GET', 'PUT'] })
  })

  it('takes the largest and the smallest of everything', () => {
    const scopes = Array.from({ length: 32 }, (_, at) => String.fromCharCode(0x41 + at)).filter((one) => one !== '\\')
    const most = [...scopes, '!'].toSorted()
    expect(checkedLimits({ scopes: most })).to.deep.equal({ scopes: most })
    expect(checkedLimits({ scopes: ['x'.repeat(512)] }).scopes).to.have.lengthOf(1)
    expect(checkedLimits({ expiresAt: 0 })).to.deep.equal({ expiresAt: 0 })
    expect(checkedLimits({ expiresAt: 2 ** 53 - 1 })).to.deep.equal({ expiresAt: 2 ** 53 - 1 })
    expect(
      checkedLimits({ methods: Array.from({ length: 16 }, (_, at) => `M${'-'.repeat(at)}`) }).methods,
    ).to.have.length(16)
  })

  it('takes an object without a prototype', () => {
    expect(checkedLimits(Object.assign(Object.create(null) as object, { path: '/a' }))).to.deep.equal({ path: '/a' })
  })

  for (const [what, value] of Object.entries(notLimits)) {
    it(`throws a TypeError with a code for ${what}`, () => {
      const error = thrown(() => checkedLimits(value))
      expect(error).to.be.instanceOf(TypeError).and.instanceOf(ContractViolation)
      expect(error).to.have.property('code', 'ERR_INVALID_LIMITS')
    })
  }

  it('takes paths that every router reads in one way, and no other', () => {
    for (const path of paths) expect(checkedLimits({ path }), path).to.deep.equal({ path })
    for (const path of notPaths)
      expect(
        thrown(() => checkedLimits({ path })),
        path,
      ).to.have.property('code', 'ERR_INVALID_LIMITS')
  })

  it('reads a property once, so that a getter cannot change its mind', () => {
    let reads = 0
    const shifty = {
      get path(): string {
        reads += 1
        return reads === 1 ? '/a' : '/'
      },
    }
    expect(checkedLimits(shifty)).to.deep.equal({ path: '/a' })
  })
})

describe('checkedNeeds', () => {
  it('reads scopes from a text with one space between, or from a list', () => {
    expect(checkedNeeds({ scope: 'a' })).to.deep.equal({ scopes: ['a'] })
    expect(checkedNeeds({ scope: 'a b' })).to.deep.equal({ scopes: ['a', 'b'] })
    expect(checkedNeeds({ scope: ['b', 'a'] })).to.deep.equal({ scopes: ['b', 'a'] })
    expect(checkedNeeds({ maxAge: 0 })).to.deep.equal({ maxAge: 0 })
    expect(checkedNeeds({ scope: 'a', maxAge: 300 })).to.deep.equal({ scopes: ['a'], maxAge: 300 })
  })

  const wrong: readonly unknown[] = [
    undefined,
    null,
    {},
    [],
    'a',
    () => undefined,
    { scopes: ['a'] },
    { maxage: 60 },
    { scope: 'a', maxage: 60 },
    { scope: undefined },
    { scope: 'a', maxAge: undefined },
    { scope: '' },
    { scope: [] },
    { scope: ' a' },
    { scope: 'a ' },
    { scope: 'a  b' },
    { scope: 'a\tb' },
    { scope: ['a b'] },
    { scope: ['a', ''] },
    { scope: [undefined] },
    { scope: 'ü' },
    { scope: 1 },
    { maxAge: -1 },
    { maxAge: '60' },
    { maxAge: 1.5 },
    { maxAge: NaN },
    { maxAge: Infinity },
    { maxAge: null },
    Object.create({ scope: 'a' }),
    Object.create({ scope: 'a' }, { maxAge: { value: 1, enumerable: true } }),
    { app: {}, req: {}, res: {}, request: {}, response: {}, state: {} }, // a Koa context
  ]
  for (const [at, value] of wrong.entries()) {
    it(`throws a TypeError with a code for a wrong one (${at})`, () => {
      const error = thrown(() => checkedNeeds(value))
      expect(error).to.be.instanceOf(TypeError)
      expect(error).to.have.property('code', 'ERR_INVALID_NEEDS')
    })
  }
})

describe('limitTexts and parseLimit', () => {
  const forms: readonly (readonly [Limits, string])[] = [
    [{ expiresAt: 0 }, 'e0'],
    [{ expiresAt: NOW + 3600 }, 'etop5n4'],
    [{ expiresAt: 2 ** 53 - 1 }, 'e2gosa7pa2gv'],
    [{ scopes: ['orders:read'] }, 'sb3JkZXJzOnJlYWQ'],
    [{ scopes: ['a', 'b_c', 'd:e:f'] }, 'sYSBiX2MgZDplOmY'],
    [{ methods: ['GET'] }, 'mR0VU'],
    [{ methods: ['GET', 'POST'] }, 'mR0VUIFBPU1Q'],
    [{ path: '/files/' }, 'pL2ZpbGVzLw'],
    [{ path: "/a;b=c/d,e/~f/(g)!'*" }, 'pL2E7Yj1jL2QsZS9-Zi8oZykhJyo'],
  ]

  it('write and read the one form', () => {
    for (const [limits, text] of forms) {
      expect(limitTexts([limits])).to.deep.equal([text])
      expect(parseLimit(text)).to.deep.equal(limits)
    }
  })

  it('encode as base64url of every length does', () => {
    for (let length = 1; length <= 512; length += 1) {
      const path = `/${'abcdefg~'.repeat(64).slice(0, length - 1)}`
      const text = `p${base64url(path)}`
      expect(limitTexts([{ path }])).to.deep.equal([text])
      expect(parseLimit(text)).to.deep.equal({ path })
    }
  })

  it('write the limits of one object in the order e, s, m, p, and objects in their order', () => {
    const all: Limits = { path: '/a', methods: ['GET'], scopes: ['b', 'a'], expiresAt: 1 }
    expect(limitTexts([all, { expiresAt: 0 }])).to.deep.equal([
      'e1',
      `s${base64url('a b')}`,
      `m${base64url('GET')}`,
      `p${base64url('/a')}`,
      'e0',
    ])
    expect(limitTexts([])).to.deep.equal([])
  })

  it('write at most 8', () => {
    const ends = Array.from({ length: 8 }, (_, at): Limits => ({ expiresAt: at }))
    expect(limitTexts(ends)).to.have.lengthOf(8)
    expect(thrown(() => limitTexts([...ends, { expiresAt: 9 }]))).to.have.property('code', 'ERR_TOO_MANY_LIMITS')
  })

  it('write only what the kind of token has a place for', () => {
    expect(limitTexts([{ expiresAt: 1 }], 'e')).to.deep.equal(['e1'])
    for (const [limit, carries] of [
      [{ scopes: ['a'] }, 'e'],
      [{ expiresAt: 1 }, ''],
      [{ expiresAt: 1, path: '/a' }, 'esm'],
    ] as const) {
      const error = thrown(() => limitTexts([limit], carries))
      expect(error).to.be.instanceOf(TypeError).with.property('code', 'ERR_LIMIT_NOT_SUPPORTED_BY_KIND')
    }
  })

  it('take a list of limits and nothing else', () => {
    for (const limits of [undefined, null, {}, 'e1', { path: '/a' }, [undefined], [[]], ['e1'], [{}], Array(1)]) {
      // What a caller without types may pass.
      const error = thrown(() => limitTexts(limits as readonly Limits[]))
      expect(error, JSON.stringify(limits)).to.have.property('code', 'ERR_INVALID_LIMITS')
    }
  })

  it('read no other form', () => {
    const others = [
      '',
      'e',
      'e00',
      'e01',
      'eTOP2VD',
      'e-1',
      'e+1',
      'e 1',
      'e1 ',
      'e1.5',
      'e2gosa7pa2gw', // 2^53
      'ezzzzzzzzzzz',
      'ezzzzzzzzzzzz',
      'e1\n',
      's',
      'm',
      'p',
      'x',
      'xYQ',
      'SYQ',
      'sYQ=',
      'sYQ==',
      'sYR', // loose bits
      'sYWJ',
      'sYSBiX2MgZDplOmZ0Z',
      'sY',
      'sYWJjZ',
      's~',
      'sY+',
      'sY/',
      'sYQ\n',
      ' sYQ',
      'sÿÿ',
      's\u{1F4A1}',
      `s${base64url('b a')}`,
      `s${base64url('a a')}`,
      `s${base64url('a  b')}`,
      `s${base64url(' a')}`,
      `s${base64url('a ')}`,
      `s${base64url(' ')}`,
      `s${base64url('a"')}`,
      `s${base64url('\xfc')}`,
      `s${base64url(Array.from({ length: 33 }, (_, at) => String.fromCharCode(0x5d + at)).join(' '))}`,
      `s${base64url('x'.repeat(513))}`,
      `m${base64url('get')}`,
      `m${base64url('POST GET')}`,
      `m${base64url('GET GET')}`,
      `m${base64url('GET,PUT')}`,
      `m${base64url(Array.from({ length: 17 }, (_, at) => `M${'X'.repeat(at)}`).join(' '))}`,
      ...notPaths.filter((path) => !/[^\0-\xff]/.test(path)).map((path) => `p${base64url(path)}`),
    ]
    for (const text of others) {
      expect(parseLimit(text), JSON.stringify(text.slice(0, 60))).to.equal(null)
      expect(parseLimits(['e1', text])).to.equal(null)
    }
  })

  it('read times as they are written', () => {
    for (const seconds of [0, 1, 35, 36, NOW, 2 ** 53 - 1]) expect(parseSeconds(seconds.toString(36))).to.equal(seconds)
  })

  it('read long garbage in linear time', () => {
    const long = `/${'a/'.repeat(500_000)}`
    expect(parseLimit(`p${base64url(long)}`)).to.equal(null)
    expect(allows([{ path: '/' }], get(`${long}"`), undefined)).to.equal(false)
    expect(allows([{ path: '/' }], get(`/${'%41'.repeat(300_000)}%`), undefined)).to.equal(false)
  })
})

describe('the column limits', () => {
  it('is the texts between dots, or null', () => {
    expect(limitsColumn([])).to.equal(null)
    expect(limitsColumn([{ scopes: ['a'], expiresAt: 1 }])).to.equal('.e1.sYQ.')
    expect(parseLimitsColumn('.e1.sYQ.')).to.deep.equal([{ expiresAt: 1 }, { scopes: ['a'] }])
    expect(parseLimitsColumn(null)).to.deep.equal([])
  })

  it('holds 1024 characters and not 1025', () => {
    // Two limits of 512 bytes are 683 digits and a letter each; the rest of the room is a third one.
    const fits: Limits[] = [{ path: `/${'x'.repeat(511)}` }, { scopes: ['y'.repeat(252)] }]
    const column = limitsColumn(fits) ?? ''
    expect(column).to.have.lengthOf(1024)
    expect(parseLimitsColumn(column)).to.deep.equal(fits)
    const over: Limits[] = [{ path: `/${'x'.repeat(511)}` }, { scopes: ['y'.repeat(253)] }]
    expect(thrown(() => limitsColumn(over))).to.have.property('code', 'ERR_TOO_MANY_LIMITS')
  })

  it('is an internal error if it was cut, is empty or garbage', () => {
    const whole = '.e1.sYQ.'
    const cut = Array.from({ length: whole.length }, (_, at) => whole.slice(0, at)).filter((text) => text !== '.e1.')
    for (const column of [
      ...cut,
      undefined,
      '.',
      '..',
      '.e1..',
      '..e1.',
      'e1.',
      '.e01.',
      '.xYQ.',
      '.e1.\n',
      '.e1.e1.e1.e1.e1.e1.e1.e1.e1.',
      `.p${base64url(`/${'x'.repeat(511)}`)}.p${base64url(`/${'x'.repeat(511)}`)}.`,
      0,
      false,
      Buffer.from(whole),
      ['e1'],
      {},
    ]) {
      const error = thrown(() => parseLimitsColumn(column))
      expect(error, JSON.stringify(column)).to.be.instanceOf(InternalError)
    }
  })
})

describe('meet', () => {
  it('is the earliest end, the common scopes and methods, and the narrower path', () => {
    const both = meet([
      { expiresAt: 9, scopes: ['a', 'b'], methods: ['DELETE', 'GET', 'PUT'], path: '/files/' },
      { expiresAt: 7, scopes: ['b', 'c'], methods: ['GET', 'PUT'], path: '/files/1' },
      { expiresAt: 8 },
    ])
    expect(both).to.deep.equal({ expiresAt: 7, scopes: ['b'], methods: ['GET', 'PUT'], path: '/files/1' })
    expect(meet([])).to.deep.equal({})
    expect(meet([{ expiresAt: 0 }])).to.deep.equal({ expiresAt: 0 })
  })

  it('keeps HEAD of a GET that meets HEAD', () => {
    expect(meet([{ methods: ['GET'] }, { methods: ['HEAD', 'POST'] }])).to.deep.equal({ methods: ['HEAD'] })
    expect(meet([{ methods: ['GET', 'HEAD'] }])).to.deep.equal({ methods: ['GET'] })
  })

  it('is null if nothing is left', () => {
    for (const [a, b] of [
      [{ scopes: ['a'] }, { scopes: ['b'] }],
      [{ methods: ['GET'] }, { methods: ['POST'] }],
      [{ path: '/a' }, { path: '/b' }],
      [{ path: '/a/' }, { path: '/a' }],
      [{ path: '/a/' }, { path: '/ab/' }],
    ] as const) {
      expect(meet([a, b])).to.equal(null)
      expect(meet([b, a])).to.equal(null)
    }
  })
})

describe('allows', () => {
  it('allows everything to a token without limits', () => {
    expect(allows([], undefined, undefined)).to.equal(true)
    expect(allows([], { method: 'CONNECT', path: '*', upgrade: true }, ['a'])).to.equal(true)
  })

  it('leaves the end to the kind of token', () => {
    expect(allows([{ expiresAt: 0 }], undefined, undefined)).to.equal(true)
  })

  it('needs every scope of the route in every limit, and a route that names one', () => {
    const limits: Limits[] = [{ scopes: ['a', 'b'] }, { scopes: ['b', 'c'] }]
    expect(allows(limits, undefined, ['b'])).to.equal(true)
    for (const scopes of [['a'], ['c'], ['a', 'b'], ['d'], ['B'], [''], [], undefined]) {
      expect(allows(limits, undefined, scopes), String(scopes)).to.equal(false)
    }
    expect(allows([{ scopes: ['a', 'b'] }], undefined, ['a', 'b'])).to.equal(true)
  })

  it('allows the methods that are named, and HEAD with GET', () => {
    const limits: Limits[] = [{ methods: ['GET', 'POST'] }]
    for (const method of ['GET', 'HEAD', 'POST'])
      expect(allows(limits, { method, path: '/' }, undefined)).to.equal(true)
    for (const method of ['DELETE', 'get', 'OPTIONS', '', 'POSTS'])
      expect(allows(limits, { method, path: '/' }, undefined), method).to.equal(false)
    expect(allows([{ methods: ['HEAD'] }], get('/'), undefined)).to.equal(false)
    expect(allows([{ methods: ['POST'] }], { method: 'HEAD', path: '/' }, undefined)).to.equal(false)
    expect(allows([{ methods: ['GET'] }, { methods: ['POST'] }], get('/'), undefined)).to.equal(false)
  })

  it('keeps sockets from every method limit, and not from the others', () => {
    const upgrade: LimitedRequest = { method: 'GET', path: '/socket', upgrade: true }
    const connect: LimitedRequest = { method: 'CONNECT', path: '/socket' }
    for (const request of [upgrade, connect]) {
      expect(allows([{ methods: ['CONNECT', 'GET'] }], request, undefined)).to.equal(false)
      expect(allows([{ path: '/socket' }], request, undefined)).to.equal(true)
      expect(allows([{ scopes: ['a'] }], request, ['a'])).to.equal(true)
    }
  })

  it('refuses a request that is not known to a token with a method or a path', () => {
    expect(allows([{ methods: ['GET'] }], undefined, ['a'])).to.equal(false)
    expect(allows([{ path: '/' }], undefined, ['a'])).to.equal(false)
    expect(allows([{ expiresAt: 1 }, { scopes: ['a'] }], undefined, ['a'])).to.equal(true)
  })

  it('compares paths byte for byte, up to the query', () => {
    const limits: Limits[] = [{ path: '/files/1' }]
    for (const path of ['/files/1', '/files/1?', '/files/1?a=/../b//c', '/files/1?a?b'])
      expect(allows(limits, get(path), undefined), path).to.equal(true)
    for (const path of [
      '/files/1/',
      '/files/12',
      '/files',
      '/files/',
      '//files/1',
      '/files//1',
      '/files/%31',
      '/FILES/1',
      '/files/1#',
      '/files/1#/../x',
      '/files/1#?x',
      '/files/1 ',
      ' /files/1',
      'files/1',
      'http://other/files/1',
      '*',
      '',
      '?/files/1',
      '/x?/files/1',
      '/files/1%',
      '/files/1\0',
    ]) {
      expect(allows(limits, get(path), undefined), path).to.equal(false)
    }
  })

  it('takes a path that ends with "/" for itself and what is below', () => {
    const limits: Limits[] = [{ path: '/files/' }]
    for (const path of ['/files/', '/files/1', '/files/1/', '/files/a/b.c', '/files/%20', '/files/...', '/files/?x'])
      expect(allows(limits, get(path), undefined), path).to.equal(true)
    for (const path of [
      '/files',
      '/files?/',
      '/filesx/',
      '/files/../admin',
      '/files/..',
      '/files/.',
      '/files/./x',
      '/files/%2e%2e/admin',
      '/files/%2E./x',
      '/files/.%2e/x',
      '/files/a%2f..%2fb',
      '/files/a%2Fb',
      '/files/a\\..\\b',
      '/files/a%5Cb',
      '/files//x',
      '/files/x//',
      '/files/x#y',
      '/files/ü',
      '/files/\xc3\xbc',
      '/files/a[0]',
      'http://host/files/x',
    ]) {
      expect(allows(limits, get(path), undefined), path).to.equal(false)
    }
    expect(allows([{ path: '/' }], get('/anything/below'), undefined)).to.equal(true)
  })
})

const token = { limits: [{ scopes: ['a'] }], loggedInAt: NOW - 100 }

function reasonOf(use: Use, one: LimitedToken = token): string {
  const verdict = permit(one, use)
  return verdict.ok ? 'none' : verdict.reason
}

describe('permit', () => {
  it('passes the token on', () => {
    expect(permit(token, { needs: { scopes: ['a'], maxAge: 100 }, now: NOW })).to.deep.equal({ ok: true, value: token })
    expect(permit({}, { now: NOW })).to.deep.equal({ ok: true, value: {} })
  })

  it('looks at limits first, then at the age of the login', () => {
    expect(reasonOf({ needs: { scopes: ['b'], maxAge: 1 }, now: NOW })).to.equal('insufficient_scope')
    expect(reasonOf({ now: NOW })).to.equal('insufficient_scope')
    expect(reasonOf({ needs: { scopes: ['a'], maxAge: 99 }, now: NOW })).to.equal('insufficient_user_authentication')
    expect(reasonOf({ needs: { scopes: ['a'], maxAge: 100 }, now: NOW })).to.equal('none')
    expect(reasonOf({ needs: { maxAge: 2 ** 53 - 1 }, now: NOW }, {})).to.equal('insufficient_user_authentication')
    expect(reasonOf({ needs: { maxAge: 0 }, now: NOW }, { loggedInAt: NOW })).to.equal('none')
  })
})

describe('isLink', () => {
  it('is true with an end, a path and GET as the only method', () => {
    const link: Limits[] = [{ expiresAt: 1 }, { methods: ['GET'] }, { path: '/a' }]
    expect(isLink(link)).to.equal(true)
    expect(isLink([{ expiresAt: 1, methods: ['GET'], path: '/a' }])).to.equal(true)
    expect(isLink([...link, { methods: ['GET', 'POST'] }])).to.equal(true)
    for (let at = 0; at < link.length; at += 1) expect(isLink(link.toSpliced(at, 1)), String(at)).to.equal(false)
    for (const methods of [['POST'], ['GET', 'HEAD'], ['GET', 'POST'], ['HEAD']])
      expect(isLink([{ expiresAt: 1, methods, path: '/a' }]), methods.join(' ')).to.equal(false)
    expect(isLink([])).to.equal(false)
  })
})
