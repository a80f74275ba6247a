import { expect } from 'chai'
import { readJwt, readObject } from '../../../lib/tokens/jwt/text.js'
import { jwtPart } from '../../support/forged-jwt.js'
import { whilePolluted } from '../../support/polluted.js'

const HEADER = jwtPart({ alg: 'HS256', typ: 'JWT' })
const PAYLOAD = jwtPart({ username: 'alice' })
const SIGNATURE = jwtPart('a signature of 32 bytes, or so it')

function withHeader(header: unknown): string {
  return `${jwtPart(header)}.${PAYLOAD}.${SIGNATURE}`
}

describe('readJwt', () => {
  it('reads the header that matters, and the payload as it is', () => {
    expect(readJwt(`${HEADER}.${PAYLOAD}.${SIGNATURE}`)).to.deep.equal({
      alg: 'HS256',
      kid: undefined,
      asksForMore: false,
      payload: '{"username":"alice"}',
    })
    expect(readJwt(withHeader({ alg: 'RS256', kid: 'a' }))).to.include({ alg: 'RS256', kid: 'a' })
  })

  it('does not look at keys in the header, nor at where they might be', () => {
    const header = {
      alg: 'HS256',
      jwk: {},
      jku: 'http://127.0.0.1:1/',
      x5u: 'http://127.0.0.1:1/',
      x5c: ['x'],
      cty: 'JWT',
    }
    expect(readJwt(withHeader(header))).to.include({ alg: 'HS256', kid: undefined, asksForMore: false })
  })

  it('marks a header that asks for more', () => {
    for (const more of [
      { crit: ['x'] },
      { crit: [] },
      { crit: ['alg'] },
      { crit: null },
      { b64: false },
      { b64: true },
      { kid: 7 },
      { kid: null },
      { kid: ['a'] },
    ]) {
      expect(readJwt(withHeader({ alg: 'HS256', ...more })), JSON.stringify(more)).to.include({ asksForMore: true })
    }
  })

  it('returns the algorithm as it is written, for the kind to compare', () => {
    for (const alg of ['none', 'nOnE', null, ['HS256'], 7, true]) {
      expect(readJwt(withHeader({ alg }))?.alg, JSON.stringify(alg)).to.deep.equal(alg)
    }
    expect(readJwt(withHeader({ typ: 'JWT' }))).to.include({ alg: undefined })
  })

  it('reads three parts, and nothing else', () => {
    const part = jwtPart({ a: 1 })
    expect(readJwt([HEADER, part, part].join('.'))).not.to.equal(null)
    for (const count of [0, 1, 2, 4, 5, 6, 100]) {
      expect(readJwt(Array(count).fill(HEADER).join('.')), `${count} parts`).to.equal(null)
    }
    for (const token of [`.${PAYLOAD}.${SIGNATURE}`, `${HEADER}..${SIGNATURE}`, '..', '.', '']) {
      expect(readJwt(token), token).to.equal(null)
    }
  })

  it('reads no JSON serialization', () => {
    const json = { payload: PAYLOAD, signatures: [{ protected: HEADER, signature: SIGNATURE }] }
    const flat = { payload: PAYLOAD, protected: HEADER, signature: SIGNATURE }
    for (const form of [json, flat]) expect(readJwt(JSON.stringify(form))).to.equal(null)
  })

  it('reads base64url only in its canonical form', () => {
    const good = `${HEADER}.${PAYLOAD}.${SIGNATURE}`
    expect(readJwt(good)).not.to.equal(null)
    for (const token of [
      `${good}=`,
      `${good}\n`,
      ` ${good}`,
      `${HEADER}=.${PAYLOAD}.${SIGNATURE}`,
      `${HEADER}.${PAYLOAD} .${SIGNATURE}`,
      `${HEADER}.${PAYLOAD}.${SIGNATURE.slice(0, 4)}+${SIGNATURE.slice(5)}`,
      `${HEADER}.${PAYLOAD}.${SIGNATURE.slice(0, 4)}/${SIGNATURE.slice(5)}`,
      `${HEADER}.${PAYLOAD}.AB`, // the last four bits must be zero
      `${HEADER}.${PAYLOAD}.A`,
      `${HEADER}.${PAYLOAD}.ü`,
    ]) {
      expect(readJwt(token), token).to.equal(null)
    }
    expect(readJwt(`${HEADER}.${PAYLOAD}.AA`)).not.to.equal(null)
  })

  it('reads a header only if it is a JSON object', () => {
    for (const header of ['[]', '"HS256"', 'null', '7', '{', '', '{"alg":"HS256"} x', '\ufeff{"alg":"HS256"}']) {
      expect(readJwt(`${jwtPart(header)}.${PAYLOAD}.${SIGNATURE}`), header).to.equal(null)
    }
  })

  it('reads 8192 characters and no more', () => {
    const start = `${HEADER}.`
    const filled = (length: number): string => {
      const body = length - start.length - SIGNATURE.length - 1
      return `${start}${'A'.repeat(body)}.${SIGNATURE}`
    }
    // A part of 4n + 1 characters is not base64url.
    const fits = [8192, 8191, 8190, 8189].map(filled).map((token) => readJwt(token) !== null)
    expect(fits.filter(Boolean)).to.have.lengthOf(3)
    expect([8193, 8194, 8195, 8196].map(filled).map(readJwt)).to.deep.equal([null, null, null, null])
    expect(readJwt('a'.repeat(5_000_000))).to.equal(null)
    expect(readJwt('.'.repeat(5_000_000))).to.equal(null)
  })
})

describe('readObject', () => {
  it('reads an object, and nothing else', () => {
    expect(readObject('{"a":1}')).to.deep.equal({ a: 1 })
    for (const json of ['[]', '"a"', 'null', '1', 'true', '', '{', '{}x', "{'a':1}", 'NaN']) {
      expect(readObject(json), json).to.equal(null)
    }
  })

  it('keeps __proto__ as a key of its own', () => {
    const read = readObject('{"__proto__":{"polluted":true}}')
    expect(Object.keys(read ?? {})).to.deep.equal(['__proto__'])
    expect({}).not.to.have.property('polluted')
  })

  it('returns null for what is nested too deeply, or reads it, and never throws', () => {
    for (const json of ['['.repeat(100_000), '{"a":'.repeat(100_000), `{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`]) {
      expect(() => readObject(json)).not.to.throw()
    }
    expect(readObject('{"a":'.repeat(100_000))).to.equal(null)
  })

  it('reads nothing from a polluted Object.prototype', async () => {
    await whilePolluted({ exp: 9_999_999_999, alg: 'HS256', kid: 'x', crit: [] }, () => {
      expect(readObject('{}')?.['exp']).to.equal(undefined)
      expect(readJwt(`${jwtPart({})}.${jwtPart({})}.AA`)).to.include({
        alg: undefined,
        kid: undefined,
        asksForMore: false,
      })
    })
  })
})
