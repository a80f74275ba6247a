import { createHash, createHmac } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { expect } from 'chai'
import {
  activeUser,
  type FindUser,
  memoryUsers,
  signedTokens,
  type SignedTokenOptions,
  type TokenKind,
  type User,
} from '../../lib/index.js'
import { ContractViolation } from '../../lib/errors.js'
import { watched } from '../support/counting.js'
import { behavesLikeATokenKind } from '../support/token-kind.contract.js'

const SECRET = 'a secret of more than thirty-two bytes'
const OTHER = 'another secret of more than 32 bytes'
const BACKEND = 'django.contrib.auth.backends.ModelBackend'
const NOW = 1795000000
const TWO_WEEKS = 1209600
const alice: User = { id: 1, username: 'alice', password: 'hash of alice', tokenEpoch: 0 }
const toState = (user: User): unknown[] => [user.password, user.tokenEpoch ?? 0]

function kindOf(options: Partial<SignedTokenOptions> = {}): TokenKind {
  return signedTokens({ secret: SECRET, clock: () => NOW, ...options })
}

function having(...users: User[]): FindUser<User> {
  return activeUser(memoryUsers(users))
}

async function outcomeOf(kind: TokenKind, token: string, ...users: User[]): Promise<string> {
  const verdict = await kind.verify({ token }, having(...(users.length > 0 ? users : [alice])))
  return verdict.ok ? verdict.value.user.username : verdict.reason
}

function base62(number: number): string {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  return number < 62 ? (digits[number] ?? '') : base62(Math.floor(number / 62)) + digits[number % 62]
}

/** Signs anything as django.core.signing does (Signer.signature): this is what anyone who has the secret can write. */
function django(
  value: string,
  options: { secret?: string; salt?: string; algorithm?: 'sha1' | 'sha256' } = {},
): string {
  const { secret = SECRET, salt = 'nap_token.auth', algorithm = 'sha256' } = options
  const key = createHash(algorithm).update(`${salt}signer${secret}`).digest()
  return `${value}:${createHmac(algorithm, key).update(value).digest('base64url')}`
}

function payload(data: unknown): string {
  return Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)).toString('base64url')
}

function compressed(data: unknown): string {
  return `.${deflateSync(JSON.stringify(data)).toString('base64url')}`
}

async function bondOf(kind: TokenKind, user: User): Promise<string> {
  const [data = ''] = (await kind.issue(user)).token.split(':')
  return String((JSON.parse(Buffer.from(data, 'base64url').toString()) as unknown[])[2]) // a list, as issued
}

const good = payload([1, BACKEND])
const stamp = base62(NOW)

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  )
}

