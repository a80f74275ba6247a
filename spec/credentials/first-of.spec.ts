import { expect } from 'chai'
import {
  authorization,
  basic,
  bearer,
  cookie,
  type Credentials,
  firstOf,
  params,
  type Source,
} from '../../lib/index.js'

function returning(verdict: ReturnType<Credentials['read']>): Credentials & { readonly seen: Source[] } {
  const seen: Source[] = []
  return {
    seen,
    read(source) {
      seen.push(source)
      return verdict
    },
  }
}

const source: Source = { headers: {} }

describe('firstOf', () => {
  it('returns what the first reader with anything reads, and calls no other one', () => {
    const none = returning({ ok: false, reason: 'missing' })
    const some = returning({ ok: true, value: { token: 'a' } })
    const more = returning({ ok: true, value: { token: 'b' } })
    expect(firstOf(none, some, more).read(source)).to.deep.equal({ ok: true, value: { token: 'a' } })
    expect(none.seen).to.deep.equal([source])
    expect(more.seen).to.deep.equal([])
  })

  it('does not fall through what cannot be read', () => {
    const broken = returning({ ok: false, reason: 'malformed', detail: 'repeated' })
    const some = returning({ ok: true, value: { token: 'a' } })
    expect(firstOf(broken, some).read(source)).to.deep.equal({ ok: false, reason: 'malformed', detail: 'repeated' })
    expect(some.seen).to.deep.equal([])
  })

  it('is missing if no reader has anything', () => {
    const none = returning({ ok: false, reason: 'missing' })
    expect(firstOf(none, none).read(source)).to.deep.equal({ ok: false, reason: 'missing' })
  })

  it('gives a user if one of its readers does, not if none does, and leaves it open otherwise', () => {
    const unknown = returning({ ok: false, reason: 'missing' })
    expect(firstOf(authorization('Token'), basic()).givesUser).to.equal(true)
    expect(firstOf(unknown, params()).givesUser).to.equal(true)
    expect(firstOf(authorization('Token'), cookie('x')).givesUser).to.equal(false)
    expect(firstOf(authorization('Token'), unknown)).not.to.have.property('givesUser')
    expect(firstOf(firstOf(cookie('x')), firstOf(bearer())).givesUser).to.equal(true)
  })

  it('needs a reader', () => {
    expect(() => firstOf()).to.throw(TypeError, 'firstOf')
  })

  describe('params before basic, as tokenApi has it', () => {
    const reader = firstOf(params(), basic())
    const authorized = { authorization: 'Basic MjpiYmI=' }

    it('lets parameters win over Basic', () => {
      const both: Source = { headers: authorized, url: '/me?user=1&token=aaa' }
      expect(reader.read(both)).to.deep.equal({ ok: true, value: { user: '1', token: 'aaa' } })
    })

    it('does not let Basic make up for malformed parameters', () => {
      expect(reader.read({ headers: authorized, url: '/me?user=1&user=2&token=aaa' })).to.include({
        reason: 'malformed',
      })
      expect(reader.read({ headers: authorized, url: '/me', body: { user: true, token: 'x' } })).to.include({
        reason: 'malformed',
      })
    })

    it('falls back on Basic as a whole, never mixing the two', () => {
      const half: Source = { headers: authorized, url: '/me?user=1' }
      expect(reader.read(half)).to.deep.equal({ ok: true, value: { user: '2', token: 'bbb', scheme: 'Basic' } })
    })

    it('ignores other schemes', () => {
      expect(reader.read({ headers: { authorization: 'Bearer x' }, url: '/me' })).to.deep.equal({
        ok: false,
        reason: 'missing',
      })
      const withBearer = firstOf(params(), basic(), authorization('Bearer'))
      expect(withBearer.read({ headers: { authorization: 'Bearer x' } })).to.deep.equal({
        ok: true,
        value: { token: 'x', scheme: 'Bearer' },
      })
    })
  })
})
