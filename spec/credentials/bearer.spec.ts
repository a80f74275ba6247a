import { expect } from 'chai'
import { bearer, type Source, type Verdict } from '../../lib/index.js'

const TAGS = '0123456789abcdef'.repeat(4)
const reader = bearer()

function header(authorization: string): Verdict<object> {
  return reader.read({ headers: { authorization } })
}

function pair(user: string, token: string): object {
  return { ok: true, value: { user, token, scheme: 'Bearer' } }
}

describe('bearer', () => {
  it('reads a user and a token, split at the first "."', () => {
    expect(header(`Bearer 1.top2v4-${TAGS}`)).to.deep.equal(pair('1', `top2v4-${TAGS}`))
    const limited = `top2v4~a0~d0123456789.etop2ws.sYQ-${TAGS}`
    expect(header(`Bearer 42.${limited}`)).to.deep.equal(pair('42', limited))
    expect(header('Bearer 1.2.x')).to.deep.equal(pair('1', '2.x'))
  })

  it('reads ids of 1 to 200 of [A-Za-z0-9_-]', () => {
    for (const id of ['1', '-5', '6f1c1b1e-4c7f-4d0a-9a58-0b6f6b1f0a11', 'A_z', 'x'.repeat(200)])
      expect(header(`Bearer ${id}.x`)).to.deep.equal(pair(id, 'x'))
    for (const id of ['', 'x'.repeat(201), 'a:b', 'ü', 'a@b', '1 ', '1\t', '%31', '1/2', '１'])
      expect(header(`Bearer ${id}.x`), id).to.deep.equal({ ok: false, reason: 'malformed', scheme: 'Bearer' })
  })

  it('accepts the scheme in any case, before any number of blanks', () => {
    for (const scheme of ['bearer', 'BEARER', 'bEaReR ', 'Bearer    '])
      expect(header(`${scheme} 1.x`), scheme).to.deep.equal(pair('1', 'x'))
  })

  it('is malformed, by the name of its scheme, for anything else', () => {
    for (const value of [
      'Bearer',
      'Bearer ',
      'Bearer\t1.x',
      'Bearer x',
      `Bearer top2v4-${TAGS}`,
      'Bearer .x',
      'Bearer 1.',
      'Bearer .',
      'Bearer 1.x y',
      'Bearer 1.x\ty',
      'Bearer 1.x,',
      'Bearer "1.x"',
      'Bearer 1.ü',
      'Bearer 1.x\0',
      'Bearer 1.x:y',
      `Bearer ${'x'.repeat(100_000)}`,
      `Bearer ${' '.repeat(8000)}x`,
    ]) {
      expect(header(value), value.slice(0, 40)).to.include({ ok: false, reason: 'malformed', scheme: 'Bearer' })
    }
  })

  it('is missing without the header, and in another scheme', () => {
    expect(reader.read({ headers: {} })).to.deep.equal({ ok: false, reason: 'missing' })
    for (const value of ['', 'Basic MTp4', 'Bearers 1.x', 'Beare 1.x', ' Bearer 1.x', '1.x'])
      expect(header(value), value).to.deep.equal({ ok: false, reason: 'missing' })
  })

  it('refuses a second header', () => {
    const authorization = 'Bearer 1.x'
    const source: Source = {
      headers: { authorization },
      rawHeaders: ['Authorization', authorization, 'authorization', 'Basic MTp4'],
    }
    expect(reader.read(source)).to.deep.equal({ ok: false, reason: 'malformed', detail: 'repeated' })
  })

  it('gives a user', () => {
    expect(reader.givesUser).to.equal(true)
  })
})
