import { expect } from 'chai'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { type Hasher, legacy, memoryUsers, passwords, pbkdf2, type User, type Verdict } from '../lib/index.js'
import { type FindByUsername, login, type LoginAttempt } from '../lib/login.js'
import type { VerifyOptions } from '../lib/passwords/passwords.js'
import { lookup } from '../lib/stores/active-user.js'
import { type Throttle, throttle } from '../lib/throttle.js'
import { counting } from './support/counting.js'

const PASSWORD = 'correct horse battery staple'

let users: readonly User[]

before(async () => {
  const good = await passwords({ hashers: [pbkdf2({ iterations: 1 })] }).hash(PASSWORD)
  users = [
    { id: 1, username: 'alice', password: good, isActive: true },
    { id: 2, username: 'inactive', password: good, isActive: false },
    { id: 3, username: 'unusable', password: '!NeverAPassword' },
    { id: 4, username: 'null', password: null },
    { id: 5, username: 'unknown-algorithm', password: 'whirlpool$1$salt$digits' },
    { id: 6, username: 'not-configured', password: 'md5$salt$5f4dcc3b5aa765d61d8327deb882cf99' },
    { id: 7, username: 'corrupt', password: 'pbkdf2_sha256$1$salt$@@@' },
    { id: 8, username: 'empty', password: '' },
    { id: 9, username: 'greedy', password: `pbkdf2_sha256$4000000000$salt$${Buffer.alloc(32).toString('base64')}` },
    { id: 10, username: 'huge', password: 'x'.repeat(1_000_000) },
  ]
})

interface Trial {
  readonly attempt: (attempt: Partial<LoginAttempt>) => Promise<Verdict<User>>
  readonly hashes: () => number
  readonly asked: readonly string[]
  readonly errors: readonly unknown[]
  readonly unreadable: readonly unknown[]
}

/** A login that counts what it costs. */
function trial(options: { readonly limits?: Throttle; readonly find?: FindByUsername<User> } = {}): Trial {
  const hasher = counting(pbkdf2({ iterations: 1 }))
  const asked: string[] = []
  const store = lookup(memoryUsers(users), { timeout: 5 })
  const { limits = throttle(false), find = (name) => store.byUsername(name) } = options
  const errors: unknown[] = []
  const unreadable: unknown[] = []
  const run = login<User>({
    passwords: passwords({ hashers: [hasher] }),
    throttle: limits,
    onLimiterError: (error) => void errors.push(error),
    onUnreadableHash: (...hash) => void unreadable.push(hash),
  })
  return {
    errors,
    unreadable,
    hashes: hasher.hashes,
    asked,
    attempt: (attempt) =>
      run({ username: 'alice', password: PASSWORD, ...attempt }, (name) => {
        asked.push(name)
        return find(name)
      }),
  }
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  )
}

