import { expect } from 'chai'
import { type OnEvent, reporter, type TokenEvent } from '../lib/event.js'
import { warningsOf } from './support/warnings.js'

const event: TokenEvent = { type: 'token-refused', reason: 'invalid' }

describe('reporter', () => {
  it('calls the listener at once, in order', () => {
    const heard: TokenEvent[] = []
    const { emit } = reporter((one) => void heard.push(one))
    emit(event)
    emit({ type: 'login', userId: '1' })
    expect(heard).to.deep.equal([event, { type: 'login', userId: '1' }])
    expect(heard[0]).to.equal(event)
  })

  it('does nothing without a listener', () => {
    expect(reporter(undefined).emit(event)).to.equal(undefined)
  })

  it('turns a listener that throws into a warning, without its message', async () => {
    const { emit } = reporter(() => {
      throw new RangeError('secret message')
    })
    expect(await warningsOf(() => emit(event))).to.deep.equal(['onEvent threw RangeError'])
  })

  it('turns a listener that rejects into a warning, too', async () => {
    const { emit } = reporter(() => Promise.reject(new RangeError('secret message')))
    expect(await warningsOf(() => emit(event))).to.deep.equal(['onEvent threw RangeError'])
  })

  it('survives a listener that throws something other than an Error', async () => {
    const thrown: unknown = undefined
    const { emit } = reporter(() => {
      throw thrown
    })
    expect(await warningsOf(() => emit(event))).to.deep.equal(['onEvent threw undefined'])
  })

  it('accepts only a function', () => {
    for (const listener of [null, 'log', {}, true]) {
      // What an untyped application may pass.
      expect(() => reporter(listener as unknown as OnEvent)).to.throw(TypeError, 'onEvent')
    }
  })
})
