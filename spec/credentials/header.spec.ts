import { expect } from 'chai'
import { afterScheme, authorizationHeader } from '../../lib/credentials/header.js'

describe('authorizationHeader', () => {
  it('is the one header', () => {
    expect(authorizationHeader({ headers: { authorization: 'x' } })).to.deep.equal({ ok: true, value: 'x' })
    expect(authorizationHeader({ headers: { authorization: '' }, rawHeaders: ['Authorization', ''] })).to.deep.equal({
      ok: true,
      value: '',
    })
  })

  it('is missing if there is none', () => {
    expect(authorizationHeader({ headers: {} })).to.deep.equal({ ok: false, reason: 'missing' })
    expect(authorizationHeader({ headers: {}, rawHeaders: ['Proxy-Authorization', 'x'] })).to.include({
      reason: 'missing',
    })
  })

  it('is malformed if there are two, though Node.js shows only the first', () => {
    const rawHeaders = ['AUTHORIZATION', 'x', 'authorization', 'x']
    expect(authorizationHeader({ headers: { authorization: 'x' }, rawHeaders })).to.deep.equal({
      ok: false,
      reason: 'malformed',
      detail: 'repeated',
    })
  })
})

describe('afterScheme', () => {
  it('is what follows the scheme and its blanks', () => {
    expect(afterScheme('Basic  x y ', 'bASIC')).to.deep.equal({ ok: true, value: 'x y ' })
  })

  it('is missing for another scheme, and malformed for nothing behind it', () => {
    expect(afterScheme('Basics x', 'Basic')).to.deep.equal({ ok: false, reason: 'missing' })
    expect(afterScheme('Bas', 'Basic')).to.deep.equal({ ok: false, reason: 'missing' })
    expect(afterScheme('Basic', 'Basic')).to.include({ ok: false, reason: 'malformed' })
    expect(afterScheme('Basic  ', 'Basic')).to.include({ ok: false, reason: 'malformed' })
    expect(afterScheme('Basic\tx', 'Basic')).to.include({ ok: false, reason: 'malformed' })
  })
})
