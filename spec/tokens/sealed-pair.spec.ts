import { expect } from 'chai'
import {
  activeUser,
  type FindUser,
  memoryUsers,
  type Reason,
  sealedPairs,
  type SealedPairOptions,
  type TokenKind,
  type User,
} from '../../lib/index.js'
import { watched } from '../support/counting.js'
import { behavesLikeATokenKind } from '../support/token-kind.contract.js'
import { knownAnswers } from '../support/vectors.js'

interface Vector {
  readonly secret: string
  readonly audience: string
  readonly purpose: string
  readonly userId: string
  readonly boundTo: readonly (string | number | boolean)[]
  readonly issuedAt: number
  readonly token: string
}

const SECRET = 'a secret of more than thirty-two bytes'
const OTHER = 'another secret of more than 32 bytes'
const NOW = 1795000000
const WEEK = 604800

const alice: User = { id: 1, username: 'alice', password: 'scrypt$16384$salt$8$5$alice', tokenEpoch: 0 }

/** A kind at a frozen time. */
function pairs(options: Partial<SealedPairOptions> = {}): TokenKind {
  return sealedPairs({ secret: SECRET, clock: () => NOW, ...options })
}

function having(...users: User[]): FindUser<User> {
  return activeUser(memoryUsers(users))
}

async function reasonOf(kind: TokenKind, token: string, user: User = alice): Promise<Reason | 'none'> {
  const verdict = await kind.verify({ user: String(user.id), token }, having(user))
  return verdict.ok ? 'none' : verdict.reason
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  )
}

/** What a verification asks `find`. */
async function asking(kind: TokenKind, user: string, token: string): Promise<readonly object[]> {
  const { find, asked } = watched(having(alice))
  await kind.verify({ user, token }, find)
  return asked
}

