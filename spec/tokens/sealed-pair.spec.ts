import { expect } from 'chai'
import { chainedTag, field } from '../../lib/crypto.js'
import {
  activeUser,
  type FindUser,
  type Issued,
  type IssueOptions,
  type Limits,
  memoryUsers,
  type Reason,
  sealedPairs,
  type SealedPairFacts,
  type SealedPairOptions,
  type TokenKind,
  type TokenReason,
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
  /** 0: not known. Absent: issuedAt. */
  readonly loggedInAt?: number
  readonly login?: string
  readonly limits: readonly Limits[]
  readonly token: string
}

interface RefusedVector extends Pick<Vector, 'secret' | 'audience' | 'purpose' | 'userId' | 'boundTo' | 'token'> {
  readonly why: string
  readonly reason: TokenReason
  readonly now: number
  readonly lifetime: number
}

const SECRET = 'a secret of more than thirty-two bytes'
const OTHER = 'another secret of more than 32 bytes'
const NOW = 1795000000
const WEEK = 604800

const alice: User = { id: 1, username: 'alice', password: 'scrypt$16384$salt$8$5$alice', tokenEpoch: 0 }

/** A kind at a frozen time. */
function pairs(options: Partial<SealedPairOptions> = {}): TokenKind<User, SealedPairFacts> {
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

/** A token with one more text in its head, chained as anyone who holds it can do. */
function chained(token: string, ...texts: readonly string[]): string {
  const dash = token.length - 65
  let [head, seal, bond] = [token.slice(0, dash), token.slice(dash + 1, dash + 33), token.slice(dash + 33)]
  for (const text of texts) {
    head += `.${text}`
    seal = chainedTag(seal, field(text))
    bond = chainedTag(bond, field(text))
  }
  return `${head}-${seal}${bond}`
}

/** A path limit of so many bytes. */
function long(bytes: number): string {
  return `p${Buffer.from(`/${'x'.repeat(bytes - 1)}`).toString('base64url')}`
}

async function issued(options?: IssueOptions, user: User = alice): Promise<Issued<SealedPairFacts>> {
  return pairs().issue(user, options)
}

/** The lookups of a verification. */
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
    // As the files are written.
    const vectors = knownAnswers('sealed_pair') as readonly Vector[]
    const refused = knownAnswers('sealed_pair_refused') as readonly RefusedVector[]

    it('are all there', () => {
      expect(vectors).to.have.lengthOf(167)
      expect(refused).to.have.lengthOf(39)
    })

    for (const vector of vectors) {
      const {
        secret,
        audience,
        purpose,
        userId,
        boundTo,
        issuedAt,
        limits,
        loggedInAt = issuedAt,
        login,
        token,
      } = vector
      const title = `${token.slice(0, 24)}… for ${userId}${audience && ` of ${audience}`}${purpose && ` to ${purpose}`}`
      it(`are issued and verified: ${title}`, async () => {
        const options = { secret, audience, purpose, boundTo: () => boundTo, lifetime: WEEK, clock: () => issuedAt }
        const user: User = { id: userId, username: 'someone', password: null }
        const kind = sealedPairs(options)
        const ends = limits.flatMap(({ expiresAt }) => expiresAt ?? [])
        const facts = {
          issuedAt,
          expiresAt: Math.min(issuedAt + WEEK, ...ends),
          ...((loggedInAt !== 0 || issuedAt === 0) && { loggedInAt }),
          ...(login !== undefined && { id: login }),
          limits,
        }
        const claims = { ...(loggedInAt !== issuedAt && { loggedInAt }), ...(login !== undefined && { id: login }) }
        expect(await kind.issue(user, { ...claims, limits })).to.deep.equal({ token, ...facts })
        const verdict = await kind.verify({ user: userId, token }, having(user))
        expect(verdict.ok && verdict.value.token).to.deep.equal(facts)
      })
    }

    for (const { why, reason, secret, audience, purpose, userId, boundTo, now, lifetime, token } of refused) {
      it(`are refused as ${reason}: ${why}`, async () => {
        const user: User = { id: userId, username: 'someone', password: null }
        const { find, asked } = watched(having(user))
        const kind = sealedPairs({ secret, audience, purpose, boundTo: () => boundTo, lifetime, clock: () => now })
        const verdict = await kind.verify({ user: userId, token }, find)
        const genuine = reason === 'revoked' && { genuine: true }
        expect(verdict).to.deep.equal({ ok: false, reason, ...genuine })
        expect(asked).to.have.lengthOf(reason === 'revoked' ? 1 : 0)
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

  describe('lookups', () => {
    it('are only for tokens that are sealed and in time', async () => {
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

    it('are only for what can be an id', async () => {
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

  describe('limits', () => {
    const limits: readonly Limits[] = [
      { expiresAt: NOW + 60 },
      { scopes: ['a', 'b'] },
      { methods: ['GET'] },
      { path: '/a' },
    ]

    it('stand in the facts as they stand in the head', async () => {
      const all: Limits = { expiresAt: NOW + 60, scopes: ['b', 'a'], methods: ['GET'], path: '/a' }
      const { token, ...facts } = await issued({ limits: [all, { expiresAt: NOW + 90 }] })
      expect(facts.limits).to.deep.equal([...limits, { expiresAt: NOW + 90 }])
      const verdict = await pairs().verify({ user: '1', token }, having(alice))
      expect(verdict.ok && verdict.value.token).to.deep.equal(facts)
    })

    it('are an empty list without limits', async () => {
      expect((await issued()).limits).to.deep.equal([])
      expect((await issued({ limits: [] })).token).to.equal((await issued()).token)
    })

    it('end the token at the earliest of their ends, wherever it stands', async () => {
      for (const ends of [[10, 20], [20, 10], [10], [10, 2 * WEEK]]) {
        const { token, expiresAt } = await issued({ limits: ends.map((end) => ({ expiresAt: NOW + end })) })
        expect(expiresAt).to.equal(NOW + 10)
        expect(await reasonOf(pairs({ clock: () => NOW + 9 }), token)).to.equal('none')
        expect(await reasonOf(pairs({ clock: () => NOW + 10 }), token)).to.equal('expired')
      }
      expect((await issued({ limits: [{ expiresAt: NOW + 2 * WEEK }] })).expiresAt).to.equal(NOW + WEEK)
      expect(await reasonOf(pairs(), (await issued({ limits: [{ expiresAt: 0 }] })).token)).to.equal('expired')
    })

    it('are what a holder chains', async () => {
      const { token } = await issued({ limits })
      const texts = ['etop2ws', 'sYSBi', 'mR0VU', 'pL2E']
      expect(chained((await issued()).token, ...texts)).to.equal(token)
      expect(chained((await issued({ limits: limits.slice(0, 2) })).token, ...texts.slice(2))).to.equal(token)
    })

    it('cannot be removed, changed, swapped, doubled or moved to another token', async () => {
      const { token } = await issued({ limits, id: '0123456789' })
      const [, tags = ''] = token.split('-')
      const root = 'top2v4~d0123456789'
      const texts = ['etop2ws', 'sYSBi', 'mR0VU', 'pL2E']
      const heads = [
        [],
        texts.slice(1),
        texts.slice(0, 3),
        ['sYSBi', 'etop2ws', 'mR0VU', 'pL2E'],
        [...texts, 'pL2E'],
        ['etop2wt', 'sYSBi', 'mR0VU', 'pL2E'],
        ['etop2ws', 'sYSBiIGM', 'mR0VU', 'pL2E'],
        ['etop2ws.sYSBi', 'mR0VU', 'pLw'],
      ].map((some) => [root, ...some].join('.'))
      for (const head of [...heads, 'top2v4.etop2ws.sYSBi.mR0VU.pL2E', 'top2v4~d0123456788.etop2ws.sYSBi.mR0VU.pL2E']) {
        expect(await reasonOf(pairs(), `${head}-${tags}`), head).to.equal('invalid')
        expect(await asking(pairs(), '1', `${head}-${tags}`), head).to.deep.equal([])
      }
    })

    it('are invalid in any form but the one, though the chain is right, and cause no lookup', async () => {
      const { token } = await issued()
      for (const text of [
        '',
        'e',
        'e01',
        'eTOP2WS',
        's',
        'sYQ==',
        'sYR',
        'sYiBh',
        'mZ2V0',
        'pYQ',
        'xYQ',
        'd0123456789',
        'a0',
        'e1~d0123456789',
        'e1-',
        'sü',
        'e1 ',
        ' e1',
        'e1\n',
      ]) {
        expect(await reasonOf(pairs(), chained(token, text)), JSON.stringify(text)).to.equal('invalid')
        expect(await reasonOf(pairs(), chained(token, 'etop2ws', text)), JSON.stringify(text)).to.equal('invalid')
        expect(await asking(pairs(), '1', chained(token, text))).to.deep.equal([])
      }
    })

    it('are 8 at most, in a head of 1024 characters at most', async () => {
      const { token } = await issued()
      const eight = Array<string>(8).fill('etop2ws')
      expect(await reasonOf(pairs(), chained(token, ...eight))).to.equal('none')
      expect(await reasonOf(pairs(), chained(token, ...eight, 'etop2ws'))).to.equal('invalid')
      const fits = chained(token, long(512), long(248)) // 6 + 1 + 684 + 1 + 332
      expect(fits.length - 65).to.equal(1024)
      expect(await reasonOf(pairs(), fits)).to.equal('none')
      const over = chained(token, long(512), long(249))
      expect(over.length - 65).to.be.above(1024)
      expect(await reasonOf(pairs(), over)).to.equal('invalid')
      const path = `/${'x'.repeat(511)}`
      for (const many of [Array.from({ length: 9 }, () => ({ expiresAt: NOW })), [{ path }, { path }]]) {
        const error = await rejection(issued({ limits: many }))
        expect(error).to.be.instanceOf(TypeError).with.property('code', 'ERR_TOO_MANY_LIMITS')
      }
    })

    it('end with their parent', async () => {
      const root = (await issued({ id: '0123456789' })).token
      const [child, grandchild] = [chained(root, 'etop2ws'), chained(root, 'etop2ws', 'sYQ')]
      for (const row of [
        { ...alice, password: 'new' },
        { ...alice, tokenEpoch: 1 },
        { ...alice, endedLogins: '0123456789:zzzzzz' },
      ]) {
        for (const token of [root, child, grandchild]) expect(await reasonOf(pairs(), token, row)).to.equal('revoked')
      }
    })

    it('are kept by a token that is issued in the place of another', async () => {
      const first = await issued({ limits, id: '0123456789' })
      const later = pairs({ clock: () => NOW + 30 })
      const { token, id = '', loggedInAt = 0, limits: kept } = first
      const renewed = await later.issue(alice, { limits: kept, loggedInAt, id })
      expect(renewed.token).to.match(/^top2vy~atop2v4~d0123456789\.etop2ws\.sYSBi\.mR0VU\.pL2E-/)
      expect(renewed).to.deep.include({ ...first, token: renewed.token, issuedAt: NOW + 30 })
      expect(token).to.not.equal(renewed.token)
    })
  })

  describe('what only the server can say', () => {
    it('is when the password was typed: now by default, 0 if that is not known', async () => {
      expect((await issued()).loggedInAt).to.equal(NOW)
      const earlier = await issued({ loggedInAt: NOW - 1 })
      expect(earlier.token).to.match(/^top2v4~atop2v3-/)
      expect(earlier.loggedInAt).to.equal(NOW - 1)
      const unknown = await issued({ loggedInAt: 0 })
      expect(unknown.token).to.match(/^top2v4~a0-/)
      expect(unknown).not.to.have.property('loggedInAt')
      const verdict = await pairs().verify({ user: '1', token: unknown.token }, having(alice))
      expect(verdict.ok && verdict.value.token).not.to.have.property('loggedInAt')
    })

    it('is never later than the token: a login by a clock that is a minute ahead counts as now', async () => {
      for (const ahead of [0, 1, 60]) {
        const { token, loggedInAt } = await issued({ loggedInAt: NOW + ahead })
        expect(token).to.match(/^top2v4-/)
        expect(loggedInAt).to.equal(NOW)
      }
    })

    it('is which login this is, if the application says so', async () => {
      expect(await issued()).not.to.have.property('id')
      const { token, id } = await issued({ id: '0123456789' })
      expect(token).to.match(/^top2v4~d0123456789-/)
      expect(id).to.equal('0123456789')
    })

    it('has one form', async () => {
      const { token } = await issued({ loggedInAt: NOW - 1, id: '0123456789' })
      const tags = token.slice(-65)
      for (const root of [
        'top2v4~d0123456789~atop2v3',
        'top2v4~atop2v3~atop2v3~d0123456789',
        'top2v4~atop2v3~d012345678',
        'top2v4~atop2v3~d0123456789~',
        'top2v4~atop2v3~d0123456789~oabc',
        'top2v4~a0top2v3~d0123456789',
        'top2v4~aTOP2V3~d0123456789',
        'top2v4~atop2v4~d0123456789',
        'top2v4~atop2v5~d0123456789',
        'top2v4~a~d0123456789',
        'top2v4~atop2v3',
        'top2v4~d0123456789',
        'top2v4',
        '~atop2v3~d0123456789',
      ]) {
        expect(await reasonOf(pairs(), root + tags), root).to.equal('invalid')
      }
    })
  })

  describe('the options of issue', () => {
    const wrong: Readonly<Record<string, unknown>> = {
      'a misspelled name': { limit: [{ path: '/a' }] },
      'limits instead of a list of them': { path: '/a' },
      'undefined limits': { limits: undefined },
      'limits that are no list': { limits: { path: '/a' } },
      'a limit without a text form': { limits: [{ methods: ['get'] }] },
      'scope instead of scopes': { limits: [{ scope: ['a'] }] },
      'an empty limit': { limits: [{}] },
      'an undefined login time': { loggedInAt: undefined },
      'a login time in milliseconds': { loggedInAt: NOW * 1000 },
      'a login time 61 s ahead': { loggedInAt: NOW + 61 },
      'a negative login time': { loggedInAt: -1 },
      'a login time of null': { loggedInAt: null },
      'an undefined id': { id: undefined },
      'an id of 9 digits': { id: '012345678' },
      'an id of 11 digits': { id: '01234567890' },
      'an id in upper case': { id: 'ABCDEFGHIJ' },
      'an id with a line break': { id: '0123456789\n' },
      'an id that is a number': { id: 1234567890 },
      'a list': [],
      'no options at all': null,
    }
    for (const [what, options] of Object.entries(wrong)) {
      it(`are a TypeError if they are wrong: ${what}`, async () => {
        // What a caller without types may pass. A list has the own property `length`.
        expect(await rejection(issued(options as IssueOptions)))
          .to.be.instanceOf(TypeError)
          .with.property('code')
      })
    }
  })

  describe('a login that was ended', () => {
    const id = '0123456789'

    it('is revoked, and no other one', async () => {
      const { token } = await issued({ id })
      const other = await issued({ id: '0123456788' })
      const none = await issued()
      const row = { ...alice, endedLogins: `9876543210:1 ${id}:top2v4` }
      expect(await reasonOf(pairs(), token, row)).to.equal('revoked')
      expect(await reasonOf(pairs(), other.token, row)).to.equal('none')
      expect(await reasonOf(pairs(), none.token, row)).to.equal('none')
    })

    it('is looked for after the user was found to be active', async () => {
      const { token } = await issued({ id })
      expect(await reasonOf(pairs(), token, { ...alice, endedLogins: `${id}:1`, isActive: false })).to.equal('inactive')
    })

    it('is an internal error if the row shows anything but text or null', async () => {
      const { token } = await issued({ id })
      for (const endedLogins of [Buffer.from(`${id}:1`), 0, false, [`${id}:1`]]) {
        const row = { ...alice, endedLogins } as unknown as User // what a driver may return for another type of column
        const find: FindUser<User> = async () => ({ ok: true, value: row })
        expect(await rejection(pairs().verify({ user: '1', token }, find))).to.be.instanceOf(Error)
      }
    })
  })

  describe('a refusal for what the row says', () => {
    it('is marked as genuine, and no other one', async () => {
      const { token } = await issued({ id: '0123456789' })
      const verify = async (row: User | null, kind = pairs(), offered = token): Promise<object> =>
        kind.verify({ user: '1', token: offered }, row === null ? having() : having(row))
      const refusal = { ok: false, genuine: true }
      expect(await verify(null)).to.deep.equal({ ...refusal, reason: 'invalid' })
      expect(await verify({ ...alice, isActive: false })).to.deep.equal({ ...refusal, reason: 'inactive' })
      expect(await verify({ ...alice, password: 'new' })).to.deep.equal({ ...refusal, reason: 'revoked' })
      expect(await verify({ ...alice, endedLogins: '0123456789:1' })).to.deep.equal({ ...refusal, reason: 'revoked' })
      for (const [kind, offered] of [
        [pairs({ secret: OTHER }), token],
        [pairs({ clock: () => NOW + WEEK }), token],
        [pairs({ clock: () => NOW - 61 }), token],
        [pairs(), 'garbage'],
      ] as const) {
        expect(await verify(alice, kind, offered)).not.to.have.property('genuine')
      }
    })
  })

  describe('seal and bond', () => {
    it('are revoked if the seal is good and the bond is not', async () => {
      const { token } = await pairs().issue(alice)
      const flipped = token.slice(0, -1) + (token.endsWith('0') ? '1' : '0')
      expect(await reasonOf(pairs(), flipped)).to.equal('revoked')
    })

    it('are invalid if the bond is good and the seal is not', async () => {
      const { token } = await pairs().issue(alice)
      const dash = token.indexOf('-')
      const digit = token[dash + 1] === '0' ? '1' : '0'
      expect(await reasonOf(pairs(), token.slice(0, dash + 1) + digit + token.slice(dash + 2))).to.equal('invalid')
    })

    it('cannot be swapped', async () => {
      const [head, tag = ''] = (await pairs().issue(alice)).token.split('-')
      expect(await reasonOf(pairs(), `${head}-${tag.slice(32)}${tag.slice(0, 32)}`)).to.equal('invalid')
    })

    it('have keys of their own, so that one cannot stand for the other', async () => {
      const kind = pairs({ boundTo: () => [0] })
      const { token } = await kind.issue(alice)
      expect(token.slice(-64, -32)).not.to.equal(token.slice(-32))
      expect(await reasonOf(kind, token.slice(0, -32) + token.slice(-64, -32))).to.equal('revoked')
    })

    it('are of one secret: a seal of one takes no bond of another', async () => {
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

    it('counts an epoch that is absent or null as 0', async () => {
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

    it('rejects with what it throws', async () => {
      const failure = new Error('boundTo failed')
      const { token } = await pairs().issue(alice)
      const kind = pairs({
        boundTo: () => {
          throw failure
        },
      })
      expect(await rejection(reasonOf(kind, token))).to.equal(failure)
    })
  })

  describe('issue', () => {
    it('needs an id that a request can offer', async () => {
      for (const id of ['', 'a\0b', '\ud800', 'x'.repeat(256)]) {
        const error = await rejection(pairs().issue({ ...alice, id }))
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('id')
      }
    })

    it('has no hash in its error', async () => {
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

    it('have no default lifetime for a purpose', () => {
      expect(() => pairs({ purpose: 'password-reset' })).to.throw(TypeError, 'lifetime')
    })
  })

  describe('revokeAll', () => {
    it('rejects without touching the store if boundTo leaves the epoch out', async () => {
      let bumps = 0
      const kind = pairs({ boundTo: (user) => [user.password] })
      const error = await rejection(
        Promise.resolve(
          kind.revokeAll?.(alice, async () => {
            bumps += 1
            return alice
          }),
        ),
      )
      expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('tokenEpoch')
      expect(bumps).to.equal(0)
    })

    it('rejects as the store does', async () => {
      const failure = new Error('the store is down')
      expect(await rejection(Promise.resolve(pairs().revokeAll?.(alice, () => Promise.reject(failure))))).to.equal(
        failure,
      )
    })
  })

  describe('wrong options', () => {
    const wrong: Readonly<Record<string, readonly [string, unknown]>> = {
      'a lifetime of 0': ['lifetime', 0],
      'a negative lifetime': ['lifetime', -1],
      'a lifetime that is no number': ['lifetime', NaN],
      'an infinite lifetime': ['lifetime', Infinity],
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
      'a boundTo that is no function': ['boundTo', ['password']],
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

    it('are not secrets of 32 bytes, five of them, or shorter ones with minSecretBytes', () => {
      expect(() => pairs({ secret: 'x'.repeat(32) })).not.to.throw()
      expect(() => pairs({ secret: 'ü'.repeat(16) })).not.to.throw()
      expect(() => pairs({ secret: Array<string>(5).fill(SECRET) })).not.to.throw()
      expect(() => pairs({ secret: '8 chars!', minSecretBytes: 8 })).not.to.throw()
      expect(() => pairs({ secret: '8 chars!', minSecretBytes: 9 })).to.throw(TypeError, 'minSecretBytes')
    })
  })
})
