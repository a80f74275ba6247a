import { expect } from 'chai'
import type { User } from '../../lib/index.js'
import { ContractViolation } from '../../lib/errors.js'
import { boundText, boundToOption, dependsOnEpoch, issueBond, verifyBond } from '../../lib/tokens/bond.js'

const alice: User = { id: 1, username: 'alice', password: 'hash', tokenEpoch: 3 }
const mac = (bound: string): string => `mac of ${bound}`
/** Values that no token can be bound to, as an application without types may return them. */
const unbindable: readonly unknown[] = [
  undefined,
  null,
  [],
  'text',
  [null],
  ['good', ''],
  [new Date()],
  [Promise.resolve(1)],
]

function failing(): never {
  throw new RangeError('a bug')
}

function returning(values: unknown): () => readonly unknown[] {
  return () => values as readonly unknown[] // see above
}

describe('issueBond', () => {
  it('returns the MAC over the bound values', () => {
    expect(issueBond(alice, (user) => [user.password, user.tokenEpoch], mac)).to.equal('mac of 4:hash1:3')
  })

  it('throws a contract violation that names boundTo for values that no token can be bound to', () => {
    for (const values of unbindable) {
      expect(() => issueBond(alice, returning(values), mac)).to.throw(ContractViolation, 'boundTo')
    }
  })
})

describe('verifyBond', () => {
  const bond = issueBond(alice, (user) => [user.password], mac)

  it('holds until a bound value changes', () => {
    expect(verifyBond(bond, alice, (user) => [user.password], mac)).to.equal(true)
    expect(verifyBond(bond, { ...alice, username: 'other' }, (user) => [user.password], mac)).to.equal(true)
    expect(verifyBond(bond, { ...alice, password: 'new' }, (user) => [user.password], mac)).to.equal(false)
  })

  it('is false for a bond that is not text', () => {
    for (const other of [undefined, null, '', 7, {}, [bond], bond.slice(1), `${bond} `]) {
      expect(
        verifyBond(other, alice, (user) => [user.password], mac),
        typeof other,
      ).to.equal(false)
    }
  })

  it('is false for values that no token can be bound to, whatever the MAC returns', () => {
    for (const values of unbindable) expect(verifyBond('', alice, returning(values), () => '')).to.equal(false)
  })

  it('passes an error of boundTo on', () => {
    expect(() => verifyBond(bond, alice, failing, mac)).to.throw(RangeError, 'a bug')
  })
})

describe('boundToOption', () => {
  it('takes only a function', () => {
    expect(boundToOption(mac)).to.equal(mac)
    for (const value of [undefined, null, 'password', ['password'], {}]) {
      expect(() => boundToOption(value)).to.throw(TypeError, 'boundTo')
    }
  })
})

describe('boundText', () => {
  it('keeps every list of values apart from every other', () => {
    const lists: readonly (readonly unknown[])[] = [
      ['ab', 'c'],
      ['a', 'bc'],
      ['abc'],
      ['ab', 'c', 'c'],
      ['1:a1:b'],
      ['a', 'b'],
      ['ü'],
      ['u\u0308'],
      [0],
      [-1],
      [true],
      [false],
      [2 ** 53 - 1],
      [2n ** 64n],
      [' '],
    ]
    const texts = lists.map((list) => boundText(list))
    expect(texts).not.to.include(null)
    expect(new Set(texts).size).to.equal(lists.length)
  })

  it('counts UTF-8 bytes, as the format says', () => {
    expect(boundText(['ü', 7, true])).to.equal('2:ü1:74:true')
  })

  it('takes a value for its text, whatever its type', () => {
    expect(boundText([1]))
      .to.equal(boundText(['1']))
      .and.to.equal(boundText([1n]))
  })

  it('is null for an empty list and for anything else', () => {
    for (const values of [undefined, null, [], {}, 'text', new Set(['x']), { length: 1, 0: 'x' }]) {
      expect(boundText(values)).to.equal(null)
    }
  })

  it('is null where one value among good ones cannot be bound', () => {
    for (const value of [
      undefined,
      null,
      '',
      '\udfff',
      0.1,
      NaN,
      -Infinity,
      2 ** 53,
      new Date(),
      [],
      {},
      Symbol('x'),
    ]) {
      expect(boundText(['good', value, 1]), typeof value).to.equal(null)
    }
  })
})

function epochOf(user: User): readonly unknown[] {
  return [user.tokenEpoch ?? 0]
}

describe('dependsOnEpoch', () => {
  it('tries it', () => {
    expect(dependsOnEpoch(alice, (user) => [user.password, user.tokenEpoch])).to.equal(true)
    expect(dependsOnEpoch(alice, (user) => [`${user.password}/${user.tokenEpoch}`])).to.equal(true)
    expect(dependsOnEpoch(alice, (user) => [user.password])).to.equal(false)
  })

  it('starts at 0 where there is no epoch yet', () => {
    expect(dependsOnEpoch({ ...alice, tokenEpoch: null }, epochOf)).to.equal(true)
    expect(dependsOnEpoch({ id: 1, username: 'alice', password: 'hash' }, epochOf)).to.equal(true)
  })

  it('sees properties that are not enumerable, and changes nothing', () => {
    const hidden = Object.defineProperty({ ...alice }, 'password', { value: 'hash', enumerable: false })
    expect(dependsOnEpoch(hidden, (user) => [user.password, user.tokenEpoch])).to.equal(true)
    expect(hidden.tokenEpoch).to.equal(3)
  })

  it('raises an epoch that the driver returned as a bigint', () => {
    const row = { ...alice, tokenEpoch: 2n ** 53n } as unknown as User // as a pg type parser may return it
    expect(dependsOnEpoch(row, (user) => [user.password, user.tokenEpoch])).to.equal(true)
    expect(dependsOnEpoch(row, (user) => [user.password])).to.equal(false)
  })

  it('is true for a class whose private fields cannot be tried', () => {
    class Account implements User {
      readonly id = 1
      readonly username = 'alice'
      readonly #password = 'hash'
      readonly #epoch = 3
      get password(): string {
        return this.#password
      }
      get tokenEpoch(): number {
        return this.#epoch
      }
      bond(): string {
        return `${this.#password}/${this.#epoch}`
      }
    }
    expect(dependsOnEpoch(new Account(), (user) => [user.password, user.tokenEpoch])).to.equal(true)
    expect(dependsOnEpoch(new Account(), (user) => [user.bond()])).to.equal(true)
  })

  it('passes on what boundTo throws for the user itself', () => {
    expect(() => dependsOnEpoch(alice, failing)).to.throw(RangeError)
  })

  it('is false where there is no bound value', () => {
    expect(dependsOnEpoch(alice, () => [])).to.equal(false)
  })
})
