import { expect } from 'chai'
import { type OnEvent, teller, type TokenEvent } from '../lib/event.js'
import { warningsOf } from './support/warnings.js'

const event: TokenEvent = { type: 'token-refused', reason: 'invalid' }

describe('teller', () => {
  it('tells at once, in order, what it is given', () => {
    const heard: TokenEvent[] = []
    const tell = teller((one) => void heard.push(one))
    tell(event)
    tell({ type: 'login', userId: '1' })
    expect(heard).to.deep.equal([event, { type: 'login', userId: '1' }])
    expect(heard[0]).to.equal(event)
  })

  it('tells nobody where nobody listens', () => {
    expect(teller(undefined)(event)).to.equal(undefined)
  })

  it('makes a warning of a listener that throws, without its message', async () => {
    const tell = teller(() => {
      throw new RangeError('secret message')
    })
    expect(await warningsOf(() => tell(event))).to.deep.equal(['onEvent threw RangeError'])
  })

  it('makes a warning of one that rejects, too', async () => {
    const tell = teller(() => Promise.reject(new RangeError('secret message')))
    expect(await warningsOf(() => tell(event))).to.deep.equal(['onEvent threw RangeError'])
  })

  it('survives a listener that throws no error', async () => {
    const thrown: unknown = undefined
    const tell = teller(() => {
      throw thrown
    })
    expect(await warningsOf(() => tell(event))).to.deep.equal(['onEvent threw undefined'])
  })

  it('takes nothing but a function', () => {
    for (const listener of [null, 'log', {}, true]) {
      // What an untyped application may pass.
      expect(() => teller(listener as unknown as OnEvent)).to.throw(TypeError, 'onEvent')
    }
  })
})
