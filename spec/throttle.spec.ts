import { expect } from 'chai'
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'
import type { LoginLimiter, ThrottleOptions, Verdict } from '../lib/index.js'
import { throttle } from '../lib/throttle.js'

let prefixes = 0

/** A limiter with a counter of its own. */
function limiter(points: number, duration = 600): RateLimiterMemory {
  prefixes += 1
  return new RateLimiterMemory({ keyPrefix: `spec${prefixes}`, points, duration })
}

/** A limiter that records its keys. */
function listening(): LoginLimiter & { readonly keys: (string | number)[] } {
  const inner = limiter(1000)
  const keys: (string | number)[] = []
  return {
    keys,
    consume(key, points) {
      keys.push(key)
      return inner.consume(key, points)
    },
    delete: (key) => inner.delete(key),
    reward: (key, points) => inner.reward(key, points),
  }
}

function failing(reason: unknown): LoginLimiter {
  const fail = (): Promise<never> => Promise.reject(reason)
  return { consume: fail, delete: fail, reward: fail }
}

function never(): Promise<never> {
  return new Promise(() => undefined)
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  )
}

async function admitted(verdicts: readonly Promise<Verdict<undefined>>[]): Promise<number> {
  return (await Promise.all(verdicts)).filter((verdict) => verdict.ok).length
}

/** Whether two addresses count as one. */
async function share(one: string, other: string): Promise<boolean> {
  const limits = throttle({ account: limiter(1000), address: limiter(1) })
  await limits.admit('a', one)
  return !(await limits.admit('b', other)).ok
}

