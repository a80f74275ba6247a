import { expect } from 'chai'
import { cookie, type Verdict } from '../../lib/index.js'

function read(header: string): Verdict<object> {
  return cookie('jwt').read({ headers: { cookie: header } })
}

function token(text: string): object {
  return { ok: true, value: { token: text } }
}

describe('cookie', () => {
  it('gives no user', () => {
    expect(cookie('jwt').givesUser).to.equal(false)
  })

  it('reads the cookie of its name', () => {
    expect(read('jwt=a.b.c')).to.deep.equal(token('a.b.c'))
    expect(read('theme=dark; jwt=a.b.c; lang=de')).to.deep.equal(token('a.b.c'))
    expect(read('theme=dark;jwt=a.b.c')).to.deep.equal(token('a.b.c'))
    expect(read('jwt=a=b=')).to.deep.equal(token('a=b='))
  })

  it('leaves the value as it is', () => {
    expect(read('jwt=%61')).to.deep.equal(token('%61'))
    expect(read('jwt="x"')).to.deep.equal(token('"x"'))
  })

  it('is missing without one, or with an empty one', () => {
    expect(cookie('jwt').read({ headers: {} })).to.deep.equal({ ok: false, reason: 'missing' })
    for (const header of ['', 'jwt', 'jwt=', 'jwt= ', 'JWT=x', 'xjwt=x', 'jwt2=x', 'a=jwt=x', '; ;', 'jwt =x']) {
      expect(read(header), header).to.deep.equal({ ok: false, reason: 'missing' })
    }
  })

  it('is malformed when it comes twice, also under the same value', () => {
    for (const header of ['jwt=a; jwt=b', 'jwt=a; jwt=a', 'jwt=; jwt=a', 'jwt=a; x=1; jwt=']) {
      expect(read(header), header).to.include({ ok: false, reason: 'malformed' })
    }
  })

  it('does not take a name for a pattern', () => {
    expect(cookie('a.b').read({ headers: { cookie: 'axb=1' } })).to.include({ reason: 'missing' })
    expect(cookie('$x').read({ headers: { cookie: '$x=1' } })).to.deep.equal(token('1'))
    expect(cookie('__proto__').read({ headers: { cookie: 'x=1' } })).to.include({ reason: 'missing' })
  })

  it('takes no name that no cookie can have', () => {
    for (const name of ['', 'a b', 'a=b', 'a;b', 'a,b', 'ä', 'a\n', '"a"']) {
      expect(() => cookie(name), JSON.stringify(name)).to.throw(TypeError, 'name')
    }
  })
})
