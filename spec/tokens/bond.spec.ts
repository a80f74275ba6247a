import { expect } from 'chai'
import type { User } from '../../lib/index.js'
import { ContractViolation } from '../../lib/errors.js'
import { boundText, boundToOption, bumpBoundEpoch, issueBond, verifyBond } from '../../lib/tokens/bond.js'

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
  return [user.password, user.tokenEpoch ?? 0]
}

function raised(user: User): User {
  return { ...user, tokenEpoch: (user.tokenEpoch ?? 0) + 1 }
}

async function codeAfter(after: User): Promise<unknown> {
  try {
    await bumpBoundEpoch(alice, epochOf, async () => after)
    return 'done'
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

describe('bumpBoundEpoch', () => {
  it('is done when what the tokens are bound to has changed', async () => {
    expect(await codeAfter(raised(alice))).to.equal('done')
    expect(await codeAfter({ ...alice, password: 'new' })).to.equal('done')
  })

  it('rejects if it has not: nothing was written, or rows do not show it', async () => {
    expect(await codeAfter(alice)).to.equal('ERR_REVOKE_NO_EFFECT')
    expect(await codeAfter({ ...alice, username: 'renamed' })).to.equal('ERR_REVOKE_NO_EFFECT')
  })

  it('rejects before anything is written if boundTo does not include the epoch', async () => {
    let bumps = 0
    const bump = async (): Promise<User> => {
      bumps += 1
      return raised(alice)
    }
    const error = await bumpBoundEpoch(alice, (user) => [user.password], bump).catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(ContractViolation).with.property('message').that.includes('tokenEpoch')
    const hidden = Object.defineProperty({ ...alice }, 'password', { enumerable: false })
    await bumpBoundEpoch(hidden, epochOf, bump)
    expect(bumps).to.equal(1)
  })

  it('works for a store that returns one object for a user every time', async () => {
    const live = { ...alice }
    const bump = async (): Promise<User> => Object.assign(live, raised(live))
    await bumpBoundEpoch(live, epochOf, bump)
    expect(live.tokenEpoch).to.equal(4)
  })

  it('works for instances of a class with private fields, and for epochs that are bigints', async () => {
    class Member implements User {
      readonly id = 1
      readonly username = 'alice'
      readonly password = 'hash'
      #epoch: bigint
      constructor(epoch: bigint) {
        this.#epoch = epoch
      }
      get epoch(): bigint {
        return this.#epoch
      }
    }
    const boundTo = (member: Member): readonly unknown[] => [member.password, member.epoch]
    await bumpBoundEpoch(new Member(7n), boundTo, async () => new Member(8n))
    const same = await bumpBoundEpoch(new Member(7n), boundTo, async () => new Member(7n)).catch(
      (error: unknown) => error,
    )
    expect(same).to.have.property('code', 'ERR_REVOKE_NO_EFFECT')
  })

  it('is done for a user that no token can be bound to: none is good', async () => {
    expect(await codeAfter({ ...alice, password: null })).to.equal('done')
  })
})
