import { expect } from 'chai'
import { basic, type Source, type Verdict } from '../../lib/index.js'

const reader = basic()

function header(authorization: string): Verdict<object> {
  return reader.read({ headers: { authorization } })
}

function encoded(text: string | Buffer): string {
  return Buffer.from(text).toString('base64')
}

function pair(user: string, token: string): object {
  return { ok: true, value: { user, token, scheme: 'Basic' } }
}

describe('basic', () => {
  it('reads a user and a token', () => {
    expect(header('Basic MTphYmM=')).to.deep.equal(pair('1', 'abc'))
    expect(header(`Basic ${encoded('alice@example.com:t5k3p1-00ff')}`)).to.deep.equal(
      pair('alice@example.com', 't5k3p1-00ff'),
    )
  })

  it('accepts its scheme in any case, before any number of blanks', () => {
    for (const scheme of ['basic', 'BASIC', 'bAsIc', 'Basic ', 'Basic    ']) {
      expect(header(`${scheme} MTphYmM=`), scheme).to.deep.equal(pair('1', 'abc'))
    }
  })

  it('splits at the first colon', () => {
    expect(header(`Basic ${encoded('1:a:b')}`)).to.deep.equal(pair('1', 'a:b'))
    expect(header(`Basic ${encoded('1::')}`)).to.deep.equal(pair('1', ':'))
  })

  it('reads UTF-8, and no Latin-1', () => {
    expect(header(`Basic ${encoded('ü:tökén')}`)).to.deep.equal(pair('ü', 'tökén'))
    expect(header(`Basic ${encoded(Buffer.from('ü:x', 'latin1'))}`)).to.include({ ok: false, reason: 'malformed' })
    expect(header(`Basic ${encoded(Buffer.from([0x31, 0x3a, 0xed, 0xa0, 0x80]))}`), 'a surrogate').to.include({
      ok: false,
    })
  })

  it('gives a user', () => {
    expect(reader.givesUser).to.equal(true)
  })

  it('keeps blanks and every other printable character', () => {
    expect(header(`Basic ${encoded(' 1 : x ')}`)).to.deep.equal(pair(' 1 ', ' x '))
    expect(header(`Basic ${encoded('１:💡')}`)).to.deep.equal(pair('１', '💡'))
  })

  describe('missing', () => {
    it('is no header, or one of another scheme', () => {
      expect(reader.read({ headers: {} })).to.deep.equal({ ok: false, reason: 'missing' })
      for (const other of [
        '',
        'Bearer MTphYmM=',
        'Basi MTphYmM=',
        'Basics MTphYmM=',
        'Basic,MTphYmM=',
        ' Basic x',
        'MTphYmM=',
      ]) {
        expect(header(other), other).to.deep.equal({ ok: false, reason: 'missing' })
      }
    })
  })

  describe('malformed', () => {
    const malformed: Readonly<Record<string, string>> = {
      'only a scheme': 'Basic',
      'a scheme and a blank': 'Basic ',
      'a tab behind the scheme': 'Basic\tMTphYmM=',
      'what is not base64': 'Basic  x',
      'too much padding': 'Basic MTphYmM=====',
      'too little padding': 'Basic MTphYmM',
      'something behind the padding': 'Basic MTphYmM=MTphYmM=',
      'a blank within': 'Basic MTph YmM=',
      'a blank at the end': 'Basic MTphYmM= ',
      'a second part': 'Basic MTphYmM= x',
      'a comma and more': 'Basic MTphYmM=, Basic Mjp4',
      'the alphabet of URLs': `Basic ${Buffer.from('1:\u{1F4A1}???~').toString('base64url')}`,
      'bits behind the end': 'Basic MTphYmN=',
      'no colon': 'Basic MQ==',
      'only a colon': `Basic ${encoded(':')}`,
      'an empty user': `Basic ${encoded(':abc')}`,
      'an empty token': `Basic ${encoded('1:')}`,
      'a line break': `Basic ${encoded('1:\n')}`,
      'a control character in the user': `Basic ${encoded('1\0:abc')}`,
      'DEL in the token': `Basic ${encoded('1:abc\x7f')}`,
      'a C1 control character': `Basic ${encoded('1:abc\u0085')}`,
      quotes: 'Basic "MTphYmM="',
    }
    for (const [what, value] of Object.entries(malformed)) {
      it(`is ${what}`, () => {
        expect(header(value)).to.include({ ok: false, reason: 'malformed', scheme: 'Basic' })
      })
    }

    it('is a long run of blanks or padding, refused in linear time', () => {
      for (const value of [`Basic ${' '.repeat(8000)}x`, `Basic ${'='.repeat(8192)}`, `Basic ${' '.repeat(8192)}`]) {
        expect(header(value)).to.include({ ok: false, reason: 'malformed' })
      }
    })

    it('is a second Authorization header, whatever it says', () => {
      const authorization = 'Basic MTphYmM='
      const twice = (name: string, value: string): Source => ({
        headers: { authorization },
        rawHeaders: ['Host', 'example.com', 'Authorization', authorization, 'Accept', '*/*', name, value],
      })
      for (const source of [
        twice('Authorization', authorization),
        twice('authorization', 'Basic Mjp4'),
        twice('AUTHORIZATION', 'Bearer x'),
        twice('AuThOrIzAtIoN', ''),
      ]) {
        expect(reader.read(source)).to.include({ ok: false, reason: 'malformed' })
      }
    })
  })

  it('looks at the names of raw headers, and not at values', () => {
    const authorization = 'Basic MTphYmM='
    const rawHeaders = [
      'X-Note',
      'authorization',
      'Authorization',
      authorization,
      'Authorization-Info',
      'authorization',
    ]
    expect(reader.read({ headers: { authorization }, rawHeaders })).to.deep.equal(pair('1', 'abc'))
    expect(reader.read({ headers: { authorization }, rawHeaders: [] })).to.deep.equal(pair('1', 'abc'))
  })
})
