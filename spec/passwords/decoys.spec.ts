import { expect } from 'chai'
import { decoys, type Decoys } from '../../lib/passwords/decoys.js'
import type { StoredHash } from '../../lib/index.js'

const KEY = 'the key of this spec'

interface Known {
  readonly stored: StoredHash
  readonly cost: string
}

function hashOf(cost: string): Known {
  return { cost, stored: { verify: async () => false, outdated: false, cost } }
}

const [first, cheap, dear] = [hashOf('first'), hashOf('cheap'), hashOf('dear')]
const NAMES = Array.from({ length: 2000 }, (_, at) => `unknown ${at}`)

/** Decoys after accounts of some costs were seen, in this order. */
function after(...accounts: readonly Known[]): Decoys {
  const chosen = decoys({ first: first.stored, key: KEY })
  for (const [at, known] of accounts.entries()) chosen.see(`user ${at}`, known)
  return chosen
}

function list(length: number, stored: Known): readonly Known[] {
  return Array.from({ length }, () => stored)
}

function shareOf(wanted: Known, chosen: Decoys): number {
  return NAMES.filter((name) => chosen.for(name) === wanted.stored).length / NAMES.length
}

/** The share of names whose cost differs. */
function changed(one: Decoys, other: Decoys): number {
  return NAMES.filter((name) => one.for(name).cost !== other.for(name).cost).length / NAMES.length
}

describe('decoys', () => {
  it('are the first hasher’s until an account was seen, and from then on never', () => {
    expect(shareOf(first, after())).to.equal(1)
    expect(shareOf(cheap, after(cheap))).to.equal(1)
    expect(shareOf(first, after(cheap, dear))).to.equal(0)
  })

  it('cost what the accounts cost, in the same proportions', () => {
    expect(shareOf(dear, after(...list(64, cheap), ...list(64, dear)))).to.be.within(0.46, 0.54)
    expect(shareOf(dear, after(...list(112, cheap), ...list(16, dear)))).to.be.within(0.1, 0.15)
    expect(shareOf(dear, after(...list(64, dear)))).to.equal(1)
  })

  it('stay the same for a name, no matter who logs in between', () => {
    const chosen = after(cheap, dear, cheap, dear)
    const before = NAMES.map((name) => chosen.for(name))
    for (let round = 0; round < 100; round += 1) {
      chosen.see('user 0', cheap)
      chosen.see(`user 1`, dear)
    }
    expect(NAMES.map((name) => chosen.for(name))).to.deep.equal(before)
  })

  it('count an account once, however often it logs in', () => {
    const chosen = decoys({ first: first.stored, key: KEY })
    for (let login = 0; login < 1000; login += 1) chosen.see('attacker', dear)
    for (const [at, stored] of list(63, cheap).entries()) chosen.see(`user ${at}`, stored)
    expect(shareOf(dear, chosen)).to.be.below(0.04)
  })

  it('do not show that an account was seen: they change only when the number of accounts has doubled', () => {
    const [four, seven] = [after(...list(4, cheap)), after(...list(4, cheap), ...list(3, dear))]
    expect(changed(four, seven)).to.equal(0)
    expect(changed(four, after(...list(4, cheap), ...list(4, dear)))).to.be.within(0.45, 0.55)
  })

  it('change for few names when the proportions change a little', () => {
    const [one, other] = [after(...list(32, cheap), ...list(32, dear)), after(...list(30, cheap), ...list(34, dear))]
    expect(changed(one, other)).to.be.within(0.01, 0.06)
  })

  it('change no more after 1024 accounts', () => {
    const [full, fuller] = [after(...list(1024, cheap)), after(...list(1024, cheap), ...list(4096, dear))]
    expect(changed(full, fuller)).to.equal(0)
  })

  it('are chosen alike by processes with one key, and differently with another', () => {
    const accounts = [...list(32, cheap), ...list(32, dear)]
    expect(changed(after(...accounts), after(...accounts.toReversed()))).to.equal(0)
    const [one, other] = [decoys({ first: first.stored }), decoys({ first: first.stored })]
    for (const [at, stored] of accounts.entries()) for (const each of [one, other]) each.see(`user ${at}`, stored)
    expect(changed(one, other)).to.be.within(0.4, 0.6)
  })
})
