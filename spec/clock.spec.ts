import { expect } from 'chai'
import { type Clock, isInFuture, spanOption, systemClock, wholeClock, wholeSpan } from '../lib/clock.js'
import { ContractViolation } from '../lib/errors.js'

const frozen: Clock = () => 1795000000

describe('systemClock', () => {
  it('returns the whole seconds of this machine', () => {
    const before = Math.floor(Date.now() / 1000)
    const now = systemClock()
    expect(now)
      .to.satisfy(Number.isSafeInteger)
      .and.to.be.within(before, Math.floor(Date.now() / 1000))
  })
})

describe('wholeClock', () => {
  it('is the clock that was given, or that of the machine', () => {
    expect(wholeClock(frozen)()).to.equal(frozen())
    expect(wholeClock()).to.equal(systemClock)
  })

  it('is checked each time it is read', () => {
    let now: number = 1795000000
    const clock = wholeClock(() => now)
    for (const later of [NaN, Infinity, -1, 1795000000.5]) {
      now = later
      expect(clock, String(later)).to.throw(TypeError, 'clock')
    }
    now = 1795000001
    expect(clock()).to.equal(1795000001)
  })

  it('takes every second from 1970 to the year 9999', () => {
    for (const time of [0, 253402300799]) expect(wholeClock(() => time)()).to.equal(time)
  })

  it('throws for a clock of another kind', () => {
    for (const time of [NaN, Infinity, 1.5, -1, 1795000000000, Date.UTC(2001, 8, 10)]) {
      expect(() => wholeClock(() => time), String(time)).to.throw(TypeError, 'clock')
    }
    for (const clock of [null, 1795000000, '1795000000', {}, () => '1795000000', () => new Date(0), () => 0n]) {
      // What an untyped application may pass.
      expect(() => wholeClock(clock as Clock), typeof clock).to.throw(TypeError, 'clock')
    }
  })
})

describe('isInFuture', () => {
  it('allows 60 s for clocks that differ', () => {
    expect(isInFuture(frozen() + 60, frozen())).to.equal(false)
    expect(isInFuture(frozen() + 61, frozen())).to.equal(true)
    expect(isInFuture(0, frozen())).to.equal(false)
  })

  it('allows the leeway if that is larger, and never less than 60 s', () => {
    expect(isInFuture(frozen() + 90, frozen(), 90)).to.equal(false)
    expect(isInFuture(frozen() + 91, frozen(), 90)).to.equal(true)
    expect(isInFuture(frozen() + 60, frozen(), 0)).to.equal(false)
    expect(isInFuture(frozen() + 61, frozen(), 0)).to.equal(true)
  })

  it('is true for what cannot be compared', () => {
    for (const time of [NaN, Infinity]) expect(isInFuture(time, frozen())).to.equal(true)
    expect(isInFuture(frozen(), NaN)).to.equal(true)
  })
})

describe('wholeSpan', () => {
  it('is a whole number from the least on', () => {
    expect(wholeSpan('lifetime', 1)).to.equal(1)
    expect(wholeSpan('timeoutDays', 0, 0)).to.equal(0)
    expect(wholeSpan('lifetime', 2 ** 53 - 1)).to.equal(2 ** 53 - 1)
  })

  it('names the option that is not one', () => {
    for (const value of [0, -1, NaN, Infinity, 0.5, 2 ** 53, '7', null, undefined, true, [7], 7n]) {
      expect(() => wholeSpan('lifetime', value), String(value)).to.throw(TypeError, 'lifetime')
    }
    expect(() => wholeSpan('timeoutDays', -1, 0)).to.throw(TypeError, 'timeoutDays')
  })

  it('throws an error that is safe to log, since a function may return it long after start-up', () => {
    expect(() => wholeSpan('lifetime', '7')).to.throw(ContractViolation, 'lifetime')
  })
})

describe('spanOption', () => {
  it('has its default only if the option is absent', () => {
    expect(spanOption({}, 'lifetime', 300)).to.equal(300)
    expect(spanOption({ lifetime: 5 }, 'lifetime', 300)).to.equal(5)
    expect(() => spanOption({ lifetime: undefined }, 'lifetime', 300)).to.throw(TypeError, 'lifetime')
    expect(() => spanOption({ leeway: -1 }, 'leeway', 0, 0)).to.throw(TypeError, 'leeway')
  })
})
