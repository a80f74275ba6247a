import { inspect } from 'node:util'
import { expect } from 'chai'
import { newUsername } from '../lib/index.js'
import { ContractViolation } from '../lib/errors.js'
import { canonicalUsername, isActive, isUserId, type User, userIdText } from '../lib/user.js'

function withFlag(flag: unknown): User {
  return { id: 1, username: 'a', password: null, isActive: flag } as User // a row is input, whatever its type says
}

describe('isActive', () => {
  it('is true for true and 1, and for a model without the flag', () => {
    expect(isActive({ id: 1, username: 'a', password: null })).to.equal(true)
    for (const flag of [true, 1, null, undefined]) expect(isActive(withFlag(flag)), String(flag)).to.equal(true)
  })

  it('is false for anything else that a database may return', () => {
    for (const flag of [false, 0, '', '0', '1', 'true', 'f', 't', NaN, 2, -1, 0n, 1n, {}, [], Buffer.from([1])]) {
      expect(isActive(withFlag(flag)), inspect(flag)).to.equal(false)
    }
  })
})

describe('isUserId', () => {
  it('accepts a text that can be sent and sealed', () => {
    for (const id of ['1', '01', ' 1', 'a b', '用户-é', '6f1c1b1e-4c7f-4d0a-9a58-0b6f6b1f0a11', 'x'.repeat(255)]) {
      expect(isUserId(id), id).to.equal(true)
    }
  })

  it('refuses an empty, ill-formed or overlong text, and control characters', () => {
    for (const id of ['', '\ud800', 'a\udfff', '1\0', '\n', '1\n', 'a\u0085', '\x7f', 'x'.repeat(256)]) {
      expect(isUserId(id), JSON.stringify(id)).to.equal(false)
    }
  })
})

describe('userIdText', () => {
  it('is the text of a text, a safe integer and a bigint', () => {
    for (const [id, text] of [
      ['1', '1'],
      ['用户', '用户'],
      ['x'.repeat(255), 'x'.repeat(255)],
      [1, '1'],
      [-5, '-5'],
      [2 ** 53 - 1, '9007199254740991'],
      [2n ** 64n, '18446744073709551616'],
    ] as const) {
      expect(userIdText({ id })).to.equal(text)
    }
  })

  it('throws for anything that could not be looked up again, and does not repeat it', () => {
    const noIds = [undefined, null, '', 'a\0', '\ud800', 'x'.repeat(256), 2 ** 53, 1.5, NaN, true, [1], ['1'], {}]
    for (const id of noIds) {
      expect(() => userIdText({ id }), inspect(id)).to.throw(
        ContractViolation,
        /^user\.id must be a safe integer, [^\0]*$/,
      )
    }
    for (const user of [undefined, null, 1, 'x'] as readonly unknown[]) {
      expect(() => userIdText(user as User), inspect(user)).to.throw(ContractViolation, 'user.id')
    }
  })
})

describe('canonicalUsername', () => {
  it('is NFKC, as Django stores names', () => {
    expect(canonicalUsername('alice')).to.equal('alice')
    expect(canonicalUsername('ａdmin')).to.equal('admin')
    expect(canonicalUsername('ᴮᴵᴳ')).to.equal('BIG')
    expect(canonicalUsername('bo\u0301b')).to.equal('bób')
    expect(canonicalUsername('\u212a')).to.equal('K')
  })

  it('keeps case, accents and blanks apart', () => {
    for (const name of ['Admin', 'ADMIN', 'admin ', ' admin', 'bób', 'bob'])
      expect(canonicalUsername(name)).to.equal(name)
  })

  it('is its own canonical form, whatever it was made of', () => {
    for (let code = 0; code < 0x3_0000; code += 1) {
      const name = canonicalUsername(`a${String.fromCodePoint(code)}`)
      if (name !== null && canonicalUsername(name) !== name) expect.fail(`U+${code.toString(16)} is not idempotent`)
    }
  })

  it('is null for a text that cannot be a user name', () => {
    for (const name of [
      '',
      'admin\0',
      'a\nb',
      'a\x1b[31m',
      '\ud800',
      'a\udfff',
      'x'.repeat(255),
      'x'.repeat(1_000_000),
    ]) {
      expect(canonicalUsername(name), JSON.stringify(name.slice(0, 20))).to.equal(null)
    }
    expect(canonicalUsername('x'.repeat(254))).to.have.lengthOf(254)
  })

  it('counts the length after normalising, too', () => {
    expect(canonicalUsername('\ufb03'.repeat(84))).to.have.lengthOf(252)
    expect(canonicalUsername('\ufb03'.repeat(85))).to.equal(null)
  })
})

describe('newUsername', () => {
  it('is the canonical form', () => {
    expect(newUsername('alice')).to.equal('alice')
    expect(newUsername('ａlice')).to.equal('alice')
    expect(newUsername('Ünï Cødé 用户')).to.equal('Ünï Cødé 用户')
  })

  it('throws for a name that could not log in, or whose display is misleading', () => {
    const hidden = [
      'ad\u200bmin',
      '\u202eadmin',
      'ad\u00admin',
      'admin\u2066',
      'a\u2028b',
      'a\u2029b',
      'a\ue000',
      '\ufeffadmin',
    ]
    const blank = [' admin', 'admin ', '\u00a0admin', 'admin\u3000', ' ', `admin${' '.repeat(3)}`]
    for (const name of ['', 'a\rb', 'a\nb', 'a\0', 'a\x1b[31m', '\ud800', 'x'.repeat(255), ...hidden, ...blank]) {
      expect(() => newUsername(name), JSON.stringify(name)).to.throw(TypeError, 'username')
    }
  })

  it('throws the same for what is not text', () => {
    for (const value of [undefined, null, 7, true, ['alice'], { toString: () => 'alice' }] as readonly unknown[]) {
      expect(() => newUsername(value as string), inspect(value)).to.throw(TypeError, /^username must be/)
    }
  })

  it('does not repeat the name in its error', () => {
    expect(() => newUsername('evil\nname')).to.throw(TypeError, /^[^\n]*$/)
  })
})
