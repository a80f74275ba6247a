import { pbkdf2Sync } from 'node:crypto'
import { expect } from 'chai'
import { argon2, bcrypt, type Hasher, legacy, type Passwords, passwords, pbkdf2, scrypt } from '../../lib/index.js'
import { gate, gateWidth, Overloaded } from '../../lib/passwords/gate.js'
import { counting } from '../support/counting.js'
import { unreadableHashes } from '../support/hasher.contract.js'
import { knownAnswers } from '../support/vectors.js'
import { warningsOf } from '../support/warnings.js'

interface Vector {
  readonly kind: string
  readonly password: string | null
  readonly encoded: string | null
  /** A text is the exception of Django. */
  readonly verifies: boolean | string
  readonly rehashed_on_login: boolean
}

const CHEAP = { iterations: 1 }
const PASSWORD = 'correct horse battery staple'

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  )
}

/** A hasher whose work waits until the spec ends it, as a wrong password by default. */
function waiting(): Hasher & { readonly ends: ((isRight?: boolean) => void)[] } {
  const ends: ((isRight?: boolean) => void)[] = []
  const work = (): Promise<boolean> => new Promise((resolve) => ends.push((isRight = false) => resolve(isRight)))
  return { ends, decoy: 'x', hash: async () => 'x', read: () => ({ outdated: false, verify: work }) }
}

/** Passwords of every format, with a count of the hashes that they cost. */
function everyFormat(): Passwords & { readonly hashes: () => number } {
  const hashers = [pbkdf2(CHEAP), scrypt(), argon2(), bcrypt(), legacy({ unsalted: true })].map(counting)
  const hashes = (): number => hashers.reduce((sum, hasher) => sum + hasher.hashes(), 0)
  return Object.assign(passwords({ hashers }), { hashes })
}

/** What `verify` reports of stored hashes, each of which refuses a password. */
async function reported(...hashes: readonly (string | null)[]): Promise<readonly (string | undefined)[]> {
  const mine = passwords({ hashers: [pbkdf2(CHEAP)] })
  const formats: (string | undefined)[] = []
  const onUnreadable = (format: string | undefined): void => void formats.push(format)
  for (const encoded of hashes) expect(await mine.verify('x', encoded, { onUnreadable })).to.equal(false)
  return formats
}