describe('login', () => {
  it('gives the user whose password it was, for one hash', async () => {
    const { attempt, hashes } = trial()
    const verdict = await attempt({})
    expect(verdict.ok && verdict.value).to.include({ id: 1, username: 'alice' })
    expect(hashes()).to.equal(1)
  })

  describe('costs exactly one hash and is invalid', () => {
    const attempts: Readonly<Record<string, Partial<LoginAttempt>>> = {
      'for an unknown user': { username: 'nobody' },
      'with a wrong password': { password: 'wrong' },
      'for an inactive user with a wrong password': { username: 'inactive', password: 'wrong' },
      'for a user with an unusable password': { username: 'unusable' },
      'for a user without a password': { username: 'null' },
      'for a user with an empty password': { username: 'empty' },
      'for a hash of an unknown algorithm': { username: 'unknown-algorithm' },
      'for a good hash of an algorithm that is not configured': { username: 'not-configured', password: 'password' },
      'for a corrupt hash': { username: 'corrupt' },
      'for a hash with a cost beyond the ceiling': { username: 'greedy' },
      'for a hash of a megabyte': { username: 'huge' },
      'with an overlong password': { password: 'x'.repeat(4097) },
      'with a password of ten megabytes': { password: 'x'.repeat(10_000_000) },
      'with an ill-formed password': { password: `${PASSWORD}\ud800` },
      'with the stored hash as the password': { password: 'pbkdf2_sha256$1$salt$@@@', username: 'corrupt' },
      'with the unusable password itself': { username: 'unusable', password: '!NeverAPassword' },
      'with blanks around the password': { password: ` ${PASSWORD} ` },
      'with another case': { password: PASSWORD.toUpperCase() },
      'for a name in another case': { username: 'ALICE' },
      'for a name with a blank behind it': { username: 'alice ' },
      'for a name with a NUL behind it': { username: 'alice\0' },
      'for an ill-formed name': { username: 'alice\ud800' },
      'for a name of a megabyte': { username: 'x'.repeat(1_000_000) },
      'for a name that every object has': { username: '__proto__' },
    }
    for (const [what, offered] of Object.entries(attempts)) {
      it(what, async () => {
        const { attempt, hashes } = trial()
        expect(await attempt(offered)).to.deep.equal({ ok: false, reason: 'invalid' })
        expect(hashes()).to.equal(1)
      })
    }
  })

  it('is inactive only for a right password, for one hash', async () => {
    const { attempt, hashes } = trial()
    expect(await attempt({ username: 'inactive' })).to.deep.equal({ ok: false, reason: 'inactive' })
    expect(hashes()).to.equal(1)
  })

  it('takes names of one normal form for one', async () => {
    const { attempt } = trial()
    expect(await attempt({ username: 'ａlice' })).to.include({ ok: true })
  })

  it('compares passwords as they were sent', async () => {
    const composed = await passwords({ hashers: [pbkdf2({ iterations: 1 })] }).hash('p\u00e4ss\0 ')
    const find: FindByUsername<User> = async () => ({ id: 1, username: 'alice', password: composed })
    const { attempt } = trial({ find })
    expect(await attempt({ password: 'p\u00e4ss\0 ' })).to.include({ ok: true })
    for (const password of ['pa\u0308ss\0 ', 'p\u00e4ss\0', 'p\u00e4ss', 'p\u00e4ss ']) {
      expect(await attempt({ password }), JSON.stringify(password)).to.include({ ok: false, reason: 'invalid' })
    }
  })

  describe('without a name or a password', () => {
    it('is missing where one is absent or empty', async () => {
      const { attempt, hashes, asked } = trial()
      for (const nothing of [undefined, null, '']) {
        expect(await attempt({ username: nothing })).to.deep.equal({ ok: false, reason: 'missing' })
        expect(await attempt({ password: nothing })).to.deep.equal({ ok: false, reason: 'missing' })
      }
      expect([hashes(), asked]).to.deep.equal([0, []])
    })

    it('is malformed where one is no text', async () => {
      const { attempt, hashes, asked } = trial()
      for (const value of [
        true,
        false,
        0,
        1,
        NaN,
        7n,
        ['alice'],
        [],
        {},
        { username: 1 },
        () => 'alice',
        Symbol('x'),
      ]) {
        expect(await attempt({ username: value })).to.deep.equal({ ok: false, reason: 'malformed' })
        expect(await attempt({ password: value })).to.deep.equal({ ok: false, reason: 'malformed' })
      }
      expect([hashes(), asked]).to.deep.equal([0, []])
    })

    it('is not counted', async () => {
      const account = new RateLimiterMemory({ keyPrefix: 'missing', points: 1, duration: 600 })
      const { attempt } = trial({ limits: throttle({ account }) })
      await attempt({ password: '' })
      await attempt({ password: 1 })
      expect(await attempt({})).to.include({ ok: true })
    })
  })

  describe('throttled', () => {
    let made = 0
    const limited = (points: number): Throttle => {
      made += 1
      return throttle({ account: new RateLimiterMemory({ keyPrefix: `login${made}`, points, duration: 600 }) })
    }

    it('comes before any lookup and any hash, with the seconds until the next try', async () => {
      const { attempt, hashes, asked } = trial({ limits: limited(1) })
      await attempt({ password: 'wrong' })
      const verdict = await attempt({})
      expect(verdict).to.include({ ok: false, reason: 'throttled' })
      expect(verdict).to.have.property('retryAfter').to.be.within(1, 600)
      expect([hashes(), asked]).to.deep.equal([1, ['alice']])
    })

    it('lets 50 guesses that come at once run no more hashes than its limit', async () => {
      const { attempt, hashes } = trial({ limits: limited(3) })
      const guesses = Array.from({ length: 50 }, (_, at) => attempt({ password: `guess ${at}`, address: '192.0.2.1' }))
      const reasons = (await Promise.all(guesses)).map((verdict) => (verdict.ok ? 'none' : verdict.reason))
      expect(reasons.filter((reason) => reason === 'invalid')).to.have.lengthOf(3)
      expect(reasons.filter((reason) => reason === 'throttled')).to.have.lengthOf(47)
      expect(hashes()).to.equal(3)
    })

    it('counts guesses at unknown users in the same way', async () => {
      const { attempt } = trial({ limits: limited(1) })
      expect(await attempt({ username: 'nobody' })).to.include({ reason: 'invalid' })
      expect(await attempt({ username: 'nobody' })).to.include({ reason: 'throttled' })
    })

    it('counts spellings of one name together', async () => {
      const { attempt, hashes } = trial({ limits: limited(2) })
      for (const username of ['alice', 'ALICE', 'alice ', 'álice']) await attempt({ username, password: 'wrong' })
      expect(hashes()).to.equal(2)
    })

    it('forgets the attempts of an account that got in', async () => {
      const { attempt } = trial({ limits: limited(2) })
      for (let round = 0; round < 3; round += 1) {
        expect(await attempt({ password: 'wrong' })).to.include({ reason: 'invalid' })
        expect(await attempt({})).to.include({ ok: true })
      }
    })

    it('does not forget them for a wrong password, nor for an inactive user', async () => {
      const { attempt } = trial({ limits: limited(1) })
      await attempt({ username: 'inactive' })
      expect(await attempt({ username: 'inactive' })).to.include({ reason: 'throttled' })
    })

    it('keeps counting an address where somebody logs in to an account of their own between guesses', async () => {
      const limits = throttle({
        account: new RateLimiterMemory({ keyPrefix: 'own', points: 1000, duration: 600 }),
        address: new RateLimiterMemory({ keyPrefix: 'own-address', points: 4, duration: 600 }),
      })
      const { attempt } = trial({ limits })
      const address = '192.0.2.1'
      for (let guess = 0; guess < 4; guess += 1) {
        expect(await attempt({ username: 'unusable', address }), `guess ${guess}`).to.include({ reason: 'invalid' })
        if (guess < 3) expect(await attempt({ address }), `own login ${guess}`).to.include({ ok: true })
      }
      expect(await attempt({ username: 'unusable', address })).to.include({ reason: 'throttled' })
      expect(await attempt({ username: 'unusable', address: '192.0.2.2' })).to.include({ reason: 'invalid' })
    })
  })

  describe('an internal error', () => {
    const down = new Error('it is down')

    it('of the store is a rejection', async () => {
      const { attempt } = trial({ find: () => Promise.reject(down) })
      expect(await rejection(attempt({}))).to.equal(down)
    })

    it('of the limiter is a rejection before the password', async () => {
      const broken: Throttle = {
        admit: () => Promise.reject(down),
        refund: async () => undefined,
        forgive: async () => undefined,
      }
      const refused = trial({ limits: broken })
      expect(await rejection(refused.attempt({}))).to.equal(down)
      expect(refused.hashes()).to.equal(0)
    })

    it('of the limiter is reported after a right password, and changes no verdict', async () => {
      const limits: Throttle = { ...throttle(false), forgive: () => Promise.reject(down) }
      const { attempt, errors } = trial({ limits })
      expect(await attempt({})).to.include({ ok: true })
      expect(errors).to.deep.equal([down])
      expect(await attempt({ password: 'wrong' })).to.include({ reason: 'invalid' })
      expect(errors).to.have.lengthOf(1)
    })

    it('is given back, and stays the error if that fails', async () => {
      const refunded: unknown[] = []
      const limits: Throttle = {
        ...throttle(false),
        refund: (...attempt) => {
          refunded.push(attempt)
          return Promise.reject(new Error('another one'))
        },
      }
      const { attempt } = trial({ limits, find: () => Promise.reject(down) })
      expect(await rejection(attempt({ address: '192.0.2.1' }))).to.equal(down)
      expect(refunded).to.deep.equal([['alice', '192.0.2.1']])
    })

    it('of the hashing gate is a rejection', async () => {
      const run = login<User>({
        passwords: { ...passwords({ hashers: [legacy()] }), verify: () => Promise.reject(down) },
        throttle: throttle(false),
      })
      expect(await rejection(run({ username: 'alice', password: 'x' }, async () => null))).to.equal(down)
    })
  })

  describe('a client that gives up while it waits', () => {
    const gone = new Error('gone')

    it('costs no hash', async () => {
      const { attempt, hashes } = trial()
      expect(await rejection(attempt({ signal: AbortSignal.abort(gone) }))).to.equal(gone)
      expect(hashes()).to.equal(0)
    })

    it('195: has used its attempt', async () => {
      const limits = throttle({ account: new RateLimiterMemory({ keyPrefix: 'gone', points: 3, duration: 600 }) })
      const { attempt } = trial({ limits })
      for (let attempts = 0; attempts < 3; attempts += 1) {
        expect(await rejection(attempt({ signal: AbortSignal.abort(gone) }))).to.equal(gone)
      }
      expect(await attempt({})).to.include({ reason: 'throttled' })
    })

    it('is given its attempt back if the store failed', async () => {
      const limits = throttle({ account: new RateLimiterMemory({ keyPrefix: 'both', points: 1, duration: 600 }) })
      const controller = new AbortController()
      const down = new Error('it is down')
      let isDown = true
      const find: FindByUsername<User> = async () => {
        controller.abort(gone)
        if (isDown) throw down
        return users[0] ?? null
      }
      const { attempt } = trial({ limits, find })
      expect(await rejection(attempt({ signal: controller.signal }))).to.equal(down)
      isDown = false
      expect(await attempt({})).to.include({ ok: true })
    })
  })

  describe('a stored hash that no hasher reads', () => {
    it('is invalid, and reported with the user’s id and its format', async () => {
      const { attempt, unreadable } = trial()
      for (const username of ['unknown-algorithm', 'not-configured', 'corrupt', 'huge']) {
        expect(await attempt({ username })).to.deep.equal({ ok: false, reason: 'invalid' })
      }
      expect(unreadable).to.deep.equal([
        ['5', 'whirlpool$'],
        ['6', 'md5$'],
        ['7', 'pbkdf2_sha256$'],
        ['10', undefined],
      ])
    })

    it('is not reported for unknown users, nor where no password logs in on purpose', async () => {
      const { attempt, unreadable } = trial()
      for (const username of ['alice', 'nobody', 'unusable', 'null', 'empty']) await attempt({ username })
      expect(unreadable).to.deep.equal([])
    })
  })

  it('lets hashes wait by account and address, each in its one form', async () => {
    const given: (VerifyOptions | undefined)[] = []
    const mine = passwords({ hashers: [legacy()] })
    const attempt = login<User>({
      throttle: throttle(false),
      passwords: {
        ...mine,
        verify: (password, encoded, options) => {
          given.push(options)
          return mine.verify(password, encoded, options)
        },
      },
    })
    for (const [username, address] of [
      ['alice', '192.0.2.1'],
      ['ALICE ', '[::ffff:192.0.2.1]:443'],
      ['bob', undefined],
    ] as const) {
      // prettier-ignore
      await attempt({ username, password: 'x', ...(address === undefined ? {} : { address }) }, async () => null)
    }
    expect(given.map((options) => options?.address)).to.deep.equal(['192.0.2.1', '192.0.2.1', undefined])
    const [one, other, another] = given.map((options) => options?.account)
    expect(one).to.match(/^[0-9a-f]{64}$/)
    expect([other === one, another === one]).to.deep.equal([true, false])
  })

  it('runs the same hash for one unknown name, no matter who has logged in before', async () => {
    const [cheap, dear] = [counting(pbkdf2({ iterations: 1 })), counting(pbkdf2({ iterations: 2 }))]
    const mine = passwords({ hashers: [only(cheap, '$1$'), only(dear, '$2$')], decoyKey: 'the key of this spec' })
    const table = memoryUsers([
      { id: 1, username: 'cheap', password: await pbkdf2({ iterations: 1 }).hash(PASSWORD) },
      { id: 2, username: 'dear', password: await pbkdf2({ iterations: 2 }).hash(PASSWORD) },
    ])
    const run = login<User>({ passwords: mine, throttle: throttle(false) })
    const attempt = (username: string): Promise<Verdict<User>> =>
      run({ username, password: 'x' }, (name) => table.findByUsername(name))
    await attempt('cheap')
    await attempt('dear')
    const dearHashes = async (username: string): Promise<number> => {
      const before = dear.hashes()
      await attempt(username)
      return dear.hashes() - before
    }
    let isDear = 0
    let differ = 0
    for (let at = 0; at < 60; at += 1) {
      const costs: number[] = []
      for (const known of ['cheap', 'dear', 'cheap']) {
        await attempt(known)
        costs.push(await dearHashes(`unknown ${at}`))
      }
      expect(new Set(costs).size, costs.join()).to.equal(1)
      isDear += costs[0] ?? 0
      if ((await dearHashes(`UNKNOWN ${at}`)) !== costs[0]) differ += 1
    }
    // Another spelling of an existing name has a decoy of its own, so that those of unknown names must have one, too.
    expect(differ).to.be.within(15, 45)
    expect(isDear).to.be.within(15, 45)
  })
})

/** A hasher that reads hashes of one number of iterations. */
function only(hasher: Hasher, iterations: string): Hasher {
  return { ...hasher, read: (encoded) => (encoded.includes(iterations) ? hasher.read(encoded) : null) }
}
