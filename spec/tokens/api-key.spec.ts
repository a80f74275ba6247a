import { crc32 } from 'node:zlib'
import { expect } from 'chai'
import {
  activeUser,
  type ApiKeyOptions,
  apiKeyTokens,
  expiringTokens,
  memoryTokens,
  memoryUsers,
  type TokenStore,
  type User,
} from '../../lib/index.js'
import { storedDigest } from '../../lib/tokens/opaque.js'
import { watched } from '../support/counting.js'
import { behavesLikeATokenKind } from '../support/token-kind.contract.js'
import { warningsOf } from '../support/warnings.js'

const NOW = 1795000000
const alice: User = { id: 1, username: 'alice', password: null }
const find = activeUser(memoryUsers([alice]))
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The six digits of a checksum, computed without the code that is specified here. */
function checksumOf(text: string): string {
  const crc = crc32(Buffer.from(text))
  return [5, 4, 3, 2, 1, 0].map((place) => DIGITS[Math.floor(crc / 62 ** place) % 62]).join('')
}

/** A store that counts its queries. */
function counted(): { readonly store: TokenStore; readonly calls: string[] } {
  const inner = memoryTokens()
  const calls: string[] = []
  const store = { ...inner }
  for (const name of ['find', 'slide', 'remove'] as const) {
    Object.assign(store, {
      [name]: (...args: never[]) => {
        calls.push(name)
        return (inner[name] as (...given: never[]) => Promise<unknown>)(...args)
      },
    })
  }
  return { store, calls }
}

