import { expect } from 'chai'
import { endOfTurn } from '../../lib/koa/turn.js'

describe('endOfTurn', () => {
  it('comes for all who ask within a turn at once, in their order, after its microtasks', async () => {
    const said: string[] = []
    const first = endOfTurn().then(() => said.push('first'))
    await Promise.resolve()
    const second = endOfTurn().then(() => said.push('second'))
    said.push('still the same turn')
    await Promise.all([first, second])
    expect(said).to.deep.equal(['still the same turn', 'first', 'second'])
  })

  it('comes again in the next turn', async () => {
    await endOfTurn()
    let isOver = false
    const next = endOfTurn().then(() => (isOver = true))
    await Promise.resolve()
    expect(isOver).to.equal(false)
    await next
  })
})
