import { mock } from 'node:test'
import { expect } from 'chai'
import { DeadlineExceeded, withDeadline } from '../lib/deadline.js'

describe('withDeadline', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  it('passes on a result, a plain value and what is thrown or rejected with', async () => {
    expect(await withDeadline(1, async () => 'promised')).to.equal('promised')
    expect(await withDeadline(1, () => 'plain')).to.equal('plain')
    const thrown = withDeadline(1, () => {
      throw new RangeError('thrown')
    })
    expect(await reasonOf(thrown)).to.be.instanceOf(RangeError)
    for (const reason of [null, undefined, 'a string']) {
      const rejected = withDeadline(1, () => Promise.reject(reason as unknown as Error)) // stores may reject with anything
      expect(await reasonOf(rejected)).to.equal(reason)
    }
  })

  it('waits until the last millisecond and not longer', async () => {
    let isOver = false
    const late = reasonOf(withDeadline(2, () => new Promise<never>(() => undefined))).finally(() => (isOver = true))
    mock.timers.tick(1999)
    await nextTick()
    expect(isOver).to.equal(false)
    mock.timers.tick(1)
    expect(await late)
      .to.be.instanceOf(DeadlineExceeded)
      .with.property('message', 'a store or a limiter did not respond within 2 s')
  })

  it('aborts the signal of a call that is late, and of no other', async () => {
    const signals: AbortSignal[] = []
    await withDeadline(1, async ({ signal }) => signals.push(signal))
    const late = reasonOf(withDeadline(1, ({ signal }) => new Promise<never>(() => void signals.push(signal))))
    mock.timers.tick(1000)
    const reason = await late
    expect(signals.map((signal) => signal.aborted)).to.deep.equal([false, true])
    expect(signals[1]?.reason).to.equal(reason)
  })

  it('ignores a result that comes too late', async () => {
    const resolves: ((value: string) => void)[] = []
    const late = reasonOf(withDeadline(1, () => new Promise<string>((resolve) => resolves.push(resolve))))
    mock.timers.tick(1000)
    for (const resolve of resolves) resolve('too late')
    expect(resolves).to.have.length(1)
    expect(await late).to.be.instanceOf(DeadlineExceeded)
  })
})

function nextTick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (reason) {
    return reason
  }
  throw new Error('it was fulfilled')
}