describe('signedTokens', () => {
  behavesLikeATokenKind({
    make: (clock) => signedTokens({ secret: SECRET, clock }),
    isPair: false,
    provesFirst: true,
    afterPasswordChange: null,
    revokesAll: false,
  })

  describe('bound to the user’s state', () => {
    behavesLikeATokenKind({
      make: (clock) => signedTokens({ secret: [OTHER, SECRET], maxAge: 1, boundTo: toState, clock }),
      isPair: false,
      provesFirst: true,
      afterPasswordChange: 'revoked',
      revokesAll: true,
    })
  })

  describe('as Django writes it', () => {
    it('is [id, backend] in JSON, the time in base 62, and a signature', async () => {
      expect((await kindOf().issue(alice)).token).to.equal(django(`${payload(`[1,"${BACKEND}"]`)}:${stamp}`))
    })

    it('has the first of several backends, and all are accepted', async () => {
      const both = kindOf({ backend: ['my.Backend', BACKEND] })
      expect(await outcomeOf(both, (await kindOf().issue(alice)).token)).to.equal('alice')
      const { token } = await both.issue(alice)
      expect(await outcomeOf(both, token)).to.equal('alice')
      expect(await outcomeOf(kindOf(), token)).to.equal('invalid')
      expect(await outcomeOf(kindOf({ backend: 'my.Backend' }), token)).to.equal('alice')
    })

    it('has the salt and the backend that are asked for', async () => {
      const kind = kindOf({ salt: 'my.salt', backend: 'my.Backend' })
      const { token } = await kind.issue(alice)
      expect(token).to.equal(django(`${payload('[1,"my.Backend"]')}:${stamp}`, { salt: 'my.salt' }))
      expect(await outcomeOf(kind, token)).to.equal('alice')
    })

    it('is read compressed too', async () => {
      expect(await outcomeOf(kindOf(), django(`${compressed([1, BACKEND])}:${stamp}`))).to.equal('alice')
    })

    it('is read with a sha1 signature only when asked', async () => {
      const old = django(`${good}:${stamp}`, { algorithm: 'sha1' })
      expect(await outcomeOf(kindOf(), old)).to.equal('invalid')
      expect(await outcomeOf(kindOf({ sha1: true }), old)).to.equal('alice')
      expect(await outcomeOf(kindOf({ sha1: true }), django(`${good}:${stamp}`))).to.equal('alice')
      expect((await kindOf({ sha1: true }).issue(alice)).token).to.equal((await kindOf().issue(alice)).token)
    })

    it('names ids of every size and form exactly', async () => {
      const many = [
        2 ** 53 - 1,
        2n ** 53n + 1n,
        2n ** 63n - 1n,
        'ü "quoted"',
        '01',
        '6f1c1b1e-4c7f-4d0a-9a58-0b6f6b1f0a11',
      ]
      for (const id of many) {
        const user: User = { ...alice, id, username: `the one with ${id}` }
        const { token } = await kindOf().issue(user)
        expect(await outcomeOf(kindOf(), token, user, { ...alice, id: 2n ** 53n }), String(id)).to.equal(user.username)
      }
    })
  })

  describe('time', () => {
    it('is valid for 14 days, the last second included', async () => {
      const { token, expiresAt } = await kindOf().issue(alice)
      expect(expiresAt).to.equal(NOW + TWO_WEEKS + 1)
      expect(await outcomeOf(kindOf({ clock: () => NOW + TWO_WEEKS }), token)).to.equal('alice')
      expect(await outcomeOf(kindOf({ clock: () => NOW + TWO_WEEKS + 1 }), token)).to.equal('expired')
    })

    it('is valid for maxAge seconds of the kind that verifies', async () => {
      const { token } = await kindOf({ maxAge: 1 }).issue(alice)
      const later = (age: number): TokenKind => kindOf({ maxAge: 100, clock: () => NOW + age })
      expect([await outcomeOf(later(100), token), await outcomeOf(later(101), token)]).to.deep.equal([
        'alice',
        'expired',
      ])
    })

    it('may be 60 s ahead, and no more', async () => {
      for (const [ahead, result] of [
        [60, 'alice'],
        [61, 'invalid'],
        [86400, 'invalid'],
      ] as const) {
        const { token } = await kindOf({ clock: () => NOW + ahead }).issue(alice)
        expect(await outcomeOf(kindOf(), token), `${ahead} s`).to.equal(result)
      }
    })

    it('is read from 1970 on', async () => {
      const { token } = await kindOf({ clock: () => 0 }).issue(alice)
      expect(await outcomeOf(kindOf({ clock: () => TWO_WEEKS }), token)).to.equal('alice')
      expect(await outcomeOf(kindOf(), token)).to.equal('expired')
    })

    it('is invalid if it is not base 62, though it was signed', async () => {
      for (const written of [
        '',
        '-1',
        '!',
        ' ',
        `${stamp} `,
        `-${stamp}`,
        `+${stamp}`,
        'é',
        'z'.repeat(9),
        `${stamp}\n`,
      ]) {
        expect(await outcomeOf(kindOf(), django(`${good}:${written}`)), JSON.stringify(written)).to.equal('invalid')
      }
    })

    it('is not read in a token of a megabyte', async () => {
      expect(await outcomeOf(kindOf(), django(`${good}:${'z'.repeat(1_000_000)}`))).to.equal('invalid')
      expect(await outcomeOf(kindOf(), django(`${'A'.repeat(1_000_000)}:${stamp}`))).to.equal('invalid')
    })
  })

  describe('a signature', () => {
    it('is of the salt, the secret and the class', async () => {
      expect(await outcomeOf(kindOf(), django(`${good}:${stamp}`))).to.equal('alice')
      expect(await outcomeOf(kindOf(), django(`${good}:${stamp}`, { salt: 'nap_token' })), 'salt').to.equal('invalid')
      expect(await outcomeOf(kindOf(), django(`${good}:${stamp}`, { secret: OTHER })), 'secret').to.equal('invalid')
      // Without "signer" it would be only salted_hmac, which makes password reset tokens.
      const key = createHash('sha256').update(`nap_token.auth${SECRET}`).digest()
      const bare = createHmac('sha256', key).update(`${good}:${stamp}`).digest('base64url')
      expect(await outcomeOf(kindOf(), `${good}:${stamp}:${bare}`), 'class').to.equal('invalid')
    })

    it('is refused with other parts around it', async () => {
      const { token } = await kindOf().issue(alice)
      const [data, time, tag] = token.split(':')
      for (const other of [
        `${data}:${time}`,
        `${data}${time}:${tag}`,
        `${data}:${time}:`,
        `:${time}:${tag}`,
        `${data}::${tag}`,
        `${data}:${time}::${tag}`,
        `:${data}:${time}:${tag}`,
        `${data}:${time}:${tag}:`,
        `${data}:${time}:${tag}:${tag}`,
        `${data}:${time}:${tag}=`,
        `${time}:${data}:${tag}`,
        ':::',
        '::',
        ':',
      ]) {
        expect(await outcomeOf(kindOf(), other), other).to.equal('invalid')
      }
    })

    it('of the right length and nothing else is refused without a lookup', async () => {
      const { token } = await kindOf().issue(alice)
      const { find, asked } = watched(having(alice))
      const forged = `${token.slice(0, -43)}${'A'.repeat(43)}`
      expect(await kindOf().verify({ token: forged }, find)).to.include({ reason: 'invalid' })
      expect(asked).to.deep.equal([])
    })

    it('may be of each of several secrets, and the first one issues', async () => {
      const old = await kindOf().issue(alice)
      const rotated = kindOf({ secret: [OTHER, SECRET] })
      expect(await outcomeOf(rotated, old.token)).to.equal('alice')
      const fresh = await rotated.issue(alice)
      expect(await outcomeOf(kindOf(), fresh.token)).to.equal('invalid')
      expect(await outcomeOf(kindOf({ secret: OTHER }), fresh.token)).to.equal('alice')
      expect(await outcomeOf(kindOf({ secret: OTHER }), old.token)).to.equal('invalid')
    })
  })

  describe('what was signed and is not a token', () => {
    const values: Readonly<Record<string, string>> = {
      'invalid base64': '!!!!',
      'text that is not JSON': payload('not JSON'),
      'half a list': payload('[1,"'),
      'invalid UTF-8': Buffer.from([0x5b, 0xff, 0x5d]).toString('base64url'),
      'bad zlib': `.${payload('no zlib')}`,
      'zlib that is cut off': compressed([1, BACKEND]).slice(0, -8),
      'zlib that grows to 100 KB': `.${deflateSync(Buffer.alloc(100_000, 0x20)).toString('base64url')}`,
      nothing: '',
      'a dot': '.',
      null: payload(null),
      'a number': payload(1),
      'a text': payload('"1"'),
      'an object': payload({ id: 1, backend: BACKEND }),
      'an object with __proto__': payload('{"__proto__":[1,"x"],"length":2,"0":1,"1":"x"}'),
      'an empty list': payload([]),
      'only an id': payload([1]),
      'four entries': payload([1, BACKEND, null, null]),
      'a bond without boundTo': payload([1, BACKEND, 'a'.repeat(32)]),
      'a bond that is not text': payload([1, BACKEND, 7]),
      'another backend': payload([1, 'evil.Backend']),
      'a backend that is not text': payload([1, 7]),
      'a backend that is null': payload([1, null]),
      'true for an id': payload([true, BACKEND]),
      'null for an id': payload([null, BACKEND]),
      'a list for an id': payload([[1], BACKEND]),
      'an object for an id': payload([{ id: 1 }, BACKEND]),
      'a negative id': payload([-1, BACKEND]),
      'a fraction for an id': payload(`[1.0,"${BACKEND}"]`),
      'an exponent for an id': payload(`[1e0,"${BACKEND}"]`),
      'an id of 20 digits': payload(`[${'1'.repeat(20)},"${BACKEND}"]`),
      'an id with a leading zero': payload(`[01,"${BACKEND}"]`),
      'an unknown user': payload([999, BACKEND]),
      'an unknown user in text': payload(['01', BACKEND]),
      '__proto__ for an id': payload(['__proto__', BACKEND]),
      'an empty id': payload(['', BACKEND]),
    }

    for (const [what, value] of Object.entries(values)) {
      it(`is invalid: ${what}`, async () => {
        expect(await outcomeOf(kindOf(), django(`${value}:${stamp}`))).to.equal('invalid')
      })
    }

    it('leaves every object as it was', async () => {
      await outcomeOf(kindOf(), django(`${payload('{"__proto__":{"polluted":true}}')}:${stamp}`))
      await outcomeOf(kindOf(), django(`${payload('[{"__proto__":{"polluted":true}},"x"]')}:${stamp}`))
      expect({}).not.to.have.property('polluted')
    })
  })

  describe('boundTo', () => {
    const bound = kindOf({ boundTo: toState })

    it('ends tokens when a value changes, and not otherwise', async () => {
      const { token } = await bound.issue(alice)
      expect(await outcomeOf(bound, token)).to.equal('alice')
      expect(await outcomeOf(bound, token, { ...alice, username: 'alicia' })).to.equal('alicia')
      expect(await outcomeOf(bound, token, { ...alice, password: 'another' })).to.equal('revoked')
      expect(await outcomeOf(bound, token, { ...alice, tokenEpoch: 1 })).to.equal('revoked')
    })

    it('accepts no tokens without a bond, and issues none that are accepted without it', async () => {
      expect(await outcomeOf(bound, (await kindOf().issue(alice)).token)).to.equal('invalid')
      expect(await outcomeOf(kindOf(), (await bound.issue(alice)).token)).to.equal('invalid')
    })

    it('is of one user, one time and one secret', async () => {
      const twin: User = { ...alice, id: 2, username: 'twin' }
      const bonds = [
        await bondOf(bound, alice),
        await bondOf(bound, twin),
        await bondOf(kindOf({ boundTo: toState, clock: () => NOW + 1 }), alice),
        await bondOf(kindOf({ boundTo: toState, secret: OTHER }), alice),
        await bondOf(kindOf({ boundTo: toState, salt: 'other' }), alice),
      ]
      for (const bond of bonds) expect(bond).to.match(/^[0-9a-f]{32}$/)
      expect(new Set(bonds).size).to.equal(bonds.length)
    })

    it('cannot be forged with the signing key only', async () => {
      for (const bond of ['', '0'.repeat(32), 'x']) {
        expect(await outcomeOf(bound, django(`${payload([1, BACKEND, bond])}:${stamp}`)), bond).to.equal('revoked')
      }
    })

    it('works with each of several secrets', async () => {
      const { token } = await bound.issue(alice)
      const rotated = kindOf({ boundTo: toState, secret: [OTHER, SECRET] })
      expect(await outcomeOf(rotated, token)).to.equal('alice')
      expect(await outcomeOf(rotated, token, { ...alice, password: 'another' })).to.equal('revoked')
    })

    it('must return values that a token can be bound to', async () => {
      for (const values of [[], [null], [undefined], [''], [new Date(0)], [1.5], 'text', null]) {
        const kind = kindOf({ boundTo: () => values as unknown[] }) // as a caller without types
        const error = await rejection(kind.issue(alice))
        expect(error, JSON.stringify(values))
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.includes('boundTo')
        const { token } = await bound.issue(alice)
        expect(await outcomeOf(kind, token), JSON.stringify(values)).to.equal('revoked')
      }
    })

    it('lets revokeAll work only if the epoch is among the values', async () => {
      const bumped: string[] = []
      const bump = async (): Promise<User> => {
        bumped.push('bumped')
        return { ...alice, tokenEpoch: (alice.tokenEpoch ?? 0) + 1 }
      }
      await bound.revokeAll?.(alice, bump)
      expect(bumped).to.deep.equal(['bumped'])
      const toPassword = kindOf({ boundTo: (user) => [user.password] })
      if (toPassword.revokeAll === undefined) throw new Error('a bound kind has revokeAll')
      expect(await rejection(toPassword.revokeAll(alice, bump))).to.be.instanceOf(TypeError)
      expect(bumped).to.deep.equal(['bumped'])
    })
  })

  it('issues no token for an invalid id', async () => {
    for (const id of ['', '\ud800', 'a\nb']) {
      const error = await rejection(kindOf().issue({ ...alice, id }))
      expect(error, JSON.stringify(id)).to.be.instanceOf(TypeError).with.property('message').that.includes('user.id')
    }
  })

  it('issues no token that is longer than it reads', async () => {
    // Three characters of the backend make four of the token.
    const long = kindOf({ backend: 'b'.repeat(3027) })
    const { token } = await long.issue(alice)
    expect(await outcomeOf(long, token)).to.equal('alice')
    expect(token.length).to.equal(4095)
    for (const length of [3028, 100_000]) {
      const error = await rejection(kindOf({ backend: 'b'.repeat(length) }).issue(alice))
      expect(error, String(length))
        .to.be.instanceOf(ContractViolation)
        .with.property('message')
        .that.includes('backend')
    }
  })

  describe('says at start-up which option is wrong', () => {
    const wrong: readonly [string, readonly unknown[]][] = [
      [
        'secret',
        [undefined, null, '', 'x', 'x'.repeat(31), [], ['x'.repeat(31)], Array(6).fill(SECRET), 7, '\ud800'.repeat(32)],
      ],
      ['maxAge', [0, -1, 1.5, NaN, Infinity, '60', null]],
      ['salt', ['', 7, null]],
      ['backend', ['', 7, null, [], ['']]],
      ['sha1', ['false', 0, 1, null]],
      ['boundTo', [[], 'password', null]],
      ['clock', [Date.now, 7, () => 1.5]],
      ['minSecretBytes', [0, -1, 1.5, NaN, '8']],
    ]
    for (const [name, values] of wrong) {
      it(name, () => {
        for (const value of values) {
          const options = { [name]: value } as Partial<SignedTokenOptions> // as a caller without types
          expect(() => kindOf(options), String(value)).to.throw(TypeError, name)
        }
      })
    }

    it('and accepts a short Django key with minSecretBytes', async () => {
      const kind = kindOf({ secret: 'short', minSecretBytes: 5 })
      expect(await outcomeOf(kind, (await kind.issue(alice)).token)).to.equal('alice')
    })
  })
})
