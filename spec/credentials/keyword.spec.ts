import { expect } from 'chai'
import { keyword } from '../../lib/credentials/keyword.js'
import type { Verdict } from '../../lib/index.js'

function header(value: string, scheme = 'Token'): Verdict<object> {
  return keyword(scheme).read({ headers: { authorization: value } })
}

function token(text: string, scheme = 'Token'): object {
  return { ok: true, value: { token: text, scheme } }
}

function malformed(detail: string): object {
  return { ok: false, reason: 'malformed', detail, scheme: 'Token' }
}

describe('keyword', () => {
  it('reads a token after the word, in any case', () => {
    for (const word of ['Token', 'token', 'TOKEN', 'tOkEn']) {
      expect(header(`${word} abc.def-123`), word).to.deep.equal(token('abc.def-123'))
    }
    expect(header('JWT a.b.c', 'JWT')).to.deep.equal(token('a.b.c', 'JWT'))
  })

  it('cuts at any run of blanks and tabs, as Django REST framework does', () => {
    for (const value of ['Token  x', 'Token\tx', ' Token x', '\tToken \t x \t', 'Token x ']) {
      expect(header(value), JSON.stringify(value)).to.deep.equal(token('x'))
    }
  })

  it('is missing without the header, without a word, and after another word', () => {
    expect(keyword('Token').read({ headers: {} })).to.deep.equal({ ok: false, reason: 'missing' })
    for (const value of [
      '',
      ' ',
      '\t',
      'Bearer x',
      'Tokens x',
      'xToken x',
      'Token=x',
      'Token:x',
      'Tokenx',
      'x Token y',
    ]) {
      expect(header(value), JSON.stringify(value)).to.deep.equal({ ok: false, reason: 'missing' })
    }
  })

  it('says what is wrong with a header', () => {
    for (const value of ['Token', 'Token ', ' token\t']) {
      expect(header(value), JSON.stringify(value)).to.deep.equal(malformed('no_credentials'))
    }
    for (const value of ['Token a b', 'Token a\tb', 'Token a b c', 'Token Token x']) {
      expect(header(value), JSON.stringify(value)).to.deep.equal(malformed('spaces'))
    }
    for (const value of ['Token \xff', 'Token a\xe9', 'Token \xc3', 'Token \xed\xa0\x80']) {
      expect(header(value), JSON.stringify(value)).to.deep.equal(malformed('encoding'))
    }
  })

  it('reads a header’s bytes as UTF-8', () => {
    expect(header(`Token ${Buffer.from('tökén').toString('latin1')}`)).to.deep.equal(token('tökén'))
  })

  it('gives no user', () => {
    expect(keyword('Token').givesUser).to.equal(false)
  })

  it('refuses a second header, whatever it says', () => {
    const headers = { authorization: 'Token x' }
    for (const second of ['Token x', 'Token y', 'Basic y']) {
      const rawHeaders = ['Authorization', 'Token x', 'authorization', second]
      expect(keyword('Token').read({ headers, rawHeaders })).to.include({
        ok: false,
        reason: 'malformed',
        detail: 'repeated',
      })
    }
  })

  it('does not use its word as a pattern', () => {
    expect(header('X.T a', 'X.T')).to.deep.equal(token('a', 'X.T'))
    expect(header('XXT a', 'X.T')).to.include({ reason: 'missing' })
  })

  it('reads long runs of blanks and words in linear time', () => {
    expect(header(`Token ${' '.repeat(100_000)}x`)).to.deep.equal(token('x'))
    expect(header(`Token ${'a '.repeat(100_000)}`)).to.deep.equal(malformed('spaces'))
  })
})
