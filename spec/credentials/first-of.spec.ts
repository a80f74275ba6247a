import { expect } from 'chai'
import { authorization, basic, type Credentials, firstOf, params, type Source } from '../../lib/index.js'

function answering(verdict: ReturnType<Credentials['read']>): Credentials & { readonly seen: Source[] } {
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
  it('is what the first reader with anything says, and asks no further', () => {
    const none = answering({ ok: false, reason: 'missing' })
    const some = answering({ ok: true, value: { token: 'a' } })
    const more = answering({ ok: true, value: { token: 'b' } })
    expect(firstOf(none, some, more).read(source)).to.deep.equal({ ok: true, value: { token: 'a' } })
    expect(none.seen).to.deep.equal([source])
    expect(more.seen).to.deep.equal([])
  })

  it('does not fall through what cannot be read', () => {
    const broken = answering({ ok: false, reason: 'malformed', detail: 'repeated' })
    const some = answering({ ok: true, value: { token: 'a' } })
    expect(firstOf(broken, some).read(source)).to.deep.equal({ ok: false, reason: 'malformed', detail: 'repeated' })
    expect(some.seen).to.deep.equal([])
  })

  it('is missing where nobody has anything', () => {
    const none = answering({ ok: false, reason: 'missing' })
    expect(firstOf(none, none).read(source)).to.deep.equal({ ok: false, reason: 'missing' })
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
      expect(reader.read(half)).to.deep.equal({ ok: true, value: { user: '2', token: 'bbb' } })
    })

    it('leaves other schemes alone', () => {
      expect(reader.read({ headers: { authorization: 'Bearer x' }, url: '/me' })).to.deep.equal({
        ok: false,
        reason: 'missing',
      })
      const bearer = firstOf(params(), basic(), authorization('Bearer'))
      expect(bearer.read({ headers: { authorization: 'Bearer x' } })).to.deep.equal({ ok: true, value: { token: 'x' } })
    })
  })
})
