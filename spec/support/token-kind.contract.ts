import { inspect } from 'node:util'
import { expect } from 'chai'
import { verify } from '../../lib/authenticate.js'
import { ContractViolation } from '../../lib/errors.js'
import {
  activeUser,
  type Clock,
  type FindUser,
  type Issued,
  type Limits,
  memoryUsers,
  type Offered,
  type Reason,
  type TokenKind,
  type User,
  type UserStore,
} from '../../lib/index.js'
import { watched } from './counting.js'

/** What the suite has to know of a kind. */
export interface KindUnderTest {
  /** A new kind with a store of its own, if it has one, on the clock that it is given. */
  readonly make: (clock: Clock) => TokenKind | Promise<TokenKind>
  /** Whether a token is no good without the user it is said to belong to (a pair). */
  readonly isPair: boolean
  /** Whether a token is proven genuine before the user is looked up: then a refusal of `find` is passed on unchanged. */
  readonly provesFirst: boolean
  /** Why a token is refused once the password has changed, or null if it stays valid. */
  readonly afterPasswordChange: Reason | null
  /** Whether `revokeAll` is there. */
  readonly revokesAll: boolean
  /** Whether the user is looked up before the time is checked, as an ancestor does; false. */
  readonly looksUpExpired?: boolean
  /** How often the user is asked for; once. */
  readonly lookUps?: number
  /** Whether a user with an empty id gets a token (which no lookup accepts), as an ancestor's known answers have it; false. */
  readonly issuesForEmptyId?: boolean
  /** The moment at which tokens are issued; 2026-11-22T12:00:00Z. */
  readonly start?: number
}

const START = Date.UTC(2026, 10, 22, 12) / 1000
const TAG_20 = '0123456789abcdef0123'
const TAG_64 = '0123456789abcdef'.repeat(4)

/** Tokens that no kind can read, by what is wrong with them (shared with the specs of the APIs). */
export const garbageTokens: Readonly<Record<string, string>> = {
  'an empty text': '',
  'a lone dash': '-',
  'a letter': 'a',
  'too many parts': 'a-b-c',
  'no head': '-abc',
  'no tag': 'abc-',
  'no head before 20 digits': `-${TAG_20}`,
  'no head before 64 digits': `-${TAG_64}`,
  '14 digits of time': `zzzzzzzzzzzzzz-${TAG_64}`,
  '13 digits of time, beyond 2^53': `zzzzzzzzzzzzz-${TAG_64}`,
  '13 digits of time before 20 digits': `zzzzzzzzzzzzz-${TAG_20}`,
  '11 digits of time, beyond 2^53': `zzzzzzzzzzz-${TAG_64}`,
  'a megabyte of time': `${'z'.repeat(1_000_000)}-${TAG_64}`,
  'what parseInt stops at': `1z!x-${TAG_64}`,
  'what Python skips': `1_0-${TAG_64}`,
  'a sign': `+1-${TAG_64}`,
  'a minus': `-1-${TAG_64}`,
  'a blank before': ` 1-${TAG_64}`,
  'an Arabic digit': `١-${TAG_64}`,
  'a full-width digit': `１-${TAG_20}`,
  'upper case in the time': `T5K3P1-${TAG_64}`,
  'upper case in the tag': `t5k3p1-${TAG_64.toUpperCase()}`,
  'a leading zero': `0t5k3p1-${TAG_64}`,
  'a leading zero before 20 digits': `07ao-${TAG_20}`,
  'an undefined claim': `t5k3p1.f1-${TAG_64}`,
  'a line break at the end': `t5k3p1-${TAG_64}\n`,
  'a blank at the end': `t5k3p1-${TAG_64} `,
  'a line break after 20 digits': `7ao-${TAG_20}\n`,
  'a tag one digit short': `t5k3p1-${TAG_64.slice(1)}`,
  'a tag one digit long': `t5k3p1-${TAG_64}0`,
  'a 20-digit tag one digit short': `7ao-${TAG_20.slice(1)}`,
  'a 20-digit tag one digit long': `7ao-${TAG_20}0`,
  'a tag of no hex digits': `t5k3p1-${'g'.repeat(64)}`,
  'a tag of wide letters': `7ao-${'é'.repeat(20)}`,
  NUL: `t5k3p1\0-${TAG_64}`,
  'only NUL': '\0',
  'a lone surrogate': `\ud800-${TAG_64}`,
  'a lone surrogate in the tag': `7ao-${TAG_20.slice(1)}\ud800`,
  'a replacement character': '\ufffd',
  'a megabyte': 'x'.repeat(1_000_000),
  'a name every object has': 'constructor',
  __proto__: '__proto__',
  'three dots': '...',
  colons: ':::',
  'an empty JWS': '..',
  'a JWS without an algorithm': 'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.',
}

