import { expect } from 'chai'
import { accept, refuse } from '../lib/verdict.js'

describe('accept', () => {
  it('carries any value, also none', () => {
    for (const value of [1, null, undefined, false, { a: 1 }]) expect(accept(value)).to.deep.equal({ ok: true, value })
  })
})

describe('refuse', () => {
  it('gives a reason, and a detail only where there is one', () => {
    expect(refuse('invalid')).to.deep.equal({ ok: false, reason: 'invalid' })
    expect(refuse('malformed', 'repeated')).to.deep.equal({ ok: false, reason: 'malformed', detail: 'repeated' })
  })
})
