import { expect } from 'chai'
import { activeUser, expiringTokens, memoryTokens, memoryUsers, type User } from '../../lib/index.js'
import { watched } from '../support/counting.js'
import { behavesLikeATokenKind } from '../support/token-kind.contract.js'

const NOW = 1795000000
const MONTH = 2592000
const alice: User = { id: 1, username: 'alice', password: null }

describe('expiringTokens', () => {
  behavesLikeATokenKind({
    make: (clock) => expiringTokens({ store: memoryTokens(), clock }),
    isPair: false,
    provesFirst: true,
    afterPasswordChange: null,
    revokesAll: true,
    looksUpExpired: true,
  })

  describe('bound to the password', () => {
    behavesLikeATokenKind({
      make: (clock) => expiringTokens({ store: memoryTokens(), boundTo: ({ password }) => [password], clock }),
      isPair: false,
      provesFirst: true,
      afterPasswordChange: 'revoked',
      revokesAll: true,
      looksUpExpired: true,
    })
  })

  describe('with an audience, a limit and one second of life', () => {
    behavesLikeATokenKind({
      make: (clock) => expiringTokens({ store: memoryTokens(), audience: 'staff', limit: 2, lifetime: 1, clock }),
      isPair: false,
      provesFirst: true,
      afterPasswordChange: null,
      revokesAll: true,
      looksUpExpired: true,
    })
  })

  it('is valid for 30 days by default, or for its lifetime', async () => {
    const store = memoryTokens()
    const clock = (): number => NOW
    expect(await expiringTokens({ store, clock }).issue(alice)).to.include({ issuedAt: NOW, expiresAt: NOW + MONTH })
    expect(await expiringTokens({ store, clock, lifetime: 7 }).issue(alice)).to.include({ expiresAt: NOW + 7 })
  })

  it('keeps the end that it was issued with, also under another lifetime', async () => {
    const store = memoryTokens()
    let now = NOW
    const { token } = await expiringTokens({ store, lifetime: 100, clock: () => now }).issue(alice)
    const other = expiringTokens({ store, lifetime: 1, clock: () => now })
    now = NOW + 99
    expect(await other.verify({ token }, activeUser(memoryUsers([alice])))).to.include({ ok: true })
    now = NOW + 100
    expect(await other.verify({ token }, activeUser(memoryUsers([alice])))).to.include({ reason: 'expired' })
  })

  it('does not move its end with its use', async () => {
    let now = NOW
    const kind = expiringTokens({ store: memoryTokens(), lifetime: 1000, clock: () => now })
    const { token } = await kind.issue(alice)
    for (now of [NOW + 500, NOW + 999]) {
      const verdict = await kind.verify({ token }, activeUser(memoryUsers([alice])))
      expect(verdict.ok && verdict.value.token.expiresAt).to.equal(NOW + 1000)
    }
    expect((await kind.list(alice)).map(({ lastUsedAt }) => lastUsedAt)).to.deep.equal([null])
  })

  it('refuses a disabled user’s expired token as inactive, as the ancestor does', async () => {
    let now = NOW
    const kind = expiringTokens({ store: memoryTokens(), lifetime: 1, clock: () => now })
    const { token } = await kind.issue(alice)
    now = NOW + 1
    const { find, asked } = watched(activeUser(memoryUsers([{ ...alice, isActive: false }])))
    expect(await kind.verify({ token }, find)).to.include({ reason: 'inactive' })
    expect(asked).to.deep.equal([{ id: '1' }])
  })

  it('throws at start-up for a wrong option', () => {
    const store = memoryTokens()
    for (const lifetime of [0, -1, 1.5, NaN, Infinity, 2 ** 53, '60', null]) {
      const options = { store, lifetime: lifetime as number } // as a caller without types
      expect(() => expiringTokens(options), String(lifetime)).to.throw(TypeError, 'lifetime')
    }
    expect(() => expiringTokens({ store, clock: Date.now })).to.throw(TypeError, 'clock')
  })
})
