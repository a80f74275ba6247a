import { expect } from 'chai'
import { endOfTick } from '../../lib/koa/tick.js'

describe('endOfTick', () => {
  it('resolves for all who wait within a tick at once, in their order, after its microtasks', async () => {
    const said: string[] = []
    const first = endOfTick().then(() => said.push('first'))
    await Promise.resolve()
    const second = endOfTick().then(() => said.push('second'))
    said.push('still the same tick')
    await Promise.all([first, second])
    expect(said).to.deep.equal(['still the same tick', 'first', 'second'])
  })

  it('resolves again in the next tick', async () => {
    await endOfTick()
    let isOver = false
    const next = endOfTick().then(() => (isOver = true))
    await Promise.resolve()
    expect(isOver).to.equal(false)
    await next
  })
})
