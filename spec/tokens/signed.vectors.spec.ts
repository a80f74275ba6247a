import { expect } from 'chai'
import {
  activeUser,
  djangoPairs,
  memoryUsers,
  type Reason,
  sealedPairs,
  signedTokens,
  type SignedTokenOptions,
  type TokenKind,
  type User,
} from '../../lib/index.js'
import { knownAnswers } from '../support/vectors.js'

interface Dump {
  readonly secret: string
  readonly salt: string
  readonly object: unknown
  readonly is_compressed: boolean
  readonly time: number
  readonly timestamp62: string
  readonly algorithm: 'sha1' | 'sha256'
  readonly value: string
}

interface Load {
  readonly why: string
  readonly secret: string
  readonly salt: string
  readonly now: number
  readonly max_age: number
  readonly value: string
  readonly ok: boolean
  readonly object?: unknown
}

interface Conversion {
  readonly fn: string
  readonly in?: string
  readonly in_repr?: string
  readonly out?: string
}

const { dumps, loads, base62 } = knownAnswers('django_signing') as {
  dumps: readonly Dump[]
  loads: readonly Load[]
  base62: readonly Conversion[]
} // as the file is written

const { vectors: base36 } = knownAnswers('base36') as { vectors: readonly Conversion[] } // as the file is written

const SECRET = 'a secret of more than thirty-two bytes'
const DAY = 24 * 60 * 60
const FIRST_DAY = Date.UTC(2001, 0, 1) / 1000
/** No clock may return more: that would be milliseconds. */
const MAX_TIME = 1e12

/** The two items of a payload that names a user and a backend; null for anything else. */
function pairIn(object: unknown): { id: string | number; backend: string } | null {
  if (!Array.isArray(object) || object.length !== 2) return null
  const [id, backend] = object as unknown[]
  const isId = typeof id === 'string' || typeof id === 'number'
  return isId && typeof backend === 'string' ? { id, backend } : null
}

function signed(options: SignedTokenOptions): TokenKind {
  return signedTokens({ minSecretBytes: 1, ...options })
}

async function reasonOf(kind: TokenKind, token: string, user: User): Promise<Reason | 'none'> {
  const verdict = await kind.verify({ user: String(user.id), token }, activeUser(memoryUsers([user])))
  return verdict.ok ? 'none' : verdict.reason
}

function userWith(id: string | number): User {
  return { id, username: 'anyone', password: 'pbkdf2_sha256$260000$seasalt$abc=' }
}