describe('passwords', () => {
  describe('known results', () => {
    // As the files are written.
    const { vectors } = knownAnswers('password_hashes') as { vectors: readonly Vector[] }
    const { vectors: ofScrypt } = knownAnswers('password_hashes_scrypt') as { vectors: readonly Vector[] }

    it('are all there', () => {
      expect([vectors.length, ofScrypt.length]).to.deep.equal([118, 4])
    })

    for (const { kind = 'scrypt', password, encoded, verifies } of [...vectors, ...ofScrypt]) {
      // Plain bcrypt takes any tail after 72 bytes: Django with bcrypt 5 refuses such a password, and so do we.
      const isCut =
        kind.startsWith('bcrypt') && !encoded?.startsWith('bcrypt_sha256') && Buffer.byteLength(password ?? '') > 72
      const expected = verifies === true && !isCut
      const what = `${kind} ${JSON.stringify(encoded)?.slice(0, 60)} with ${JSON.stringify(password)?.slice(0, 20)}`

      it(`${what}: ${expected}${isCut ? ', though Django 3.2 takes it' : ''}, for one hash`, async () => {
        const mine = everyFormat()
        // A password of null is what an untyped application may pass.
        expect(await mine.verify(password as string, encoded)).to.equal(expected)
        expect(mine.hashes()).to.equal(1)
      })
    }

    it('are rehashed by those applications that ask, as by Django', () => {
      const mine = passwords({ hashers: [pbkdf2({ iterations: 260000 })] })
      const good = vectors.filter((vector) => vector.verifies === true && vector.encoded !== null)
      expect(good).to.have.length.above(40)
      for (const { encoded, rehashed_on_login } of good) {
        expect(mine.needsRehash(encoded ?? ''), encoded ?? '').to.equal(rehashed_on_login)
      }
    })
  })

  describe('new hashes', () => {
    it('are the first hasher’s, and all verify', async () => {
      const hashers = [argon2({ memoryCost: 8, timeCost: 1, parallelism: 1 }), pbkdf2(CHEAP), bcrypt({ cost: 4 })]
      const mine = passwords({ hashers })
      expect(await mine.hash(PASSWORD)).to.match(/^argon2\$/)
      for (const hasher of hashers) {
        const hash = await passwords({ hashers: [hasher] }).hash(PASSWORD)
        expect(await mine.verify(PASSWORD, hash)).to.equal(true)
        expect(await mine.verify('wrong', hash)).to.equal(false)
      }
    })

    it('are of well-formed passwords of 1 to 4096 bytes', async () => {
      const mine = passwords({ hashers: [pbkdf2(CHEAP)] })
      for (const password of ['x', ' ', '\0x', 'x'.repeat(4096), 'ü'.repeat(2048)]) {
        expect(await mine.verify(password, await mine.hash(password))).to.equal(true)
      }
      for (const password of [
        '',
        '\0',
        'x\0',
        'x'.repeat(4097),
        'ü'.repeat(2049),
        'a\ud800',
        null,
        undefined,
        7,
        ['x'],
        {},
      ]) {
        // What an untyped application may pass.
        expect(await rejection(mine.hash(password as string))).to.be.instanceOf(TypeError)
      }
    })

    it('show nothing of the password they refuse', async () => {
      const error = await rejection(passwords({ hashers: [pbkdf2(CHEAP)] }).hash('hunter2\ud800'))
      expect(String(error)).not.to.include('hunter2')
    })
  })

  describe('verify costs one hash and is false', () => {
    const stored: Readonly<Record<string, string | null>> = {
      ...unreadableHashes,
      'no hash at all': null,
      'a format that is not configured': 'md5$salt$5f4dcc3b5aa765d61d8327deb882cf99',
      'scrypt of terabytes': `scrypt$4294967296$salt$8$1$${Buffer.alloc(64).toString('base64')}`,
      'scrypt that OpenSSL throws for': `scrypt$65536$salt$1$1$${Buffer.alloc(64).toString('base64')}`,
      'PBKDF2 of years': `pbkdf2_sha256$9999999999$salt$${Buffer.alloc(32).toString('base64')}`,
      'PBKDF2 with a broken digest': 'pbkdf2_sha256$1$salt$not/base64',
      'Argon2 of terabytes': `argon2$argon2id$v=19$m=4294967295,t=1,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
      'bcrypt of years': `bcrypt$$2b$31$${'.'.repeat(53)}`,
      'a hash of more than 512 characters': `pbkdf2_sha256$1$${'x'.repeat(512)}$${Buffer.alloc(32).toString('base64')}`,
    }
    for (const [what, encoded] of Object.entries(stored)) {
      it(`for ${what}`, async () => {
        const hashers = [pbkdf2(CHEAP), scrypt(), argon2(), bcrypt()].map(counting)
        const mine = passwords({ hashers })
        expect(await mine.verify('password', encoded)).to.equal(false)
        expect(hashers.map((hasher) => hasher.hashes())).to.deep.equal([1, 0, 0, 0])
      })
    }

    const offered: Readonly<Record<string, unknown>> = {
      'a wrong one': 'wrong',
      'one of 4097 bytes': 'x'.repeat(4097),
      'one of 10 megabytes': 'x'.repeat(10_000_000),
      'one that is ill-formed': `${PASSWORD}\ud800`,
      'a number': 7,
      'a list': [PASSWORD],
      'an object': { length: 3 },
      null: null,
      undefined,
      true: true,
    }
    for (const [what, password] of Object.entries(offered)) {
      it(`for a password that is ${what}`, async () => {
        const hasher = counting(pbkdf2(CHEAP))
        const mine = passwords({ hashers: [hasher] })
        const encoded = await mine.hash(PASSWORD)
        // What an untyped application may pass.
        expect(await mine.verify(password as string, encoded)).to.equal(false)
        expect(hasher.hashes()).to.equal(1 + 1)
      })
    }

    it('for an overlong password whose hash is that of an empty one', async () => {
      const mine = passwords({ hashers: [pbkdf2()] })
      const ofEmpty = 'pbkdf2_sha256$1000$s$HR/6V8wgUN1kPTden0l+XrmvHh7Gl0jXIg5Wb/Tp85Y='
      expect(await mine.verify('', ofEmpty)).to.equal(true)
      for (const password of ['x'.repeat(4097), '\ud800', null, 0]) {
        // What an untyped application may pass.
        expect(await mine.verify(password as string, ofEmpty)).to.equal(false)
      }
    })
  })

  it('reads stored hashes of up to 512 characters', async () => {
    const mine = passwords({ hashers: [pbkdf2(CHEAP)] })
    const salted = (salt: string): string => {
      const key = pbkdf2Sync(PASSWORD, salt, 1, 32, 'sha256').toString('base64')
      return `pbkdf2_sha256$1$${salt}$${key}`
    }
    const rest = salted('').length
    expect(await mine.verify(PASSWORD, salted('x'.repeat(512 - rest)))).to.equal(true)
    expect(await mine.verify(PASSWORD, salted('x'.repeat(513 - rest)))).to.equal(false)
  })

  describe('the decoy', () => {
    it('is the first hasher’s until a stored hash was seen, and costs what that cost from then on', async () => {
      const [first, second] = [counting(pbkdf2(CHEAP)), counting(bcrypt({ cost: 4 }))]
      const mine = passwords({ hashers: [first, second] })
      await mine.verify('x', null)
      expect([first.hashes(), second.hashes()]).to.deep.equal([1, 0])
      await mine.verify('x', await bcrypt({ cost: 4 }).hash('y'))
      await mine.verify('x', null)
      expect([first.hashes(), second.hashes()]).to.deep.equal([1, 2])
    })

    it('costs the same for one account, no matter who logs in between', async () => {
      const [cheap, dear] = [counting(pbkdf2(CHEAP)), counting(bcrypt({ cost: 4 }))]
      const mine = passwords({ hashers: [cheap, dear], decoyKey: 'the key of this spec' })
      const [ofCheap, ofDear] = [await pbkdf2(CHEAP).hash('y'), await bcrypt({ cost: 4 }).hash('y')]
      await mine.verify('x', ofCheap, { name: 'known 1' })
      await mine.verify('x', ofDear, { name: 'known 2' })
      const dearHashes = async (account: string): Promise<number> => {
        const before = dear.hashes()
        await mine.verify('x', null, { name: account })
        return dear.hashes() - before
      }
      const accounts = Array.from({ length: 100 }, (_, at) => `unknown ${at}`)
      const costs: number[][] = []
      for (const [encoded, account] of [
        [ofCheap, 'known 1'],
        [ofDear, 'known 2'],
        [ofDear, 'known 3'],
      ] as const) {
        // prettier-ignore
        for (let login = 0; login < 3; login += 1) await mine.verify('x', encoded, { name: account })
        const each: number[] = []
        for (const unknown of accounts) each.push(await dearHashes(unknown))
        costs.push(each)
      }
      expect(costs[1]).to.deep.equal(costs[0])
      expect(costs[2]).to.deep.equal(costs[0])
      expect(costs[0]?.filter((one) => one === 1)).to.have.length.within(30, 70)
    })

    it('is chosen by name also for an account whose hash no hasher reads', async () => {
      const [cheap, dear] = [counting(pbkdf2(CHEAP)), counting(bcrypt({ cost: 4 }))]
      const mine = passwords({ hashers: [cheap, dear], decoyKey: 'the key of this spec' })
      await mine.verify('x', await pbkdf2(CHEAP).hash('y'), { name: 'known 1' })
      await mine.verify('x', await bcrypt({ cost: 4 }).hash('y'), { name: 'known 2' })
      const before = dear.hashes()
      for (let at = 0; at < 50; at += 1) {
        const costs: number[] = []
        for (const encoded of [null, '!', '', '$x$corrupt']) {
          const start = dear.hashes()
          await mine.verify('x', encoded, { name: `name ${at}` })
          costs.push(dear.hashes() - start)
        }
        expect(new Set(costs).size, costs.join()).to.equal(1)
      }
      expect(dear.hashes() - before).to.be.within(4 * 10, 4 * 40)
    })

    it('accepts no password, not even that of the hash it borrows', async () => {
      const mine = passwords({ hashers: [pbkdf2(CHEAP)] })
      expect(await mine.verify(PASSWORD, await mine.hash(PASSWORD))).to.equal(true)
      expect(await mine.verify(PASSWORD, null)).to.equal(false)
      expect(await mine.verify(PASSWORD, '!')).to.equal(false)
    })
  })

  describe('a stored hash that no hasher reads', () => {
    it('is reported by its format only', async () => {
      expect(
        await reported('$x$s4lt$d1gest', 'whirlpool$1$salt$digits', 'pbkdf2_sha256$1$salt$@@@', 'plain text', '$$'),
      ).to.deep.equal(['$x$', 'whirlpool$', 'pbkdf2_sha256$', undefined, undefined])
    })

    it('is not reported if no password logs in on purpose, nor if a hasher reads it', async () => {
      const good = await pbkdf2(CHEAP).hash(PASSWORD)
      // The last one is what an untyped store may give.
      const hashes = [null, '', '!', '!NeverAPassword', good, undefined as unknown as null]
      expect(await warningsOf(async () => expect(await reported(...hashes)).to.deep.equal([]))).to.deep.equal([])
    })

    it('is reported after the work of a hash', async () => {
      const hasher = counting(pbkdf2(CHEAP))
      const seen: number[] = []
      const mine = passwords({ hashers: [hasher] })
      await mine.verify('x', '$x$1', { onUnreadable: () => void seen.push(hasher.hashes()) })
      expect(seen).to.deep.equal([1])
    })

    it('is one warning for each format, which names it', async () => {
      const warnings = await warningsOf(() => reported('$x$1$2', '$x$3$4', '$yy$1', 'secret', 'secret', '$x$5'))
      expect(warnings.map((warning) => warning.split(', unless')[0])).to.deep.equal([
        "users with hashes that start with '$x$' cannot log in",
        "users with hashes that start with '$yy$' cannot log in",
        'users with hashes of an unknown format cannot log in',
      ])
    })

    it('is no more than 16 warnings, whatever stands in the column', async () => {
      const letters = 'abcdefghijklmnopqrstuvwxyz'.split('')
      expect(await warningsOf(() => reported(...letters.map((letter) => `$${letter}$`)))).to.have.lengthOf(16)
    })
  })

  describe('needsRehash', () => {
    it('is true for what the first hasher would make stronger, or did not make', async () => {
      const mine = passwords({ hashers: [pbkdf2({ iterations: 2 }), legacy()] })
      expect(mine.needsRehash(await mine.hash(PASSWORD))).to.equal(false)
      expect(mine.needsRehash(await pbkdf2({ iterations: 3 }).hash(PASSWORD))).to.equal(false)
      expect(mine.needsRehash(await pbkdf2({ iterations: 1 }).hash(PASSWORD))).to.equal(true)
      expect(mine.needsRehash('sha1$seasalt$6292fe549ea4fd63a742ce4c58115c04e58732ea')).to.equal(true)
      expect(mine.needsRehash('whatever this is')).to.equal(true)
    })

    it('is false if no password logs in, so that a job leaves those accounts as they are', () => {
      const mine = passwords({ hashers: [pbkdf2({ iterations: 2 })] })
      for (const encoded of [null, '', '!', '!unusable']) expect(mine.needsRehash(encoded)).to.equal(false)
    })
  })

  describe('the gate', () => {
    it('is one for the whole process', async () => {
      const hasher = waiting()
      const [one, other] = [passwords({ hashers: [hasher] }), passwords({ hashers: [hasher] })]
      const width = gateWidth()
      const results = Array.from({ length: width + 1 }, (_, at) => (at % 2 === 0 ? one : other).verify('x', 'x'))
      await new Promise((resolve) => setImmediate(resolve))
      expect(hasher.ends).to.have.lengthOf(width)
      hasher.ends[0]?.()
      await results[0]
      await new Promise((resolve) => setImmediate(resolve))
      expect(hasher.ends).to.have.lengthOf(width + 1)
      for (const end of hasher.ends) end()
      expect(await Promise.all(results)).to.deep.equal(Array(width + 1).fill(false))
    })

    it('lets logins of other addresses and accounts run before those of a flood', async () => {
      for (const key of ['address', 'account'] as const) {
        const hasher = waiting()
        const mine = passwords({ hashers: [hasher], gate: gate({ width: 1, queue: 2 }) })
        const outcomes = ['flood', 'flood', 'flood', 'other'].map((who) => mine.verify('x', 'x', { [key]: who }))
        expect(await rejection(outcomes[2] ?? Promise.resolve()), key).to.be.instanceOf(Overloaded)
        const done: string[] = []
        void outcomes[1]?.then(() => done.push('flood'))
        void outcomes[3]?.then(() => done.push('other'))
        for (let at = 0; at < 3; at += 1) {
          hasher.ends[at]?.()
          await new Promise((resolve) => setImmediate(resolve))
        }
        expect(done, key).to.deep.equal(['other', 'flood'])
      }
    })

    it('makes a wrong password count more than a right one', async () => {
      const hasher = waiting()
      const mine = passwords({ hashers: [hasher], gate: gate({ width: 1 }) })
      const order: string[] = []
      const attempt = async (address: string, encoded: string | null = 'x'): Promise<void> => {
        await mine.verify('x', encoded, { address })
        order.push(address)
      }
      const step = async (isRight: boolean): Promise<void> => {
        hasher.ends.shift()?.(isRight)
        await new Promise((resolve) => setImmediate(resolve))
      }
      for (const [address, isRight] of [
        ['wrong', false],
        ['right', true],
        ['right', true],
      ] as const) {
        // prettier-ignore
        void attempt(address)
        await step(isRight)
      }
      for (const address of ['first', 'wrong', 'right']) void attempt(address)
      for (let at = 0; at < 3; at += 1) await step(true)
      expect(order.slice(3)).to.deep.equal(['first', 'right', 'wrong'])
    })

    it('is passed by new hashes too, and full it is an internal error', async () => {
      const hasher = waiting()
      const mine = passwords({ hashers: [hasher], gate: gate({ width: 1, queue: 0 }) })
      const running = mine.verify('x', 'x')
      expect(await rejection(mine.verify('x', 'x'))).to.be.instanceOf(Overloaded)
      expect(await rejection(mine.verify('x', null)), 'for an unknown user').to.be.instanceOf(Overloaded)
      expect(await rejection(mine.hash('x'))).to.be.instanceOf(Overloaded)
      hasher.ends[0]?.()
      await running
      expect(await mine.hash('x')).to.equal('x')
    })

    it('skips a hash that waits for a client that has gone', async () => {
      const hasher = waiting()
      const mine = passwords({ hashers: [hasher], gate: gate({ width: 1 }) })
      const gone = new Error('gone')
      const controller = new AbortController()
      const running = mine.verify('x', 'x')
      const queued = rejection(mine.verify('x', 'x', { signal: controller.signal }))
      controller.abort(gone)
      expect(await queued).to.equal(gone)
      hasher.ends[0]?.()
      await running
      expect(hasher.ends).to.have.lengthOf(1)
    })
  })

  describe('wrong options', () => {
    it('are no hashers, and a first one that cannot read its decoy', () => {
      expect(() => passwords({ hashers: [] })).to.throw(TypeError, 'hashers')
      expect(() => passwords({ hashers: [{ ...legacy(), decoy: '!' }] })).to.throw(TypeError, 'decoy')
      for (const decoyKey of ['', 7 as unknown as string]) {
        expect(() => passwords({ decoyKey })).to.throw(TypeError, 'decoyKey')
      }
    })

    it('are a first hasher that makes no hashes, as soon as one is asked for', async () => {
      expect(await rejection(passwords({ hashers: [legacy()] }).hash('x'))).to.be.instanceOf(TypeError)
    })
  })
})
