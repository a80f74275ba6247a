import { expect } from 'chai'
import { params, type ParamsOptions, type Source } from '../../lib/index.js'

const MISSING = { ok: false, reason: 'missing' }
const PARTIAL = { ok: false, reason: 'missing', partial: true }
const MALFORMED = { ok: false, reason: 'malformed' }

function inQuery(query: string): Source {
  return { headers: {}, url: `/me?${query}` }
}

function inBody(body: unknown): Source {
  return { headers: {}, url: '/me', body }
}

function both(body: unknown, query: string): Source {
  return { headers: {}, url: `/me?${query}`, body }
}

function pair(user: string, token: string): object {
  return { ok: true, value: { user, token } }
}

function link(user: string, token: string): object {
  return { ok: true, value: { user, token, linksOnly: true } }
}

describe('params', () => {
  const reader = params()

  it('reads user and token from the query', () => {
    expect(reader.read(inQuery('user=1&token=a-b'))).to.deep.equal(pair('1', 'a-b'))
    expect(reader.read(inQuery('x=2&token=a%2Db&user=%31&y'))).to.deep.equal(pair('1', 'a-b'))
  })

  it('reads them from the body', () => {
    expect(reader.read(inBody({ user: '1', token: 'a-b' }))).to.deep.equal(pair('1', 'a-b'))
  })

  it('reads them from a body without a prototype', () => {
    const body: object = Object.assign(Object.create(null) as object, { user: '1', token: 'a-b' }) // create gives an object here
    expect(reader.read(inBody(body))).to.deep.equal(pair('1', 'a-b'))
  })

  it('leaves texts as they are', () => {
    for (const text of [' 1', '01', '1abc', '１', '1\0', '\ufffd', '-', 'x'.repeat(1_000_000)]) {
      expect(reader.read(inBody({ user: text, token: text }))).to.deep.equal(pair(text, text))
    }
  })

  it('takes a safe integer of JSON for its decimal text', () => {
    expect(reader.read(inBody({ user: 1, token: 'x' }))).to.deep.equal(pair('1', 'x'))
    expect(reader.read(inBody({ user: 2 ** 53 - 1, token: 'x' }))).to.deep.equal(pair('9007199254740991', 'x'))
    expect(reader.read(inBody({ user: -1, token: 'x' }))).to.deep.equal(pair('-1', 'x'))
  })

  it('takes no number that may have been rounded', () => {
    for (const user of [JSON.parse('9007199254740993'), 2 ** 53, 1.5, 1e300, NaN, Infinity]) {
      expect(reader.read(inBody({ user, token: 'x' })), String(user)).to.include(MALFORMED)
    }
  })

  describe('if both have something', () => {
    it('prefers the body, for each of the two', () => {
      expect(reader.read(both({ user: '1', token: 'a' }, 'user=2&token=b'))).to.deep.equal(pair('1', 'a'))
      expect(reader.read(both({ user: '1' }, 'token=b'))).to.deep.equal(pair('1', 'b'))
      expect(reader.read(both({ token: 'a' }, 'user=2'))).to.deep.equal(pair('2', 'a'))
      expect(reader.read(both({ user: '1' }, 'user=2&token=b'))).to.deep.equal(pair('1', 'b'))
    })

    it('does not look behind an empty one', () => {
      expect(reader.read(both({ user: '' }, 'user=2&token=b'))).to.deep.equal(PARTIAL)
    })

    it('does not look behind one that cannot be read', () => {
      expect(reader.read(both({ user: ['1'] }, 'user=2&token=b'))).to.include(MALFORMED)
      expect(reader.read(both({ user: null }, 'user=2&token=b'))).to.include(MALFORMED)
    })
  })

  describe('missing', () => {
    it('is what is absent or empty', () => {
      for (const query of ['', 'user=1', 'user=1&token=', 'user&token', 'USER=1&TOKEN=x']) {
        expect(reader.read(inQuery(query)), query).to.deep.equal(MISSING)
      }
      expect(reader.read({ headers: {} })).to.deep.equal(MISSING)
      expect(reader.read({ headers: {}, url: '/me' })).to.deep.equal(MISSING)
      expect(reader.read({ headers: {}, url: '' })).to.deep.equal(MISSING)
    })

    it('is half a pair, and says so if the token is that half', () => {
      for (const query of ['token=x', 'user=&token=x', 'token=x&token=y']) {
        expect(reader.read(inQuery(query)), query).to.deep.equal(PARTIAL)
      }
      expect(reader.read(inBody({ token: [1] }))).to.deep.equal(PARTIAL)
    })

    it('is a body that is not an object', () => {
      for (const body of [undefined, null, [], ['user'], 'user=1&token=x', 1, true, [{ user: '1', token: 'x' }]]) {
        expect(reader.read(inBody(body)), JSON.stringify(body)).to.deep.equal(MISSING)
      }
    })

    it('is what a form parser nests under other names', () => {
      for (const body of [
        { 'user[]': '1', token: 'x' },
        { 'user[id]': '1', token: 'x' },
        { 'user.id': '1', token: 'x' },
      ]) {
        expect(reader.read(inBody(body)), JSON.stringify(body)).to.deep.equal(PARTIAL)
      }
      expect(reader.read(inQuery('user[]=1&token=x'))).to.deep.equal(PARTIAL)
      expect(reader.read(inQuery('user.id=1&token=x'))).to.deep.equal(PARTIAL)
    })

    it('is what is only inherited', () => {
      const heir: unknown = Object.create({ user: '1', token: 'x' })
      expect(reader.read(inBody(heir))).to.deep.equal(MISSING)
      for (const query of ['toString=1', '__proto__=1', '__proto__[user]=1&__proto__[token]=x', 'constructor=1']) {
        expect(reader.read(inQuery(query)), query).to.deep.equal(MISSING)
      }
    })

    it('is what a body brings as a prototype, and nothing is changed by it', () => {
      const body: unknown = JSON.parse(
        '{"__proto__": {"user": "1", "token": "x"}, "constructor": {"prototype": {"user": "1"}}}',
      )
      expect(reader.read(inBody(body))).to.deep.equal(MISSING)
      expect({}).not.to.have.property('user')
    })
  })

  describe('malformed', () => {
    it('is a repeated parameter', () => {
      for (const query of [
        'user=1&user=2&token=x',
        'user=1&user=1&token=x',
        'user=1&token=a&token=b',
        'user=&user=1&token=x',
      ]) {
        expect(reader.read(inQuery(query)), query).to.include(MALFORMED)
      }
    })

    it('is a repeated parameter wherever it stands', () => {
      expect(reader.read(inQuery(`user=1&token=x&${'a&'.repeat(2000)}user=2`))).to.include(MALFORMED)
    })

    it('is a value in the body that is no text', () => {
      const values = [['1'], [1], {}, { id: 1 }, { length: 24, split: 1 }, true, false, null, ['a-b'], () => '1']
      for (const value of values) {
        expect(reader.read(inBody({ user: value, token: 'x' })), JSON.stringify(value)).to.include(MALFORMED)
        expect(reader.read(inBody({ user: '1', token: value })), JSON.stringify(value)).to.include(MALFORMED)
      }
    })

    it('does not hide that the other one is missing', () => {
      expect(reader.read(inBody({ user: ['1'] }))).to.deep.equal(MISSING)
    })
  })

  it('reads a query that is not well encoded without throwing', () => {
    expect(reader.read(inQuery('user=%ff&token=%E0%A4%A'))).to.deep.equal(pair('\ufffd', '\ufffd%A'))
    expect(reader.read(inQuery('user=%&token=%zz'))).to.deep.equal(pair('%', '%zz'))
  })

  it('reads everything after the first question mark as the query', () => {
    expect(reader.read({ headers: {}, url: '/me?user=1&token=x?y' })).to.deep.equal(pair('1', 'x?y'))
  })

  it('ignores headers', () => {
    expect(reader.read({ headers: { 'x-user-id': '1', authorization: 'Basic MTp4' }, url: '/me' })).to.deep.equal(
      MISSING,
    )
  })

  it('gives a user', () => {
    expect(reader.givesUser).to.equal(true)
  })

  it('throws for another value of query', () => {
    for (const query of [undefined, null, 'link', 'true', 1, {}]) {
      // What a caller without types may pass.
      expect(() => params({ query } as ParamsOptions), JSON.stringify(query)).to.throw(TypeError, 'query')
    }
  })

  describe("with query: 'links'", () => {
    const links = params({ query: 'links' })

    it('marks a token from the query, wherever its user is from', () => {
      expect(links.read(inQuery('user=1&token=x'))).to.deep.equal(link('1', 'x'))
      expect(links.read(both({ user: '1' }, 'token=x'))).to.deep.equal(link('1', 'x'))
      expect(links.read({ method: 'GET', ...both({ token: 'a' }, 'user=1&token=x') })).to.deep.equal(link('1', 'x'))
    })

    it('does not mark one from the body', () => {
      expect(links.read(inBody({ user: '1', token: 'x' }))).to.deep.equal(pair('1', 'x'))
      expect(links.read(both({ token: 'x' }, 'user=1&token=y'))).to.deep.equal(pair('1', 'x'))
    })

    it('refuses what it cannot read, as otherwise', () => {
      expect(links.read(inQuery('user=1&token=x&token=y'))).to.deep.equal(MALFORMED)
      expect(links.read(inQuery('token=x'))).to.include({ reason: 'missing', partial: true })
    })
  })

  describe('with query: false', () => {
    const bodyOnly = params({ query: false })

    it('reads only the body', () => {
      expect(bodyOnly.read(inBody({ user: '1', token: 'x' }))).to.deep.equal(pair('1', 'x'))
      expect(bodyOnly.read(inQuery('user=1&token=x'))).to.deep.equal(MISSING)
      expect(bodyOnly.read({ headers: {}, url: '/?token=x', body: { user: '1' } })).to.deep.equal(MISSING)
    })
  })
})
