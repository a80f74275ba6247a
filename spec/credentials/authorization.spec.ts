import { expect } from 'chai'
import { authorization, type Verdict } from '../../lib/index.js'

function header(scheme: string, value: string): Verdict<object> {
  return authorization(scheme).read({ headers: { authorization: value } })
}

function token(text: string, scheme = 'Bearer'): object {
  return { ok: true, value: { token: text, scheme } }
}

describe('authorization', () => {
  for (const scheme of ['Bearer', 'Token', 'JWT', 'X-Custom.1']) {
    describe(scheme, () => {
      it('reads a token, and no user', () => {
        expect(header(scheme, `${scheme} abc.def-123`)).to.deep.equal(token('abc.def-123', scheme))
      })

      it('accepts the scheme in any case, before any number of blanks, and names it as it was given', () => {
        expect(header(scheme, `${scheme.toUpperCase()} x`)).to.deep.equal(token('x', scheme))
        expect(header(scheme, `${scheme.toLowerCase()}    x`)).to.deep.equal(token('x', scheme))
      })

      it('does not count blanks at the end', () => {
        expect(header(scheme, `${scheme} x  `)).to.deep.equal(token('x', scheme))
      })

      it('is missing without the header, and in another scheme', () => {
        expect(authorization(scheme).read({ headers: {} })).to.deep.equal({ ok: false, reason: 'missing' })
        for (const other of [
          '',
          'Basic x',
          `${scheme}s x`,
          `x${scheme} y`,
          `${scheme}=x`,
          ` ${scheme} x`,
          `${scheme}:x`,
        ]) {
          expect(header(scheme, other), other).to.deep.equal({ ok: false, reason: 'missing' })
        }
      })

      it('is malformed without a token, and with more than one', () => {
        for (const rest of ['', ' ', '   ', '\tx', ' a b', ' a\tb', ' a  b ', ' a\u00a0b']) {
          expect(header(scheme, scheme + rest), JSON.stringify(rest)).to.include({
            ok: false,
            reason: 'malformed',
            scheme,
          })
        }
      })
    })
  }

  it('keeps everything except blanks, for the token kind to verify', () => {
    for (const text of ['"x"', 'a,b', 'a=b', '==', 'ü', '\0', 'x'.repeat(100_000)]) {
      expect(header('Bearer', `Bearer ${text}`)).to.deep.equal(token(text))
    }
  })

  it('reads a long run of blanks in linear time', () => {
    expect(header('Bearer', `Bearer ${' '.repeat(8000)}x`)).to.deep.equal(token('x'))
    expect(header('Bearer', `Bearer x${' '.repeat(8000)}y`)).to.include({ ok: false, reason: 'malformed' })
  })

  it('gives no user', () => {
    expect(authorization('Bearer').givesUser).to.equal(false)
  })

  it('refuses a second header', () => {
    const value = 'Bearer x'
    const rawHeaders = ['authorization', value, 'Authorization', 'Bearer y']
    expect(authorization('Bearer').read({ headers: { authorization: value }, rawHeaders })).to.include({
      ok: false,
      reason: 'malformed',
    })
  })

  it('throws for a scheme that no header can have', () => {
    for (const scheme of ['', 'a b', 'Bearer ', 'Bearer\n', 'Bä', 'a,b', '"x"', 'a/b']) {
      expect(() => authorization(scheme), JSON.stringify(scheme)).to.throw(TypeError, 'scheme')
    }
  })
})
