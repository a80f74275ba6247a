import { expect } from 'chai'
import type { User } from '../../lib/index.js'
import { boundText, dependsOnEpoch } from '../../lib/tokens/bond.js'

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

  it('is null for what is no list, or an empty one', () => {
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
  const alice: User = { id: 1, username: 'alice', password: 'hash', tokenEpoch: 3 }

  it('finds out by trying', () => {
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

  it('does not tell the epoch from nothing where no token can be bound', () => {
    expect(dependsOnEpoch(alice, () => [])).to.equal(false)
  })
})