describe('sealedPairs', () => {
  behavesLikeATokenKind({
    make: (clock) => sealedPairs({ secret: SECRET, clock }),
    isPair: true,
    provesFirst: true,
    afterPasswordChange: 'revoked',
    revokesAll: true,
  })

  describe('with one second of life', () => {
    behavesLikeATokenKind({
      make: (clock) =>
        sealedPairs({ secret: [OTHER, SECRET], lifetime: 1, audience: 'staff', purpose: 'ticket', clock }),
      isPair: true,
      provesFirst: true,
      afterPasswordChange: 'revoked',
      revokesAll: true,
    })
  })

  describe('known answers', () => {
    const vectors = knownAnswers('sealed_pair') as readonly Vector[] // as the file is written

    it('are all there', () => {
      expect(vectors).to.have.lengthOf(137)
    })

    for (const { secret, audience, purpose, userId, boundTo, issuedAt, token } of vectors) {
      it(`${token.slice(0, 24)}… for ${userId}${audience && ` of ${audience}`}${purpose && ` to ${purpose}`}`, async () => {
        const options = { secret, audience, purpose, boundTo: () => boundTo, lifetime: WEEK, clock: () => issuedAt }
        const user: User = { id: userId, username: 'somebody', password: null }
        const kind = sealedPairs(options)
        const facts = { issuedAt, expiresAt: issuedAt + WEEK }
        expect(await kind.issue(user)).to.deep.equal({ token, ...facts })
        const verdict = await kind.verify({ user: userId, token }, having(user))
        expect(verdict.ok && verdict.value.token).to.deep.equal(facts)
      })
    }
  })

  describe('the token', () => {
    it('is the time in base 36, a dash and 64 hex digits', async () => {
      const { token } = await pairs().issue(alice)
      expect(token).to.match(/^[0-9a-z]{6}-[0-9a-f]{64}$/)
      expect(Number.parseInt(token, 36)).to.equal(NOW)
    })

    it('lives for seven days', async () => {
      expect(await pairs().issue(alice)).to.include({ issuedAt: NOW, expiresAt: NOW + WEEK })
    })

    it('reads the time 0 and the whole range of a clock', async () => {
      for (const time of [0, 1, 35, 36, 253402300799]) {
        const kind = pairs({ clock: () => time })
        expect(await reasonOf(kind, (await kind.issue(alice)).token), String(time)).to.equal('none')
      }
    })
  })

  describe('a token from the future', () => {
    it('is good up to 60 s ahead', async () => {
      const { token } = await pairs({ clock: () => NOW + 60 }).issue(alice)
      expect(await reasonOf(pairs(), token)).to.equal('none')
    })

    it('is invalid from 61 s ahead', async () => {
      for (const ahead of [61, 86400, 315360000]) {
        const { token } = await pairs({ clock: () => NOW + ahead }).issue(alice)
        expect(await reasonOf(pairs(), token), `${ahead} s`).to.equal('invalid')
      }
    })
  })

  describe('look-ups', () => {
    it('are for genuine tokens in time alone', async () => {
      const { token } = await pairs().issue(alice)
      expect(await asking(pairs(), '1', token)).to.deep.equal([{ id: '1' }])
      expect(await asking(pairs(), '2', token), 'another user').to.deep.equal([])
      expect(await asking(pairs({ secret: OTHER }), '1', token), 'another secret').to.deep.equal([])
      expect(await asking(pairs({ clock: () => NOW + WEEK }), '1', token), 'expired').to.deep.equal([])
      expect(await asking(pairs({ clock: () => NOW - 61 }), '1', token), 'from the future').to.deep.equal([])
      const [head, tag = ''] = token.split('-')
      const badSeal = `${head}-${tag[0] === '0' ? '1' : '0'}${tag.slice(1)}`
      expect(await asking(pairs(), '1', badSeal), 'a forged seal').to.deep.equal([])
      const laterHead = `${(NOW + 1).toString(36)}-${tag}`
      expect(await asking(pairs(), '1', laterHead), 'a later time').to.deep.equal([])
    })

    it('take only what can be an id', async () => {
      const { token } = await pairs().issue(alice)
      for (const user of ['', '1\0', '1\n', '\ud800', 'x'.repeat(256)]) {
        expect(await asking(pairs(), user, token)).to.deep.equal([])
      }
      // In UTF-8 a lone surrogate has the bytes of U+FFFD, so that the seal would fit.
      const replaced = await pairs().issue({ ...alice, id: '\ufffd' })
      expect(await asking(pairs(), '\ufffd', replaced.token)).to.deep.equal([{ id: '\ufffd' }])
      expect(await asking(pairs(), '\ud800', replaced.token)).to.deep.equal([])
    })
  })

  describe('seal and bond', () => {
    it('say revoked where the seal is good and the bond is not', async () => {
      const { token } = await pairs().issue(alice)
      const flipped = token.slice(0, -1) + (token.endsWith('0') ? '1' : '0')
      expect(await reasonOf(pairs(), flipped)).to.equal('revoked')
    })

    it('say invalid where the bond is good and the seal is not', async () => {
      const { token } = await pairs().issue(alice)
      const dash = token.indexOf('-')
      const digit = token[dash + 1] === '0' ? '1' : '0'
      expect(await reasonOf(pairs(), token.slice(0, dash + 1) + digit + token.slice(dash + 2))).to.equal('invalid')
    })

    it('cannot be swapped', async () => {
      const [head, tag = ''] = (await pairs().issue(alice)).token.split('-')
      expect(await reasonOf(pairs(), `${head}-${tag.slice(32)}${tag.slice(0, 32)}`)).to.equal('invalid')
    })

    it('are of one key: a seal of one secret takes no bond of another', async () => {
      const rotated = pairs({ secret: [SECRET, OTHER] })
      const mine = (await pairs({ secret: SECRET }).issue(alice)).token
      const other = (await pairs({ secret: OTHER }).issue(alice)).token
      expect(await reasonOf(rotated, mine.slice(0, -32) + other.slice(-32))).to.equal('revoked')
    })
  })

  describe('boundTo', () => {
    it('is the stored hash and the epoch by default', async () => {
      const { token } = await pairs().issue(alice)
      expect(await reasonOf(pairs(), token, { ...alice, password: 'other' })).to.equal('revoked')
      expect(await reasonOf(pairs(), token, { ...alice, tokenEpoch: 1 })).to.equal('revoked')
      expect(await reasonOf(pairs(), token, { ...alice, username: 'renamed' })).to.equal('none')
    })

    it('takes an epoch that is absent or null for 0', async () => {
      const { token } = await pairs().issue(alice)
      const { tokenEpoch: _epoch, ...epochless } = alice
      expect(await reasonOf(pairs(), token, epochless)).to.equal('none')
      expect(await reasonOf(pairs(), token, { ...alice, tokenEpoch: null })).to.equal('none')
    })

    it('binds an unusable password like any other value', async () => {
      const unusable = { ...alice, password: '!abc' }
      const { token } = await pairs().issue(unusable)
      expect(await reasonOf(pairs(), token, unusable)).to.equal('none')
      expect(await reasonOf(pairs(), token, { ...alice, password: '!xyz' })).to.equal('revoked')
    })

    const unbindable: Readonly<Record<string, unknown>> = {
      null: null,
      undefined,
      'an empty text': '',
      'a lone surrogate': '\ud800',
      'a fraction': 1.5,
      NaN,
      Infinity,
      'an unsafe integer': 2 ** 53,
      'a Date': new Date(0),
      'an array': ['x'],
      'an object': {},
      'a symbol': Symbol('x'),
    }
    for (const [what, value] of Object.entries(unbindable)) {
      it(`issues nothing over ${what}, and verifies it as revoked`, async () => {
        let bound: unknown = 'good'
        const kind = pairs({ boundTo: () => [bound] })
        const { token } = await kind.issue(alice)
        bound = value
        expect(await rejection(kind.issue(alice)))
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.includes('boundTo')
        expect(await reasonOf(kind, token)).to.equal('revoked')
      })
    }

    it('needs at least one value, in a list', async () => {
      for (const values of [[], null, undefined, 'text', { 0: 'x', length: 1 }]) {
        // What an untyped application may return.
        const boundTo = (() => values) as unknown as () => readonly unknown[]
        expect(await rejection(pairs({ boundTo }).issue(alice))).to.be.instanceOf(TypeError)
        const { token } = await pairs().issue(alice)
        expect(await reasonOf(pairs({ boundTo }), token)).to.equal('revoked')
      }
    })

    it('keeps a password that is null or empty from tokens', async () => {
      const { token } = await pairs().issue(alice)
      for (const password of [null, '']) {
        const error = await rejection(pairs().issue({ ...alice, password }))
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('boundTo')
        expect(await reasonOf(pairs(), token, { ...alice, password })).to.equal('revoked')
      }
      const textNull = await pairs().issue({ ...alice, password: 'null' })
      expect(await reasonOf(pairs(), textNull.token, { ...alice, password: null })).to.equal('revoked')
    })

    it('keeps neighbours apart', async () => {
      const { token } = await pairs({ boundTo: () => ['ab', 'c'] }).issue(alice)
      for (const values of [['a', 'bc'], ['abc'], ['ab', 'c', 'c'], ['c', 'ab'], ['ab'], ['ab1:c']]) {
        expect(await reasonOf(pairs({ boundTo: () => values }), token), JSON.stringify(values)).to.equal('revoked')
      }
    })

    it('reports what it throws as a fault', async () => {
      const fault = new Error('boundTo failed')
      const { token } = await pairs().issue(alice)
      const kind = pairs({
        boundTo: () => {
          throw fault
        },
      })
      expect(await rejection(reasonOf(kind, token))).to.equal(fault)
    })
  })

  describe('issue', () => {
    it('needs an id that can be presented', async () => {
      for (const id of ['', 'a\0b', '\ud800', 'x'.repeat(256)]) {
        const error = await rejection(pairs().issue({ ...alice, id }))
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('id')
      }
    })

    it('says nothing of the hash it could not bind', async () => {
      const error = await rejection(pairs().issue({ ...alice, password: 'scrypt$\ud800' }))
      expect(String(error)).not.to.include('scrypt$')
    })
  })

  describe('several secrets', () => {
    const old = 'the secret of last year, 32 bytes and more'

    it('issue by the first and verify by all', async () => {
      const rotated = pairs({ secret: [SECRET, old] })
      expect(await rotated.issue(alice)).to.deep.equal(await pairs().issue(alice))
      const { token } = await pairs({ secret: old }).issue(alice)
      expect(await reasonOf(rotated, token)).to.equal('none')
    })

    it('end with the one that is taken away', async () => {
      const { token } = await pairs({ secret: old }).issue(alice)
      expect(await reasonOf(pairs({ secret: SECRET }), token)).to.equal('invalid')
    })

    it('rotate in two deploys', async () => {
      const [first, second] = [pairs({ secret: [old, SECRET] }), pairs({ secret: [SECRET, old] })]
      expect(await reasonOf(second, (await first.issue(alice)).token)).to.equal('none')
      expect(await reasonOf(first, (await second.issue(alice)).token)).to.equal('none')
    })

    it('are not changed by a list that changes later', async () => {
      const secret = [SECRET]
      const kind = pairs({ secret })
      secret[0] = OTHER
      expect(await kind.issue(alice)).to.deep.equal(await pairs().issue(alice))
    })
  })

  describe('audience and purpose', () => {
    it('keep tokens apart in every combination', async () => {
      const kinds = [
        pairs(),
        pairs({ audience: 'ab', lifetime: WEEK }),
        pairs({ purpose: 'ab', lifetime: WEEK }),
        pairs({ audience: 'a', purpose: 'b', lifetime: WEEK }),
        pairs({ audience: 'ab', purpose: 'c', lifetime: WEEK }),
        pairs({ audience: 'a', purpose: 'bc', lifetime: WEEK }),
        pairs({ audience: 'abc', lifetime: WEEK }),
        pairs({ secret: OTHER }),
      ]
      for (const [i, issuer] of kinds.entries()) {
        const { token } = await issuer.issue(alice)
        for (const [j, verifier] of kinds.entries()) {
          expect(await reasonOf(verifier, token), `${i} by ${j}`).to.equal(i === j ? 'none' : 'invalid')
        }
      }
    })

    it('may have 200 bytes and not 201', () => {
      expect(() => pairs({ audience: 'ü'.repeat(100) })).not.to.throw()
      expect(() => pairs({ audience: `${'ü'.repeat(100)}x` })).to.throw(TypeError, 'audience')
      expect(() => pairs({ purpose: 'x'.repeat(200), lifetime: 60 })).not.to.throw()
      expect(() => pairs({ purpose: 'x'.repeat(201), lifetime: 60 })).to.throw(TypeError, 'purpose')
      expect(() => pairs({ audience: '\ud800' })).to.throw(TypeError, 'audience')
    })

    it('leave no life unsaid for a purpose', () => {
      expect(() => pairs({ purpose: 'password-reset' })).to.throw(TypeError, 'lifetime')
    })
  })

  describe('revokeAll', () => {
    it('rejects without touching the store where boundTo leaves the epoch out', async () => {
      let bumps = 0
      const kind = pairs({ boundTo: (user) => [user.password] })
      const error = await rejection(
        Promise.resolve(
          kind.revokeAll?.(alice, async () => {
            bumps += 1
          }),
        ),
      )
      expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('tokenEpoch')
      expect(bumps).to.equal(0)
    })

    it('rejects as the store does', async () => {
      const fault = new Error('the store is down')
      expect(await rejection(Promise.resolve(pairs().revokeAll?.(alice, () => Promise.reject(fault))))).to.equal(fault)
    })
  })

  describe('wrong options', () => {
    const wrong: Readonly<Record<string, readonly [string, unknown]>> = {
      'a lifetime of 0': ['lifetime', 0],
      'a negative lifetime': ['lifetime', -1],
      'a lifetime that is no number': ['lifetime', NaN],
      'a lifetime without an end': ['lifetime', Infinity],
      'a lifetime in a text': ['lifetime', '7'],
      'a lifetime of half a second': ['lifetime', 0.5],
      'a lifetime of null': ['lifetime', null],
      'no secret': ['secret', undefined],
      'a secret of null': ['secret', null],
      'an empty secret': ['secret', ''],
      'a short secret': ['secret', '8 chars!'],
      'a secret of 31 bytes': ['secret', 'x'.repeat(31)],
      'a secret in bytes': ['secret', Buffer.alloc(32)],
      'an ill-formed secret': ['secret', `\ud800${'x'.repeat(32)}`],
      'no secrets': ['secret', []],
      'six secrets': ['secret', Array<string>(6).fill(SECRET)],
      'an empty secret behind a good one': ['secret', [SECRET, '']],
      'a missing secret behind a good one': ['secret', [SECRET, undefined]],
      'minSecretBytes of 0': ['minSecretBytes', 0],
      'minSecretBytes in a text': ['minSecretBytes', '8'],
      'minSecretBytes without meaning': ['minSecretBytes', NaN],
      'an audience that is no text': ['audience', 1],
      'a purpose that is no text': ['purpose', null],
      'a bond that is no function': ['boundTo', ['password']],
      'a clock that is no function': ['clock', NOW],
      'a clock in milliseconds': ['clock', () => NOW * 1000],
      'a clock with fractions': ['clock', () => NOW + 0.5],
      'a clock that stands still at NaN': ['clock', () => NaN],
    }
    for (const [what, [option, value]] of Object.entries(wrong)) {
      it(`name themselves at start-up: ${what}`, () => {
        const options = { [option]: value } as Partial<SealedPairOptions> // wrong on purpose: what JavaScript lets through
        expect(() => pairs({ ...options })).to.throw(TypeError, option)
      })
    }

    it('do not repeat the secret', () => {
      expect(() => pairs({ secret: 'hunter2-hunter2' }))
        .to.throw(TypeError)
        .that.satisfies((error: Error) => !error.message.includes('hunter2'))
    })

    it('are no secrets of 32 bytes, five of them, or short ones that are asked for', () => {
      expect(() => pairs({ secret: 'x'.repeat(32) })).not.to.throw()
      expect(() => pairs({ secret: 'ü'.repeat(16) })).not.to.throw()
      expect(() => pairs({ secret: Array<string>(5).fill(SECRET) })).not.to.throw()
      expect(() => pairs({ secret: '8 chars!', minSecretBytes: 8 })).not.to.throw()
      expect(() => pairs({ secret: '8 chars!', minSecretBytes: 9 })).to.throw(TypeError, 'minSecretBytes')
    })
  })
})
