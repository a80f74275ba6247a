import { createSecretKey } from 'node:crypto'
import { expect } from 'chai'
import {
  chainedTag,
  deriveKey,
  digest,
  equalBytes,
  equalTexts,
  field,
  hmac,
  hmacSha256,
  randomLoginId,
  randomToken,
  saltedKey,
  type Secret,
  secretList,
} from '../lib/crypto.js'
import { knownAnswers } from './support/vectors.js'

const GOOD = 'x'.repeat(32)

describe('secretList', () => {
  it('is a list of one to five', () => {
    expect(secretList(GOOD)).to.deep.equal([GOOD])
    expect(secretList([GOOD, `${GOOD}y`])).to.deep.equal([GOOD, `${GOOD}y`])
    expect(secretList(Array<string>(5).fill(GOOD))).to.have.lengthOf(5)
  })

  it('counts UTF-8 bytes, 32 unless fewer are asked for', () => {
    expect(secretList('ü'.repeat(16))).to.have.lengthOf(1)
    expect(() => secretList(`${'ü'.repeat(15)}x`)).to.throw(TypeError, '32')
    expect(secretList('x', 1)).to.deep.equal(['x'])
    expect(() => secretList(GOOD, 33)).to.throw(TypeError, '33')
  })

  it('keeps its list when the caller changes theirs', () => {
    const mine = [GOOD]
    const list = secretList(mine)
    mine.push('y')
    expect(list).to.deep.equal([GOOD])
  })

  it('throws for anything else', () => {
    const wrong = [undefined, null, '', [], [''], [GOOD, ''], [GOOD, undefined], Array<string>(6).fill(GOOD), 1, {}]
    for (const secret of [...wrong, Buffer.alloc(32), [[GOOD]], `\ud800${GOOD}`]) {
      // What an untyped application may pass.
      expect(() => secretList(secret as Secret, 1), JSON.stringify(secret)).to.throw(TypeError, 'secret')
    }
    for (const least of [0, -1, NaN, 1.5, Infinity]) {
      expect(() => secretList(GOOD, least), String(least)).to.throw(TypeError, 'minSecretBytes')
    }
  })
})

describe('field', () => {
  it('is the length in UTF-8 bytes, a colon and the text', () => {
    expect(field('')).to.equal('0:')
    expect(field('a:b')).to.equal('3:a:b')
    expect(field('üñ💡')).to.equal('8:üñ💡')
  })
})

describe('deriveKey', () => {
  it('gives the keys of the sealed pair', () => {
    // As the file is written.
    const vectors = knownAnswers('sealed_pair') as readonly Readonly<
      Record<'secret' | 'audience' | 'purpose' | 'sealKey' | 'bondKey', string>
    >[]
    expect(vectors).to.have.lengthOf(167)
    for (const { secret, audience, purpose, sealKey, bondKey } of vectors) {
      const use = field(audience) + field(purpose)
      const keyOf = (tag: string): string =>
        deriveKey(secret, field(`koa-tokenapi/sealed-pair/2/${tag}`) + use)
          .export()
          .toString('hex')
      expect([keyOf('seal'), keyOf('bond')]).to.deep.equal([sealKey, bondKey])
    }
  })
})

describe('hmac and saltedKey', () => {
  it('are Django’s salted_hmac', () => {
    // As the file is written.
    const { vectors } = knownAnswers('salted_hmac') as {
      vectors: readonly Readonly<Record<'key_salt' | 'value' | 'secret' | 'algorithm' | 'hex', string>>[]
    }
    let tried = 0
    for (const { key_salt, value, secret, algorithm, hex } of vectors) {
      if (algorithm !== 'sha1' && algorithm !== 'sha256') continue
      tried += 1
      expect(hmac(algorithm, saltedKey(algorithm, key_salt, secret), value).toString('hex')).to.equal(hex)
    }
    expect(tried).to.be.above(10)
  })
})

describe('hmacSha256', () => {
  it('is HMAC-SHA-256 (RFC 4231, 4.3)', () => {
    const mac = hmacSha256(createSecretKey(Buffer.from('Jefe')))
    const tag = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
    expect(mac('what do ya want for nothing?')).to.equal(tag)
  })

  it('is what createHmac makes, for keys of up to 64 bytes and texts of any length', () => {
    for (const bytes of [1, 32, 63, 64]) {
      const key = createSecretKey(Buffer.alloc(bytes, bytes))
      const mac = hmacSha256(key)
      for (const text of ['', 'abc', 'üñ💡', '\0', 'x'.repeat(63), 'ü'.repeat(10_000)]) {
        expect(mac(text)).to.equal(hmac('sha256', key, text).toString('hex'))
      }
    }
  })

  it('keeps its key apart from those of others, while texts grow', () => {
    const macs = [1, 2, 3].map((fill) => hmacSha256(createSecretKey(Buffer.alloc(32, fill))))
    const before = macs.map((mac) => mac('abc'))
    macs[1]?.('x'.repeat(10_000))
    chainedTag('f'.repeat(32), 'x'.repeat(10_000))
    expect(macs.map((mac) => mac('abc'))).to.deep.equal(before)
    expect(new Set(before).size).to.equal(3)
  })

  it('takes no longer key', () => {
    expect(() => hmacSha256(createSecretKey(Buffer.alloc(65)))).to.throw(TypeError, 'key')
  })
})

describe('chainedTag', () => {
  it('is the first half of the tag that createHmac makes with the tag before as its key', () => {
    let tag = '00'.repeat(16)
    for (const text of ['', '7:etop2vd', 'üñ💡', 'x'.repeat(10_000), '\0']) {
      const next = hmac('sha256', createSecretKey(Buffer.from(tag, 'hex')), text)
        .toString('hex')
        .slice(0, 32)
      expect(chainedTag(tag, text)).to.equal(next)
      tag = next
    }
  })
})

describe('randomLoginId', () => {
  it('is 10 digits of base 36, never the same, with every digit in every place', () => {
    const ids = Array.from({ length: 2000 }, () => randomLoginId())
    expect(new Set(ids).size).to.equal(2000)
    for (const id of ids) expect(id).to.match(/^[0-9a-z]{10}$/)
    for (let at = 0; at < 10; at += 1) expect(new Set(ids.map((id) => id[at])).size, String(at)).to.equal(36)
  })
})

describe('digest', () => {
  it('is SHA-256 in hex (FIPS 180-2, B.1)', () => {
    expect(digest('abc')).to.equal('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })
})

describe('randomToken', () => {
  it('is 256 bits in 43 characters for URLs, never the same', () => {
    const tokens = Array.from({ length: 1000 }, () => randomToken())
    expect(new Set(tokens).size).to.equal(1000)
    for (const token of tokens) expect(token).to.match(/^[A-Za-z0-9_-]{43}$/)
  })
})

describe('equalTexts and equalBytes', () => {
  it('compare the whole', () => {
    expect(equalTexts('abc', 'abc')).to.equal(true)
    for (const other of ['abd', 'ab', 'abcd', '', 'ABC', 'äbc']) expect(equalTexts('abc', other), other).to.equal(false)
    expect(equalTexts('', '')).to.equal(true)
    expect(equalBytes(Buffer.from([1, 2]), Uint8Array.of(1, 2))).to.equal(true)
    expect(equalBytes(Buffer.from([1, 2]), Buffer.from([1, 2, 0]))).to.equal(false)
  })
})