describe('signedTokens, by the known answers of django.core.signing', () => {
  it('has them all', () => {
    expect(dumps).to.have.lengthOf(29)
    expect(loads).to.have.lengthOf(27)
    expect(base62).to.have.lengthOf(15)
    expect(base36).to.have.lengthOf(33)
  })

  describe('dumps', () => {
    for (const { secret, salt, object, is_compressed, time, algorithm, value } of dumps) {
      const pair = pairIn(object)
      const now = Math.floor(time)
      const title = `${value.slice(0, 40)}… (${algorithm}${is_compressed ? ', compressed' : ''})`
      const options = { secret, salt, clock: () => now, ...(pair === null ? {} : { backend: pair.backend }) }
      const user = userWith(pair?.id ?? 1)

      if (pair === null) {
        it(`${title}, which names no user and backend, is refused`, async () => {
          expect(await reasonOf(signed({ ...options, sha1: true }), value, user)).to.equal('invalid')
        })
        continue
      }

      it(`${title} is read`, async () => {
        expect(await reasonOf(signed({ ...options, sha1: true }), value, user)).to.equal('none')
        const unasked = await reasonOf(signed(options), value, user)
        expect(unasked, 'without sha1').to.equal(algorithm === 'sha1' ? 'invalid' : 'none')
      })

      if (algorithm === 'sha256' && !is_compressed) {
        it(`${title} is written`, async () => {
          expect((await signed(options).issue(user)).token).to.equal(value)
        })
      }
    }

    it('are written and read if they can be', () => {
      const pairs = dumps.filter(({ object }) => pairIn(object) !== null)
      const written = pairs.filter(({ algorithm, is_compressed }) => algorithm === 'sha256' && !is_compressed)
      expect([pairs.length, written.length]).to.deep.equal([7, 4])
    })
  })

  describe('loads', () => {
    for (const { why, secret, salt, now, max_age, value, ok, object } of loads) {
      const pair = pairIn(object)
      const kind = (clock: number): TokenKind =>
        signed({
          secret,
          salt,
          sha1: true,
          maxAge: max_age,
          clock: () => clock,
          ...(pair === null ? {} : { backend: pair.backend }),
        })
      const user = userWith(pair?.id ?? 14)

      if (max_age === 0) {
        it(`${why}: cannot be configured here`, () => {
          expect(() => kind(Math.floor(now))).to.throw(TypeError, 'maxAge')
        })
      } else if (!Number.isInteger(now)) {
        it(`${why}: a clock here has whole seconds, so that it ends with the second`, async () => {
          expect(ok).to.equal(false)
          expect(await reasonOf(kind(Math.floor(now)), value, user)).to.equal('none')
          expect(await reasonOf(kind(Math.ceil(now)), value, user)).to.equal('expired')
        })
      } else {
        it(`${why}: ${ok ? 'accepted' : 'refused'}`, async () => {
          const reason = await reasonOf(kind(now), value, user)
          if (ok) expect(reason).to.equal('none')
          else expect(reason).to.equal(why === 'one second too old' ? 'expired' : 'invalid')
        })
      }
    }
  })

  describe('base 62', () => {
    const times = base62.map(({ fn, in: input = '', out = '' }) => (fn === 'encode' ? [input, out] : [out, input]))
    for (const [number = '', digits = ''] of times) {
      const time = number === '' ? -1 : Number(number)
      if (time < 0 || time >= MAX_TIME) {
        it(`${digits}: no clock may return that`, () => {
          expect(() => signed({ secret: SECRET, clock: () => time })).to.throw(TypeError, 'clock')
        })
      } else {
        it(`${digits} is ${number}`, async () => {
          const { token } = await signed({ secret: SECRET, clock: () => time }).issue(userWith(1))
          // A leading zero is read by Python; nothing writes one.
          expect(token.split(':')[1]).to.equal(digits.replace(/^0+(?=.)/, ''))
        })
      }
    }
  })
})

describe('pairs, by the known answers of base 36', () => {
  const written = base36.filter(({ fn, out }) => fn === 'int_to_base36' && out !== undefined)
  for (const { in: number = '', out = '' } of written) {
    const time = Number(number)
    if (time >= MAX_TIME) {
      it(`${out}: no clock may return ${number}`, () => {
        expect(() => sealedPairs({ secret: SECRET, clock: () => time })).to.throw(TypeError, 'clock')
      })
    } else {
      it(`${number} is written ${out}`, async () => {
        const { token } = await sealedPairs({ secret: SECRET, clock: () => time }).issue(userWith(1))
        expect(token.split('-')[0]).to.equal(out)
      })
    }
  }

  const read = base36.filter(({ fn, in: input }) => fn === 'base36_to_int' && input !== undefined)
  for (const { in: digits = '', out } of read) {
    const day = Number(out ?? '9145')
    const isReachable = FIRST_DAY + day * DAY < MAX_TIME
    const isCanonical = out !== undefined && BigInt(out).toString(36) === digits

    it(`${JSON.stringify(digits)} is ${isCanonical && isReachable ? `day ${day}` : 'not a day'} in a Django pair`, async () => {
      const time = FIRST_DAY + (isReachable ? day : 9145) * DAY
      const pairs = djangoPairs({ secret: SECRET, clock: () => time })
      const user = userWith(1)
      const tag = (await pairs.issue(user)).token.split('-')[1]
      const reason = await reasonOf(pairs, `${digits}-${tag}`, user)
      expect(reason).to.equal(isCanonical && isReachable ? 'none' : 'invalid')
    })
  }

  it('cover what can be reached', () => {
    expect(written.length + read.length).to.equal(base36.length - 2)
  })
})