function among(...users: User[]): FindUser<User> {
  return activeUser(memoryUsers(users))
}

function refusing(reason: 'invalid' | 'inactive'): FindUser<User> {
  return async () => ({ ok: false, reason, detail: 'as_found' })
}

/** Raises Alice's epoch and reads her again, as an API does. */
async function bumped(users: Required<Pick<UserStore, 'bumpEpoch' | 'findById'>>): Promise<User> {
  await users.bumpEpoch('1')
  const user = await users.findById('1')
  if (user === null) throw new Error('Alice is gone')
  return user
}

/** What every kind of token promises. */
export function behavesLikeATokenKind(subject: KindUnderTest): void {
  const {
    make,
    isPair,
    provesFirst,
    afterPasswordChange,
    revokesAll,
    looksUpExpired = false,
    lookUps = 1,
    issuesForEmptyId = false,
    start = START,
  } = subject

  /** What a client of alice sends. */
  const offer = (token: string, user = '1'): Offered => (isPair ? { user, token } : { token })

  describe('behaves like a token kind', () => {
    let now: number
    let kind: TokenKind
    let alice: User
    let bob: User

    beforeEach(async () => {
      now = start
      kind = await make(() => now)
      alice = { id: 1, username: 'alice', password: 'scrypt$16384$salt$8$5$alice', isActive: true, tokenEpoch: 0 }
      bob = { id: 2, username: 'bob', password: 'scrypt$16384$salt$8$5$bob', isActive: true, tokenEpoch: 0 }
    })

    const reasonOf = async (offered: Offered, find: FindUser<User>): Promise<Reason | 'none'> => {
      const verdict = await verify(offered, { tokens: kind, find, now: () => now }, {})
      return verdict.ok ? 'none' : verdict.reason
    }

    describe('what it issues', () => {
      let issued: Issued
      beforeEach(async () => {
        issued = await kind.issue(alice)
      })

      it('says when the token is over', () => {
        expect(issued.expiresAt).to.satisfy(Number.isSafeInteger).and.to.be.above(now)
        if (issued.issuedAt !== undefined) expect(issued.issuedAt).to.equal(now)
      })

      it('fits into a header, a path and a cookie as it is', () => {
        expect(issued.token).to.match(/^[A-Za-z0-9._~:-]{10,8192}$/)
      })

      it('is verified as the user whom it was issued to, with the same facts', async () => {
        const verdict = await kind.verify(offer(issued.token), among(alice, bob))
        if (!verdict.ok) throw new Error(`refused as ${verdict.reason}`)
        expect(verdict.value.user).to.include({ id: 1, username: 'alice' })
        expect(verdict.value.token.expiresAt).to.equal(issued.expiresAt)
        expect(verdict.value.token.issuedAt).to.equal(issued.issuedAt)
        expect(verdict.value.token.id).to.equal(issued.id)
        expect(verdict.value.token).not.to.have.property('token')
      })

      it('is verified with the user named beside it, whether or not the kind needs that', async () => {
        expect(await reasonOf({ user: '1', token: issued.token }, among(alice, bob))).to.equal('none')
      })

      it('can be used again, and beside another token of the same user', async () => {
        const second = await kind.issue(alice)
        const find = among(alice)
        for (const { token } of [issued, issued, second]) expect(await reasonOf(offer(token), find)).to.equal('none')
      })

      it('hands on the very object that find gave', async () => {
        const row = { ...alice, extra: Symbol('mine') }
        const verdict = await kind.verify<typeof row>(offer(issued.token), async () => ({ ok: true, value: row }))
        expect(verdict.ok && verdict.value.user).to.equal(row)
      })

      it('works for ids that are texts and bigints', async () => {
        for (const id of ['6f1c1b1e-4c7f-4d0a-9a58-0b6f6b1f0a11', 2n ** 62n]) {
          const carol: User = { ...alice, id, username: 'carol' }
          const { token } = await kind.issue(carol)
          expect(await reasonOf(offer(token, String(id)), among(carol, bob)), String(id)).to.equal('none')
        }
      })
    })

    describe('a user whose id could not be looked up again', () => {
      for (const id of [
        undefined,
        null,
        ...(issuesForEmptyId ? [] : ['']),
        '1\0',
        '\ud800',
        'x'.repeat(256),
        2 ** 53,
        1.5,
        NaN,
        true,
        [1],
      ]) {
        it(`gets no token: ${typeof id} ${inspect(id).slice(0, 20)}`, async () => {
          const row = { ...alice, id } as User // as a store without types may return it
          const outcome = await kind.issue(row).catch((error: unknown) => error)
          expect(outcome)
            .to.be.instanceOf(ContractViolation)
            .with.property('message')
            .that.matches(/^user\.id must be/)
        })
      }
    })

    describe('limits', () => {
      const LIMITS: readonly (readonly [string, Limits])[] = [
        ['e', { expiresAt: start + 30 }],
        ['s', { scopes: ['orders:read'] }],
        ['m', { methods: ['GET'] }],
        ['p', { path: '/orders' }],
      ]

      it('are a TypeError at issue unless the kind carries them', async () => {
        for (const [letter, limit] of LIMITS) {
          if (kind.carries?.includes(letter) === true) continue
          const outcome: unknown = await kind.issue(alice, { limits: [limit] }).catch((error: unknown) => error)
          expect(outcome, letter).to.be.instanceOf(TypeError).and.include({ code: 'ERR_LIMIT_NOT_SUPPORTED_BY_KIND' })
        }
      })

      it('are kept if the kind carries them', async () => {
        for (const [letter, limit] of LIMITS) {
          if (kind.carries?.includes(letter) !== true) continue
          const { token } = await kind.issue(alice, { limits: [limit] })
          const verdict = await kind.verify(offer(token), among(alice))
          if (!verdict.ok) throw new Error(`refused as ${verdict.reason}`)
          if (letter === 'e') expect(verdict.value.token.expiresAt).to.be.at.most(start + 30)
          else expect(verdict.value.token.limits, letter).to.deep.equal([limit])
        }
      })

      it('are not there if there are none', async () => {
        const { token } = await kind.issue(alice, { limits: [] })
        const verdict = await kind.verify(offer(token), among(alice))
        expect(verdict.ok && (verdict.value.token.limits ?? [])).to.deep.equal([])
      })
    })

    it('has the time of the login exactly if the kind says that it keeps it', async () => {
      for (const loggedInAt of [start - 10, undefined]) {
        const { token } = await kind.issue(alice, loggedInAt === undefined ? {} : { loggedInAt })
        const verdict = await kind.verify(offer(token), among(alice))
        if (!verdict.ok) throw new Error(`refused as ${verdict.reason}`)
        const kept = kind.keepsLoginTime === true ? (loggedInAt ?? start) : undefined
        expect(verdict.value.token.loggedInAt).to.equal(kept)
      }
    })

    describe('time', () => {
      it('is good until the second before expiresAt', async () => {
        const { token, expiresAt } = await kind.issue(alice)
        now = expiresAt - 1
        expect(await reasonOf(offer(token), among(alice))).to.equal('none')
      })

      it('is over from expiresAt on', async () => {
        const { token, expiresAt } = await kind.issue(alice)
        for (now of [expiresAt, expiresAt + 1, expiresAt + 1_000_000_000]) {
          expect(await reasonOf(offer(token), among(alice)), `${now - expiresAt} s later`).to.equal('expired')
        }
      })

      it(`${looksUpExpired ? 'looks' : 'does not look'} up whose an expired token is`, async () => {
        const { token, expiresAt } = await kind.issue(alice)
        now = expiresAt
        const { find, asked } = watched(among(alice))
        expect(await reasonOf(offer(token), find)).to.equal('expired')
        expect(asked).to.have.lengthOf(looksUpExpired ? 1 : 0)
      })
    })

    describe('another user', () => {
      it('is refused with the token of another user', async () => {
        const { token } = await kind.issue(alice)
        expect(await reasonOf({ user: '2', token }, among(alice, bob))).to.equal('invalid')
      })

      it('is refused under a name that is not the canonical id', async () => {
        const { token } = await kind.issue(alice)
        for (const user of [
          '01',
          '1 ',
          ' 1',
          '+1',
          '1.0',
          '1abc',
          '1\0',
          '１',
          '',
          '\ud800',
          'undefined',
          '__proto__',
        ]) {
          expect(await reasonOf({ user, token }, among(alice, bob)), JSON.stringify(user)).to.equal('invalid')
        }
      })

      if (isPair) {
        it('cannot leave the user out', async () => {
          const { token } = await kind.issue(alice)
          const { find, asked } = watched(among(alice))
          expect(await reasonOf({ token }, find)).to.equal('invalid')
          expect(asked).to.deep.equal([])
        })
      }
    })

    describe('garbage', () => {
      for (const [what, token] of Object.entries(garbageTokens)) {
        it(`is invalid and causes no lookup: ${what}`, async () => {
          const { find, asked } = watched(among(alice))
          const verdict = await kind.verify(offer(token), find)
          expect(verdict).to.include({ ok: false, reason: 'invalid' })
          expect(asked).to.deep.equal([])
        })
      }

      it('is every good token with one character changed, left out, put in or written large', async () => {
        const { token } = await kind.issue(alice)
        const find = among(alice)
        expect(await reasonOf(offer(token), find)).to.equal('none')
        for (let at = 0; at < token.length; at += 1) {
          const [before, one = '', after] = [token.slice(0, at), token[at], token.slice(at + 1)]
          const others = ['a', '0', '-', one.toUpperCase(), one.toLowerCase(), '', one + one, ` ${one}`]
          for (const other of others.filter((text) => text !== one)) {
            const reason = await reasonOf(offer(before + other + after), find)
            // A changed time may be one that is over, and a token in two tags may be half genuine.
            expect(reason, `${JSON.stringify(other)} at ${at}`).to.be.oneOf(['invalid', 'expired', 'revoked'])
          }
        }
      })

      it('is a good token with something around it', async () => {
        const { token } = await kind.issue(alice)
        for (const other of [`${token}\n`, `${token} `, ` ${token}`, `${token}\0`, `${token}${token}`, `"${token}"`]) {
          expect(await reasonOf(offer(other), among(alice)), JSON.stringify(other)).to.equal('invalid')
        }
      })
    })

    describe('the user', () => {
      it('who is gone is invalid', async () => {
        const { token } = await kind.issue(alice)
        expect(await reasonOf(offer(token), among(bob))).to.equal('invalid')
      })

      it(`who is disabled is ${provesFirst ? 'inactive' : 'invalid, since nothing is proven yet'}`, async () => {
        const { token } = await kind.issue(alice)
        for (const isActive of [false, 0] as const) {
          const reason = await reasonOf(offer(token), among({ ...alice, isActive }))
          expect(reason).to.equal(provesFirst ? 'inactive' : 'invalid')
        }
      })

      it('counts as active if the model has no such flag', async () => {
        const { token } = await kind.issue(alice)
        const { isActive: _flag, ...flagless } = alice
        expect(await reasonOf(offer(token), among(flagless))).to.equal('none')
        expect(await reasonOf(offer(token), among({ ...alice, isActive: null }))).to.equal('none')
      })

      it(`who has a new password ${afterPasswordChange === null ? 'keeps the token' : `loses it: ${afterPasswordChange}`}`, async () => {
        const { token } = await kind.issue(alice)
        const changed = { ...alice, password: 'scrypt$16384$salt$8$5$new' }
        expect(await reasonOf(offer(token), among(changed))).to.equal(afterPasswordChange ?? 'none')
      })

      it(
        provesFirst
          ? 'passes a refusal of find on unchanged, once the token is proven'
          : 'passes a refusal of find on as invalid, before the token is proven',
        async () => {
          const { token } = await kind.issue(alice)
          const verdict = await kind.verify(offer(token), refusing('inactive'))
          if (provesFirst) expect(verdict).to.include({ ok: false, reason: 'inactive', detail: 'as_found' })
          else expect(verdict).to.include({ ok: false, reason: 'invalid' }).and.not.include({ detail: 'as_found' })
        },
      )

      it(`is what a refusal ${provesFirst ? 'is marked as genuine' : 'is never marked as genuine'} for`, async () => {
        const { token } = await kind.issue(alice)
        const refusals = [
          await kind.verify(offer(token), among(bob)),
          await kind.verify(offer(token), among({ ...alice, isActive: false })),
          await kind.verify(offer(token), among({ ...alice, password: 'scrypt$16384$salt$8$5$new', tokenEpoch: 7 })),
        ].filter(({ ok }) => !ok)
        expect(refusals).to.have.length.of.at.least(2)
        for (const refusal of refusals) {
          if (provesFirst) expect(refusal).to.have.property('genuine', true)
          else expect(refusal).not.to.have.property('genuine')
        }
      })

      it(`is asked for ${lookUps === 1 ? 'once' : `${lookUps} times`}`, async () => {
        const { token } = await kind.issue(alice)
        const { find, asked } = watched(among(alice))
        expect(await reasonOf(offer(token), find)).to.equal('none')
        expect(asked).to.have.lengthOf(lookUps)
      })
    })

    describe('an error', () => {
      it('of find is a rejection, and not a verdict', async () => {
        const { token } = await kind.issue(alice)
        const error = new Error('the store is down')
        const outcome = await kind.verify(offer(token), () => Promise.reject(error)).catch((thrown: unknown) => thrown)
        expect(outcome).to.equal(error)
      })
    })

    if (revokesAll) {
      describe('revokeAll', () => {
        it('ends every token of the user and no other', async () => {
          const users = memoryUsers([alice, bob])
          const mine = [await kind.issue(alice), await kind.issue(alice)]
          const theirs = await kind.issue(bob)
          await kind.revokeAll?.(alice, () => bumped(users))
          for (const { token } of mine) {
            expect(await reasonOf(offer(token), activeUser(users))).to.be.oneOf(['revoked', 'invalid'])
          }
          expect(await reasonOf(offer(theirs.token, '2'), activeUser(users))).to.equal('none')
        })

        it('does not end tokens that are issued afterwards', async () => {
          const users = memoryUsers([alice])
          await kind.revokeAll?.(alice, () => bumped(users))
          const fresh = await users.findById('1')
          const { token } = await kind.issue(fresh ?? bob)
          expect(await reasonOf(offer(token), activeUser(users))).to.equal('none')
        })
      })
    } else {
      it('has no revokeAll, since it could not honour it', () => {
        expect(kind).not.to.have.property('revokeAll')
      })
    }
  })
}