describe('throttle', () => {
  it('admits as many attempts on an account as there are points, and no more', async () => {
    const limits = throttle({ account: limiter(3), address: limiter(1000) })
    for (let attempt = 1; attempt <= 3; attempt += 1) expect(await limits.admit('alice')).to.include({ ok: true })
    expect(await limits.admit('alice')).to.include({ ok: false, reason: 'throttled' })
    expect(await limits.admit('bob')).to.include({ ok: true })
  })

  it('returns how long to wait, in whole seconds of at least 1', async () => {
    const limits = throttle({ account: limiter(1, 600), address: limiter(1000) })
    await limits.admit('alice')
    const verdict = await limits.admit('alice')
    expect(verdict).to.have.property('retryAfter').that.satisfies(Number.isSafeInteger).and.to.be.within(1, 600)
  })

  it('rounds up what is left, and never returns 0', async () => {
    for (const [msBeforeNext, retryAfter] of [
      [0, 1],
      [1, 1],
      [1000, 1],
      [1001, 2],
      [599_001, 600],
    ] as const) {
      const limits = throttle({ account: failing({ msBeforeNext }), address: limiter(1000) })
      expect(await limits.admit('alice')).to.deep.equal({ ok: false, reason: 'throttled', retryAfter })
    }
  })

  it('treats names of no user the same', async () => {
    const limits = throttle({ account: limiter(1, 600), address: limiter(1000) })
    for (const name of ['', 'nobody', '\0', '\ud800', 'x'.repeat(1_000_000)]) {
      expect(await limits.admit(name), name.slice(0, 20)).to.include({ ok: true })
      expect(await limits.admit(name), name.slice(0, 20)).to.include({ ok: false, reason: 'throttled' })
    }
  })

  it('lets no more through when they come at once', async () => {
    const limits = throttle({ account: limiter(3), address: limiter(1000) })
    expect(await admitted(Array.from({ length: 50 }, () => limits.admit('alice', '192.0.2.1')))).to.equal(3)
  })

  it('counts 10 on an account and 300 from an address by default, each throttle for itself', async () => {
    const one = throttle()
    expect(await admitted(Array.from({ length: 20 }, () => one.admit('alice', '192.0.2.1')))).to.equal(10)
    const other = throttle({})
    const names = Array.from({ length: 350 }, (_, at) => `user${at}`)
    expect(await admitted(names.map((name) => other.admit(name, '192.0.2.1')))).to.equal(300)
  })

  it('counts nothing if it is switched off', async () => {
    const limits = throttle(false)
    expect(await admitted(Array.from({ length: 1000 }, () => limits.admit('alice', '192.0.2.1')))).to.equal(1000)
    expect(await limits.forgive('alice', '192.0.2.1')).to.equal(undefined)
  })

  describe('accounts', () => {
    it('are one under all names that some database takes for it', async () => {
      const account = listening()
      const limits = throttle({ account, address: limiter(1000) })
      for (const name of ['bob', 'BOB', 'bob ', ' bob', 'bób', 'bo\u0301b', 'ｂｏｂ', 'Bob\u3000'])
        await limits.admit(name)
      expect(new Set(account.keys).size).to.equal(1)
    })

    it('are separate under names that no database takes for the same', async () => {
      const account = listening()
      const limits = throttle({ account, address: limiter(1000) })
      const names = ['bob', 'rob', 'bo b', 'b', 'bob1', 'боб', '']
      for (const name of names) await limits.admit(name)
      expect(new Set(account.keys).size).to.equal(names.length)
    })

    it('are kept under keys of one length that show no name', async () => {
      const account = listening()
      const limits = throttle({ account, address: limiter(1000) })
      for (const name of ['bob', 'x'.repeat(1_000_000), '\ud800']) await limits.admit(name)
      for (const key of account.keys) expect(key).to.match(/^[0-9a-f]{64}$/)
    })
  })

  describe('addresses', () => {
    it('are separate for IPv4', async () => {
      expect(await share('192.0.2.1', '192.0.2.1')).to.equal(true)
      expect(await share('192.0.2.1', '192.0.2.2')).to.equal(false)
    })

    it('are one if IPv4 is mapped into IPv6, however it is written', async () => {
      for (const mapped of ['::ffff:192.0.2.1', '::FFFF:192.0.2.1', '::ffff:c000:201', '0:0:0:0:0:ffff:192.0.2.1']) {
        expect(await share('192.0.2.1', mapped), mapped).to.equal(true)
      }
      expect(await share('192.0.2.1', '::ffff:192.0.2.2')).to.equal(false)
      expect(await share('::ffff:192.0.2.1', '::ffff:192.0.2.2')).to.equal(false)
    })

    it('are one for each /64 of IPv6', async () => {
      const one = '2001:db8:1:2::1'
      for (const other of [
        '2001:db8:1:2::2',
        '2001:db8:1:2:ffff:ffff:ffff:ffff',
        '2001:DB8:1:2::1',
        '2001:0db8:0001:0002:0000:0000:0000:0001',
        '2001:db8:1:2::1%eth0',
        '2001:db8:1:2::192.0.2.1',
      ]) {
        expect(await share(one, other), other).to.equal(true)
      }
      for (const other of ['2001:db8:1:3::1', '2001:db8:2:2::1', '2001:db8::1', '::1']) {
        expect(await share(one, other), other).to.equal(false)
      }
    })

    it('are one with and without a port', async () => {
      for (const [one, other] of [
        ['192.0.2.1', '192.0.2.1:5678'],
        ['192.0.2.1:1', '192.0.2.1:65535'],
        ['::1', '[::1]:443'],
        ['::1', '[::1]'],
        ['2001:db8:1:2::1', '[2001:db8:1:2::2]:443'],
        ['2001:db8:1:2::1', '[2001:db8:1:2::2%eth0]:443'],
        ['192.0.2.1', '[::ffff:192.0.2.1]:443'],
        ['192.0.2.1', ' 192.0.2.1 '],
        // Without brackets, as a socket's remoteAddress, ":" and its remotePort make it.
        ['192.0.2.1', '::ffff:192.0.2.1:4711'],
        ['::ffff:192.0.2.1:1', '::ffff:192.0.2.1:65535'],
        ['2001:db8:1:2::', '2001:db8:1:2:3:4:5:6:443'],
        ['2001:db8:1:2::', '2001:db8:1:2:3:4:5:6:54321'],
        ['2001:db8:1:2::', '2001:db8:1:2::7:443'],
        ['2001:db8:1:2::', '2001:db8:1:2::7:54321'],
        ['2001:db8:1:2::', '2001:db8:1:2:::54321'],
        ['fe80::1', 'fe80::1%eth0:54321'],
      ] as const) {
        expect(await share(one, other), `${one} ${other}`).to.equal(true)
      }
      for (const [one, other] of [
        ['192.0.2.1:5678', '192.0.2.2:5678'],
        ['192.0.2.1', '192.0.2.11'],
        ['::ffff:192.0.2.1:4711', '::ffff:192.0.2.2:4711'],
        ['2001:db8:1:2:3:4:5:6:443', '2001:db8:1:3:3:4:5:6:443'],
        ['[2001:db8:1:2::1]:443', '[2001:db8:1:3::1]:443'],
        ['tenant:1', 'tenant:2'],
        ['[a]:1', '[b]:1'],
      ] as const) {
        expect(await share(one, other), `${one} ${other}`).to.equal(false)
      }
    })

    it('are one in every form of the header Forwarded (RFC 7239)', async () => {
      for (const [one, other] of [
        ['192.0.2.1', '"192.0.2.1"'],
        ['192.0.2.1', '"192.0.2.1:47011"'],
        ['192.0.2.1', '"192.0.2.1:_a.port-1"'],
        ['2001:db8:1:2::', '"[2001:db8:1:2::17]"'],
        ['2001:db8:1:2::', '"[2001:db8:1:2::17]:47011"'],
        ['2001:db8:1:2::', '[2001:db8:1:2::17]:_obfuscated'],
        ['unknown', '"unknown"'],
        ['unknown', '"unknown:47011"'],
        ['_gazonk', '"_gazonk:47011"'],
        ['_gazonk', '_gazonk:_obfuscated'],
      ] as const) {
        expect(await share(one, other), `${one} ${other}`).to.equal(true)
      }
      for (const [one, other] of [
        ['"192.0.2.1:1"', '"192.0.2.2:1"'],
        ['"[2001:db8:1:2::1]:1"', '"[2001:db8:1:3::1]:1"'],
        ['_gazonk:1', '_other:1'],
      ] as const) {
        expect(await share(one, other), `${one} ${other}`).to.equal(false)
      }
    })

    it('are those of IPv4 behind NAT64 (64:ff9b::/96), which would otherwise share one /64', async () => {
      for (const nat64 of [
        '64:ff9b::192.0.2.1',
        '64:FF9B::c000:201',
        '[64:ff9b::192.0.2.1]:443',
        '64:ff9b::192.0.2.1:443',
      ])
        expect(await share('192.0.2.1', nat64), nat64).to.equal(true)
      expect(await share('64:ff9b::192.0.2.1', '64:ff9b::192.0.2.2')).to.equal(false)
      expect(await share('192.0.2.1', '64:ff9b:0:0:1:0:c000:201')).to.equal(false)
      expect(await share('192.0.2.1', '64:ff9c::192.0.2.1')).to.equal(false)
    })

    it('have their gap at its place', async () => {
      expect(await share('1::', '1:0:0:0:5::')).to.equal(true)
      expect(await share('1::2:3:4:5:6:7', '1:0:2:3::')).to.equal(true)
      expect(await share('::1:2:3:4:5:6', '0:0:1:2::')).to.equal(true)
      expect(await share('::1:2:3:4:5:6', '1:2::')).to.equal(false)
      expect(await share('::', '::1')).to.equal(true)
    })

    it('are one bucket for a thousand of one /64', async () => {
      const limits = throttle({ account: limiter(5000), address: limiter(10) })
      const attempts = Array.from({ length: 1000 }, (_, at) =>
        limits.admit(`user${at}`, `2001:db8::${at.toString(16)}`),
      )
      expect(await admitted(attempts)).to.equal(10)
    })

    it('may be no address at all, and then count by what they are', async () => {
      expect(await share('', '')).to.equal(true)
      expect(await share('unknown', 'unknown')).to.equal(true)
      expect(await share('unknown', 'x'.repeat(1_000_000))).to.equal(false)
    })

    it('are counted before the account, so that a flood from one address uses up no account’s attempts', async () => {
      const limits = throttle({ account: limiter(3), address: limiter(1) })
      await limits.admit('alice', '192.0.2.1')
      for (let attempt = 0; attempt < 10; attempt += 1) await limits.admit('alice', '192.0.2.1')
      expect(await limits.admit('alice', '192.0.2.2')).to.include({ ok: true })
    })
  })

  describe('forgive', () => {
    it('gives the account all of its attempts back', async () => {
      const limits = throttle({ account: limiter(3), address: limiter(1000) })
      for (let attempt = 0; attempt < 3; attempt += 1) await limits.admit('alice')
      await limits.forgive('ALICE')
      expect(await admitted(Array.from({ length: 5 }, () => limits.admit('alice')))).to.equal(3)
    })

    it('gives the address back only this one attempt', async () => {
      const limits = throttle({ account: limiter(1000), address: limiter(3) })
      for (const name of ['victim1', 'victim2', 'attacker']) await limits.admit(name, '192.0.2.1')
      await limits.forgive('attacker', '192.0.2.1')
      expect(await limits.admit('victim3', '192.0.2.1')).to.include({ ok: true })
      expect(await limits.admit('victim4', '192.0.2.1')).to.include({ ok: false, reason: 'throttled' })
    })

    it('leaves other accounts as they are', async () => {
      const limits = throttle({ account: limiter(1), address: limiter(1000) })
      await limits.admit('victim')
      await limits.forgive('attacker')
      expect(await limits.admit('victim')).to.include({ ok: false, reason: 'throttled' })
    })
  })

  describe('logins', () => {
    it('are counted whether or not they succeed, after the account has let them through', async () => {
      const limits = throttle({ account: limiter(2), address: limiter(1000), logins: limiter(5) })
      const attempt = async (): Promise<boolean> => (await limits.admit('alice', '192.0.2.1')).ok
      const outcomes: boolean[] = []
      for (let success = 0; success < 3; success += 1) {
        outcomes.push(await attempt())
        await limits.forgive('alice', '192.0.2.1')
      }
      for (let failure = 0; failure < 4; failure += 1) outcomes.push(await attempt())
      expect(outcomes).to.deep.equal([true, true, true, true, true, false, false])
      await limits.forgive('alice', '192.0.2.1')
      // The two that the account refused are not among the five.
      expect([await attempt(), await limits.admit('bob', '192.0.2.1')]).to.deep.equal([false, { ok: true, value: undefined }]) // prettier-ignore
    })

    it('of one account are 300 by default', async () => {
      const limits = throttle()
      let count = 0
      while (count < 400 && (await limits.admit('alice')).ok) {
        count += 1
        await limits.forgive('alice')
      }
      expect(count).to.equal(300)
    })

    it('are given back when an attempt was not evaluated', async () => {
      const limits = throttle({ account: limiter(1), address: limiter(1), logins: limiter(1) })
      for (let attempt = 0; attempt < 3; attempt += 1) {
        expect(await limits.admit('alice', '192.0.2.1')).to.include({ ok: true })
        await limits.refund('alice', '192.0.2.1')
      }
    })

    it('are kept under keys of their own, so that all limiters may share one store and prefix', async () => {
      const one = listening()
      await throttle({ account: one, address: one, logins: one }).admit('alice', '192.0.2.1')
      expect(new Set(one.keys).size).to.equal(3)
    })
  })

  describe('an attempt that a limiter did not count in time', () => {
    const address = '192.0.2.1'

    it('is not charged to the address where the account’s limiter failed', async () => {
      for (const options of [
        { account: failing(new Error('down')), logins: limiter(1000) },
        { account: limiter(1000), logins: failing(new Error('down')) },
      ]) {
        const limits = throttle({ ...options, address: limiter(1) })
        for (let attempt = 0; attempt < 3; attempt += 1) {
          expect(await rejection(limits.admit('alice', address))).to.have.property('message', 'down')
        }
      }
    })

    it('is given back by a limiter that counts it after the time limit', async () => {
      for (const slow of ['address', 'account', 'logins'] as const) {
        const inner = limiter(1)
        const waiting: (() => void)[] = []
        const late: LoginLimiter = {
          consume: (key, points) => new Promise((resolve, reject) => waiting.push(() => void inner.consume(key, points).then(resolve, reject))), // prettier-ignore
          delete: (key) => inner.delete(key),
          reward: (key, points) => inner.reward(key, points),
        }
        const limits = throttle({ account: limiter(1), address: limiter(1), logins: limiter(1), [slow]: late }, 0.01)
        for (let attempt = 0; attempt < 3; attempt += 1) {
          expect(await rejection(limits.admit('alice', address)), slow).to.have.property('name', 'DeadlineExceeded')
          for (const finish of waiting.splice(0)) finish()
          await new Promise((resolve) => setImmediate(resolve))
        }
        const admitting = limits.admit('alice', address)
        await new Promise((resolve) => setImmediate(resolve))
        for (const finish of waiting.splice(0)) finish()
        expect(await admitting, slow).to.include({ ok: true })
      }
    })

    it('is not charged to the address if the account’s limiter never responds', async () => {
      const hanging = { ...failing(null), consume: () => new Promise<never>(() => undefined) }
      const limits = throttle({ account: hanging, address: limiter(1) }, 0.01)
      for (let attempt = 0; attempt < 3; attempt += 1) {
        expect(await rejection(limits.admit('alice', address))).to.have.property('name', 'DeadlineExceeded')
      }
    })

    it('is a rejection in forgive and refund, too, and the other limiters count on', async () => {
      for (const method of ['forgive', 'refund'] as const) {
        const limits = throttle(
          { account: Object.assign(limiter(1000), { delete: never, reward: never }), address: limiter(1) },
          0.01,
        )
        for (let attempt = 0; attempt < 3; attempt += 1) {
          expect(await limits.admit('alice', address), method).to.include({ ok: true })
          expect(await rejection(limits[method]('alice', address))).to.have.property('name', 'DeadlineExceeded')
        }
      }
    })
  })

  describe('a limiter that fails', () => {
    it('is a rejection, and neither throttled nor unlimited', async () => {
      const error = new Error('ECONNREFUSED')
      const byAccount = throttle({ account: failing(error), address: limiter(1000) })
      expect(await rejection(byAccount.admit('alice', '192.0.2.1'))).to.equal(error)
      expect(await rejection(byAccount.forgive('alice'))).to.equal(error)
      const byAddress = throttle({ account: limiter(1000), address: failing(error) })
      expect(await rejection(byAddress.admit('alice', '192.0.2.1'))).to.equal(error)
      expect(await rejection(byAddress.forgive('alice', '192.0.2.1'))).to.equal(error)
    })

    it('is one too when it rejects with nothing, or with no error', async () => {
      for (const reason of [null, undefined]) {
        const limits = throttle({ account: failing(reason), address: limiter(1000) })
        expect(await rejection(limits.admit('alice'))).to.be.instanceOf(Error)
      }
      for (const reason of ['down', 0, {}, { msBeforeNext: '5' }]) {
        const limits = throttle({ account: failing(reason), address: limiter(1000) })
        expect(await rejection(limits.admit('alice'))).to.equal(reason)
      }
    })

    it('may carry an insurance, which then counts', async () => {
      const storeClient = {
        status: 'ready',
        defineCommand: () => undefined,
        rlflxIncr: () => Promise.reject(new Error('down')),
      }
      const account = new RateLimiterRedis({ storeClient, points: 100, duration: 600, insuranceLimiter: limiter(2) })
      const limits = throttle({ account, address: limiter(1000) })
      expect(await admitted([limits.admit('alice'), limits.admit('alice'), limits.admit('alice')])).to.equal(2)
      const uninsured = new RateLimiterRedis({ storeClient, points: 100, duration: 600 })
      expect(await rejection(throttle({ account: uninsured, address: limiter(1) }).admit('alice'))).to.be.instanceOf(
        Error,
      )
    })
  })

  describe('wrong options', () => {
    it('name themselves at start-up', () => {
      for (const [name, wrong] of [
        ['account', null],
        ['account', 10],
        ['account', {}],
        ['account', { consume: limiter }],
        ['address', null],
        ['address', { consume: limiter, delete: limiter }],
        ['logins', null],
        ['logins', {}],
      ] as const) {
        const options = { [name]: wrong } as unknown as ThrottleOptions // what an untyped application may pass
        expect(() => throttle(options)).to.throw(TypeError, `throttle.${name}`)
      }
    })
  })
})