describe('apiKeyTokens', () => {
  const contract = { isPair: false, provesFirst: true, afterPasswordChange: null, revokesAll: true } as const
  // The suite asks for the end of a token, so its keys have one.
  behavesLikeATokenKind({
    ...contract,
    make: (clock) => apiKeyTokens({ store: memoryTokens(), lifetime: 1000, clock }),
  })

  describe('bound to the password, with a prefix and an audience', () => {
    behavesLikeATokenKind({
      ...contract,
      make: (clock) =>
        apiKeyTokens({
          store: memoryTokens(),
          lifetime: 1,
          tokenPrefix: 'acme_live_',
          audience: 'staff',
          boundTo: ({ password }) => [password],
          clock,
        }),
      afterPasswordChange: 'revoked',
    })
  })

  let now: number
  let store: TokenStore
  beforeEach(() => {
    now = NOW
    store = memoryTokens()
  })
  const keys = (options: Partial<ApiKeyOptions> = {}) => apiKeyTokens({ store, clock: () => now, ...options })

  describe('a key', () => {
    it('is the prefix, 43 digits of base 62 and 6 of the CRC-32 of all before them', async () => {
      for (const tokenPrefix of ['key_', '_', 'acme_live_', 'a23456789012345678_9_'.slice(-20)]) {
        const { token } = await keys({ tokenPrefix }).issue(alice)
        expect(token).to.match(new RegExp(`^${tokenPrefix}[0-9A-Za-z]{49}$`))
        expect(token.slice(-6)).to.equal(checksumOf(token.slice(0, -6)))
      }
    })

    it('has 256 random bits: every digit of a thousand keys varies', async () => {
      const kind = keys()
      const places = Array.from({ length: 43 }, () => new Set<string>())
      const issued = new Set<string>()
      for (let made = 0; made < 1000; made += 1) {
        const { token } = await kind.issue({ ...alice, id: made })
        issued.add(token)
        for (const [place, digits] of places.entries()) digits.add(token[place + 4] ?? '')
      }
      expect(issued).to.have.property('size', 1000)
      expect(places[0]).not.to.include('z') // 61 × 62^42 is above 2^256
      for (const digits of places) expect(digits.size).to.be.above(50)
    })

    it('is stored only as the digest of its whole text', async () => {
      const { token, id } = await keys().issue(alice)
      const row = await store.find(storedDigest('key', token))
      expect(row).to.include({ id, userId: '1', purpose: 'key', loggedInAt: null, bound: null, limits: null })
      expect(JSON.stringify(row)).not.to.include(token.slice(4, 47))
      expect(await keys().verify({ token: row?.digest ?? '' }, find)).to.include({ ok: false, reason: 'invalid' })
    })

    it('causes no query with a wrong checksum, prefix or length, in verify and in revoke', async () => {
      const { store: watchedStore, calls } = counted()
      const kind = keys({ store: watchedStore })
      const { token } = await kind.issue(alice)
      const other = token.at(-1) === '0' ? '1' : '0'
      const wrong = [
        token.slice(0, -1) + other,
        `${token.slice(0, -6)}000000`,
        token.toLowerCase(),
        token.slice(4),
        `k${token}`,
        token.replace('key_', 'keys_'),
        `${token}0`,
        token.slice(0, -1),
        `${token}\n`,
      ].filter((text) => text !== token)
      for (const text of wrong) {
        expect(await kind.verify({ token: text }, find), text).to.include({ ok: false, reason: 'invalid' })
        expect(await kind.revoke(text)).to.equal(false)
      }
      expect(calls).to.deep.equal([])
      expect(await kind.verify({ token }, find)).to.include({ ok: true })
      expect(calls).to.deep.equal(['find'])
    })

    it('has no end by default, and the one of its lifetime or its limits', async () => {
      const { token, expiresAt } = await keys().issue(alice)
      expect(expiresAt).to.equal(Number.MAX_SAFE_INTEGER)
      now = NOW + 100 * 365 * 86400
      expect(await keys().verify({ token }, find)).to.include({ ok: true })
      expect(await keys({ lifetime: 60 }).issue(alice)).to.include({ expiresAt: now + 60 })
      expect(await keys().issue(alice, { limits: [{ expiresAt: now + 7 }] })).to.include({ expiresAt: now + 7 })
    })

    it('is no token of another stored kind, nor the other way round', async () => {
      const other = expiringTokens({ store, clock: () => now })
      const [key, token] = [await keys().issue(alice), await other.issue(alice)]
      expect(await other.verify(key, find)).to.include({ reason: 'invalid' })
      expect(await keys().verify(token, find)).to.include({ reason: 'invalid' })
      expect(await keys().list(alice)).to.have.lengthOf(1)
    })

    it('says for no key when a password was typed', async () => {
      const { token } = await keys().issue(alice, { loggedInAt: now, id: '0123456789' })
      const verdict = await keys().verify({ token }, find)
      expect(verdict.ok && verdict.value.token).not.to.have.property('loggedInAt')
    })
  })

  describe('its name', () => {
    it('is in the facts and in the list, and absent for a key without one', async () => {
      const longest = '🔑'.repeat(100)
      const named = await keys().issue(alice, { name: 'CI, deploys only' })
      await keys().issue(alice)
      await keys().issue(alice, { name: longest })
      expect(named).to.include({ name: 'CI, deploys only' })
      const verdict = await keys().verify(named, find)
      expect(verdict.ok && verdict.value.token).to.include({ name: 'CI, deploys only', id: named.id })
      expect((await keys().list(alice)).map(({ name }) => name)).to.deep.equal([longest, undefined, 'CI, deploys only'])
    })

    it('is a TypeError unless it is 1 to 200 well-formed characters without control characters', async () => {
      for (const name of ['', 'x'.repeat(201), 'a\nb', '\ud800', 7, null, undefined, ['CI']]) {
        const outcome: unknown = await keys()
          .issue(alice, { name: name as string }) // as a caller without types may
          .catch((error: unknown) => error)
        expect(outcome, String(name)).to.be.instanceOf(TypeError).with.property('message').that.includes('name')
      }
      expect(await keys().list(alice)).to.deep.equal([])
    })

    it('is no excuse for limits that are undefined or misspelled', async () => {
      for (const given of [{ limits: undefined }, { limit: [] }, { limits: [{ scope: ['a'] }] }]) {
        const outcome: unknown = await keys()
          .issue(alice, { name: 'CI', ...given } as object) // as a caller without types may
          .catch((error: unknown) => error)
        expect(outcome, JSON.stringify(given)).to.be.instanceOf(TypeError)
      }
      expect(await keys().list(alice)).to.deep.equal([])
    })
  })

  const lastUseOf = async (): Promise<number | null | undefined> => (await keys().list(alice))[0]?.lastUsedAt

  describe('its last use', () => {
    it('is written once a minute at most, and leaves the end as it is', async () => {
      const { store: watchedStore, calls } = counted()
      store = watchedStore
      const kind = keys()
      const { token, expiresAt } = await kind.issue(alice)
      expect(await lastUseOf()).to.equal(null)
      for (now = NOW; now < NOW + 3600; now += 1) await kind.verify({ token }, find)
      expect(calls.filter((name) => name === 'slide')).to.have.lengthOf(59)
      expect(await lastUseOf()).to.equal(NOW + 3540)
      const [listed] = await kind.list(alice)
      expect(listed).to.include({ expiresAt, issuedAt: NOW })
    })

    it('is written once for many requests at once, here and in another process', async () => {
      const { store: watchedStore, calls } = counted()
      store = watchedStore
      const { token } = await keys().issue(alice)
      now = NOW + 60
      const [one, other] = [keys(), keys()]
      const uses = Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? one : other).verify({ token }, find))
      await Promise.all(uses)
      expect(calls.filter((name) => name === 'slide')).to.have.lengthOf(2)
      expect(await lastUseOf()).to.equal(now)
    })

    it('is not written for a key that is refused', async () => {
      const { token } = await keys().issue(alice)
      now = NOW + 60
      await keys().verify({ token }, activeUser(memoryUsers([{ ...alice, isActive: false }])))
      expect(await lastUseOf()).to.equal(null)
    })

    it('refuses no request if the store fails or hangs, and says so to the listener, or in one warning', async () => {
      const { token } = await keys().issue(alice)
      now = NOW + 60
      const error = new Error('read only')
      const failing = { ...store, slide: () => Promise.reject(error) }
      const heard: unknown[] = []
      const kind = keys({ store: failing, onUseError: (thrown) => heard.push(thrown) })
      expect(await kind.verify({ token }, find)).to.include({ ok: true })
      expect(heard).to.deep.equal([error])
      const silent = keys({ store: failing })
      const warnings = await warningsOf(async () => {
        for (let at = 0; at < 3; at += 1) expect(await silent.verify({ token }, find)).to.include({ ok: true })
      })
      expect(warnings).to.have.lengthOf(1)
      const hanging = keys({ store: { ...store, slide: () => new Promise(() => undefined) } })
      expect(await hanging.verify({ token }, find)).to.include({ ok: true })
    })
  })

  describe('the limit', () => {
    it('refuses one more key and ends none', async () => {
      const kind = keys({ limit: 2 })
      const issued = [await kind.issue(alice), await kind.issue(alice)]
      const outcome: unknown = await kind.issue(alice).catch((error: unknown) => error)
      expect(outcome).to.be.instanceOf(Error).and.include({ code: 'ERR_TOO_MANY_TOKENS' })
      for (const { token } of issued) expect(await kind.verify({ token }, find)).to.include({ ok: true })
      expect(await kind.list(alice)).to.have.lengthOf(2)
      await kind.issue({ ...alice, id: 2 })
      await kind.revokeOne(alice, issued[0]?.id ?? '')
      await kind.issue(alice)
    })

    it('counts no expired key', async () => {
      const kind = keys({ limit: 1 })
      await kind.issue(alice, { limits: [{ expiresAt: NOW + 10 }] })
      now = NOW + 10
      await kind.issue(alice)
    })

    it('is 1000 by default', async () => {
      const kind = keys()
      for (let at = 0; at < 1000; at += 1) await kind.issue(alice)
      const outcome: unknown = await kind.issue(alice).catch((error: unknown) => error)
      expect(outcome).to.include({ code: 'ERR_TOO_MANY_TOKENS' })
      expect(await kind.list(alice)).to.have.lengthOf(1000)
    })

    it('holds for keys that are made at once', async () => {
      const kind = keys({ limit: 3 })
      await Promise.allSettled(Array.from({ length: 10 }, () => kind.issue(alice)))
      expect((await kind.list(alice)).length).to.be.at.most(3)
    })
  })

  it('is looked up after its shape and its time, and the user after both', async () => {
    const { token } = await keys({ lifetime: 10 }).issue(alice)
    now = NOW + 10
    const { find: asks, asked } = watched(find)
    expect(await keys().verify({ token }, asks)).to.include({ reason: 'expired' })
    expect(asked).to.deep.equal([])
  })

  it('has wrong options refused at start-up, by name', () => {
    const wrong: Readonly<Record<string, readonly unknown[]>> = {
      tokenPrefix: ['', 'key', 'KEY_', 'key-', 'a_b', '_'.repeat(21), 'k.y_', 'key_\n', 7, null],
      lifetime: [0, -1, 1.5, '60', null, undefined],
      limit: [0, '7', null],
      onUseError: [1, null],
      boundTo: [1, null],
      audience: [7, 'x'.repeat(51)],
      store: [undefined, {}],
    }
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        expect(() => keys({ [name]: value }), `${name} ${String(value)}`).to.throw(TypeError, name)
      }
    }
  })
})
