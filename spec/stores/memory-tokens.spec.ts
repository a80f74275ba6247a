import { expect } from 'chai'
import { memoryTokens } from 'koa-tokenapi'
import { behavesLikeATokenStore } from '../support/token-store.contract.js'

describe('memoryTokens', () => {
  behavesLikeATokenStore(async () => memoryTokens())

  it('shares nothing with another one', async () => {
    const token = { purpose: 'p', userId: '1', createdAt: 1, lastUsedAt: null, expiresAt: 2, digest: 'd' }
    await memoryTokens().add(token)
    expect(await memoryTokens().find('d')).to.equal(null)
  })
})
