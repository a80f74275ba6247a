import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { expect } from 'chai'
import { activeUser, type FindUser, memoryUsers, type User } from '../../../lib/index.js'
import { type JwtKind, type JwtOptions, jwtTokens } from 'koa-tokenapi/jwt'
import { ContractViolation } from '../../../lib/errors.js'
import { watched } from '../../support/counting.js'
import { forgedJwt, jwtPart } from '../../support/forged-jwt.js'
import { behavesLikeATokenKind, type KindUnderTest } from '../../support/token-kind.contract.js'

const SECRET = 'a secret of more than thirty-two bytes, and of more than sixty-four'
const OTHER = 'another secret of more than 32 bytes'
const NOW = 1795000000
const WEEK = 604800
const alice: User = { id: 1, username: 'alice', password: 'hash of alice', tokenEpoch: 0 }
const bob: User = { id: 2, username: 'bob', password: 'hash of bob' }
const toState = (user: User): unknown[] => [user.password, user.tokenEpoch ?? 0]

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed25519 = generateKeyPairSync('ed25519')

function kindOf(options: Partial<JwtOptions> = {}): JwtKind {
  return jwtTokens({ secret: SECRET, clock: () => NOW, ...options })
}

function having(...users: User[]): FindUser<User> {
  return activeUser(memoryUsers(users))
}

/** The name of the verified user, or the reason of the refusal with its detail. */
async function outcomeOf(kind: JwtKind, token: string, ...users: User[]): Promise<string> {
  const verdict = await kind.verify({ token }, having(...(users.length > 0 ? users : [alice, bob])))
  if (verdict.ok) return verdict.value.user.username
  return verdict.detail === undefined ? verdict.reason : `${verdict.reason}: ${verdict.detail}`
}

/** The refusal of a token as it is, with all its marks. */
async function refusalFor(kind: JwtKind, token: string, ...users: User[]): Promise<unknown> {
  const verdict = await kind.verify({ token }, having(...users))
  return verdict.ok ? 'none' : verdict
}

/** The facts of alice's token, without its claims. */
async function factsOf(kind: JwtKind, token: string): Promise<object> {
  const verdict = await kind.verify({ token }, having(alice))
  if (!verdict.ok) throw new Error(`refused as ${verdict.reason}`)
  const { claims: _claims, ...facts } = verdict.value.token
  return facts
}

function lenient(clock: () => number): JwtKind {
  return kindOf({ leeway: 10, clock })
}

const GOOD = { user_id: 1, username: 'alice', exp: NOW + 300, email: '', orig_iat: NOW }

/** A token with some claims changed, that is signed with the secret. */
function signed(changes: object, header?: unknown): string {
  return forgedJwt(SECRET, { ...GOOD, ...changes }, header)
}

function without(...names: readonly string[]): string {
  return forgedJwt(SECRET, Object.fromEntries(Object.entries(GOOD).filter(([name]) => !names.includes(name))))
}

function partsOf(token: string): [header: Record<string, unknown>, claims: Record<string, unknown>] {
  const [header = '', claims = ''] = token.split('.')
  return [header, claims].map((part): unknown => JSON.parse(Buffer.from(part, 'base64url').toString())) as ReturnType<
    typeof partsOf
  > // both are objects where the kind has made them
}

/** The new token, or the reason of the refusal with its detail. */
async function refreshed(by: JwtKind, token: string, ...users: User[]): Promise<string> {
  const verdict = await by.refresh(token, having(...(users.length > 0 ? users : [alice])))
  if (verdict.ok) return verdict.value.issued.token
  return verdict.detail === undefined ? verdict.reason : `${verdict.reason}: ${verdict.detail}`
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  )
}

function secretOf(user: User): string {
  return `the secret of ${user.username}, for JWT: ${user.password}`
}

const unbound: Omit<KindUnderTest, 'make'> = {
  isPair: false,
  provesFirst: true,
  afterPasswordChange: null,
  revokesAll: false,
}

describe('jwtTokens', () => {
  behavesLikeATokenKind({ ...unbound, make: (clock) => jwtTokens({ secret: SECRET, clock }) })

  describe('bound to the user’s state, with leeway, audience and issuer, and without a refresh', () => {
    behavesLikeATokenKind({
      isPair: false,
      provesFirst: true,
      afterPasswordChange: 'revoked',
      revokesAll: true,
      make: (clock) =>
        jwtTokens({
          secret: [OTHER, SECRET],
          lifetime: 1,
          leeway: 7,
          audience: 'api',
          issuer: 'me',
          refreshLifetime: false,
          boundTo: toState,
          clock,
        }),
    })
  })

  describe('with a secret for each user', () => {
    behavesLikeATokenKind({
      ...unbound,
      provesFirst: false,
      looksUpExpired: true,
      lookUps: 2, // by the id for the secret, and by the name as always
      make: (clock) => jwtTokens({ secretOf: (user) => `the secret of ${String(user.id).padStart(20)}`, clock }),
    })
  })

  for (const [algorithm, { privateKey }] of [
    ['RS256', rsa],
    ['RS384', rsa],
    ['RS512', rsa],
    ['ES256', p256],
    ['EdDSA', ed25519],
  ] as const) {
    describe(algorithm, () => {
      it('issues and verifies', async () => {
        const issuer = kindOf({ secret: undefined, algorithm, privateKey })
        const { token } = await issuer.issue(alice)
        expect(partsOf(token)[0]).to.deep.equal({ alg: algorithm, typ: 'JWT' })
        expect(await outcomeOf(issuer, token)).to.equal('alice')
      })

      it('only verifies without the private half', async () => {
        const { token } = await kindOf({ secret: undefined, algorithm, privateKey }).issue(alice)
        const publicKey = generateOther(algorithm).publicKey
        const own = kindOf({ secret: undefined, algorithm, publicKey: publicOf(algorithm) })
        expect(await outcomeOf(own, token)).to.equal('alice')
        expect(await outcomeOf(kindOf({ secret: undefined, algorithm, publicKey }), token)).to.equal('invalid: decode')
        expect(await rejection(own.issue(alice)))
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.includes('privateKey')
      })

      it('accepts no token of another algorithm, nor one that was signed with its public key', async () => {
        const kind = kindOf({ secret: undefined, algorithm, privateKey })
        const pem = publicOf(algorithm).export({ type: 'spki', format: 'pem' }).toString()
        expect(await outcomeOf(kind, (await kindOf().issue(alice)).token)).to.equal('invalid: claims')
        for (const key of [pem, pem.trim(), `\n${pem}`]) {
          expect(await outcomeOf(kind, forgedJwt(key, GOOD))).to.equal('invalid: claims')
          expect(await outcomeOf(kind, forgedJwt(key, GOOD, { alg: algorithm, typ: 'JWT' }))).to.equal(
            'invalid: decode',
          )
        }
      })

      it('is bound with its private half', async () => {
        const kind = kindOf({ secret: undefined, algorithm, privateKey, boundTo: toState })
        const { token } = await kind.issue(alice)
        expect(await outcomeOf(kind, token)).to.equal('alice')
        expect(await outcomeOf(kind, token, { ...alice, password: 'another' })).to.equal('revoked')
        const publicKey = publicOf(algorithm)
        expect(() => kindOf({ secret: undefined, algorithm, publicKey, boundTo: toState })).to.throw(
          TypeError,
          'boundTo',
        )
      })
    })
  }

  for (const algorithm of ['HS256', 'HS384', 'HS512'] as const) {
    it(`${algorithm} is the only algorithm that its kind accepts`, async () => {
      const kinds = (['HS256', 'HS384', 'HS512'] as const).map((one) => kindOf({ algorithm: one }))
      const { token } = await kindOf({ algorithm }).issue(alice)
      const taken = await Promise.all(kinds.map((kind) => outcomeOf(kind, token)))
      expect(taken.filter((who) => who === 'alice')).to.have.lengthOf(1)
    })
  }

  describe('what it writes', () => {
    it('is what djangorestframework-jwt writes', async () => {
      const user = { ...alice, email: 'alice@example.org' }
      const [header, claims] = partsOf((await kindOf().issue(user)).token)
      expect(header).to.deep.equal({ alg: 'HS256', typ: 'JWT' })
      expect(claims).to.deep.equal({
        user_id: 1,
        username: 'alice',
        exp: NOW + 300,
        email: 'alice@example.org',
        orig_iat: NOW,
      })
      expect(Object.keys(claims)).to.deep.equal(['user_id', 'username', 'exp', 'email', 'orig_iat'])
    })

    it('has audience and issuer if they are set, and no orig_iat if nothing can be refreshed', async () => {
      const kind = kindOf({ audience: 'api', issuer: 'me', refreshLifetime: false, lifetime: 7 })
      const [, claims] = partsOf((await kind.issue(alice)).token)
      expect(claims).to.deep.equal({ user_id: 1, username: 'alice', exp: NOW + 7, aud: 'api', iss: 'me' })
    })

    it('has the claims that payload returns, except for exp and orig_iat', async () => {
      const kind = kindOf({
        payload: (user) => ({ sub: user.username, role: 'boss', exp: NOW + 10 ** 9, orig_iat: 7 }),
        userOf: ({ sub }) => ({ username: String(sub) }),
      })
      const issued = await kind.issue(alice)
      expect(partsOf(issued.token)[1]).to.deep.equal({ sub: 'alice', role: 'boss', exp: NOW + 300, orig_iat: NOW })
      expect(issued.expiresAt).to.equal(NOW + 300)
    })

    it('is nothing if payload does not return a plain object', async () => {
      const claims = { username: 'alice' }
      for (const given of [undefined, null, 'alice', 7, [claims], Promise.resolve(claims), new Map(), new Date(0)]) {
        const kind = kindOf({ payload: () => given as object as Record<string, unknown> }) // as a caller without types
        expect(await rejection(kind.issue(alice)), inspect(given))
          .to.be.instanceOf(ContractViolation)
          .with.property('message')
          .that.includes('payload')
      }
      const bare = kindOf({ payload: () => Object.assign(Object.create(null) as object, claims) })
      expect(await outcomeOf(bare, (await bare.issue(alice)).token)).to.equal('alice')
    })

    describe('is nothing for claims that no token is accepted with', () => {
      const own = { user_id: 1, username: 'alice' }
      const flaws: Readonly<
        Record<string, { flaw: string; claims: readonly object[]; options?: Partial<JwtOptions> }>
      > = {
        'an iat that is not a time, or later than the token': {
          flaw: 'iat',
          claims: [`${NOW}`, new Date(NOW * 1000), NaN, Infinity, null, true, [NOW], NOW * 1000, NOW + 360].map(
            (iat) => ({
              ...own,
              iat,
            }),
          ),
        },
        'an nbf that is not a time, or not before the token expires': {
          flaw: 'nbf',
          claims: [`${NOW}`, new Date(NOW * 1000), NaN, -Infinity, null, {}, NOW * 1000, NOW + 300].map((nbf) => ({
            ...own,
            nbf,
          })),
        },
        'an audience that is not expected': {
          flaw: 'aud',
          claims: ['api', ['api'], '', null, 7].map((aud) => ({ ...own, aud })),
        },
        'a user_id that is another user’s, or not an id': {
          flaw: 'user_id',
          claims: [2, '2', '01', '', null, 1.5, NaN, [1], {}, true].map((user_id) => ({ ...own, user_id })),
        },
        'no username, or another user’s': {
          flaw: 'username',
          claims: [
            {},
            { user_id: 1 },
            ...['bob', '', 7, null, ['alice'], 'Alice'].map((username) => ({ ...own, username })),
          ],
        },
        'a subject that userOf reads as another user, or as no user': {
          flaw: 'userOf',
          claims: ['2', '01', '', 1, null, undefined].map((sub) => ({ sub })),
          options: { userOf: ({ sub }) => ({ id: sub as string }) }, // as a caller without types
        },
        'no user_id beside secretOf': {
          flaw: 'secretOf',
          claims: [{ username: 'alice' }],
          options: { secret: undefined, secretOf },
        },
        'a bond that boundTo did not write': {
          flaw: 'bond',
          claims: [
            { ...own, bond: 'mine' },
            { ...own, bond: null },
          ],
        },
        'scopes that are not a text of scope-tokens': {
          flaw: 'scopeClaim',
          claims: ['', 'a  b', ' a', 'a"b', ['a'], null, 7].map((scope) => ({ ...own, scope })),
          options: { scopeClaim: 'scope' },
        },
      }
      for (const [what, { flaw, claims, options }] of Object.entries(flaws)) {
        it(what, async () => {
          for (const given of claims) {
            const kind = kindOf({ ...options, payload: () => ({ ...given }) })
            expect(await rejection(kind.issue(alice)), inspect(given))
              .to.be.instanceOf(ContractViolation)
              .with.property('message')
              .that.includes('payload')
              .and.includes(flaw)
          }
        })
      }

      it('except those that are accepted in the last second of the token', async () => {
        for (const given of [
          { ...own, iat: NOW },
          { ...own, iat: NOW + 359 },
          { ...own, iat: BigInt(NOW) },
          { ...own, nbf: NOW + 299 },
          { ...own, nbf: NOW - 0.5 },
          { username: 'alice' },
          { user_id: '1', username: 'alice' },
          { user_id: 1n, username: 'alice' },
          { user_id: 1, username: 'ａlice' }, // it is looked up as alice
        ]) {
          const { token } = await kindOf({ payload: () => given }).issue(alice)
          expect(await outcomeOf(kindOf({ clock: () => NOW + 299 }), token), inspect(given)).to.equal('alice')
        }
        const late = kindOf({ leeway: 10, payload: () => ({ ...own, nbf: NOW + 319 }) })
        const { token } = await late.issue(alice)
        expect(await outcomeOf(kindOf({ leeway: 10, clock: () => NOW + 309 }), token)).to.equal('alice')
      })
    })

    it('is nothing for an invalid id', async () => {
      for (const id of ['', '\ud800', 'a\nb', 1.5, NaN, 2 ** 53, null, undefined, ['1']]) {
        const user = { ...alice, id } as User // as a caller without types
        expect(await rejection(kindOf().issue(user)), String(id))
          .to.be.instanceOf(ContractViolation)
          .with.property('message')
          .that.includes('user.id')
      }
    })

    it('is never longer than what is read', async () => {
      const withFiller = (length: number): JwtKind =>
        kindOf({ payload: (user) => ({ username: user.username, filler: 'x'.repeat(length) }) })
      const bare = (await withFiller(0).issue(alice)).token.length
      const most = Math.floor(((8192 - bare) * 3) / 4)
      const { token } = await withFiller(most).issue(alice)
      expect(token.length).to.be.within(8190, 8192)
      expect(await outcomeOf(kindOf(), token)).to.equal('alice')
      for (const length of [most + 3, 100_000]) {
        expect(await rejection(withFiller(length).issue(alice)), String(length))
          .to.be.instanceOf(ContractViolation)
          .with.property('message')
          .that.includes('payload')
      }
    })

    it('has nothing of the password in it', async () => {
      for (const boundTo of [undefined, toState]) {
        const { token } = await kindOf(boundTo === undefined ? {} : { boundTo }).issue(alice)
        expect(JSON.stringify(partsOf(token))).not.to.include('hash of')
      }
    })

    it('passes the claims to the handler', async () => {
      const kind = kindOf()
      const { token } = await kind.issue(alice)
      const verdict = await kind.verify({ token }, having(alice))
      expect(verdict.ok && verdict.value.token.claims).to.deep.equal(partsOf(token)[1])
    })
  })

  describe('the header', () => {
    for (const alg of [
      'none',
      'None',
      'nOnE',
      'NONE',
      '',
      null,
      ['HS256'],
      ['none'],
      'hs256',
      'HS384',
      'RS256',
      7,
      true,
    ]) {
      it(`is refused with alg ${JSON.stringify(alg)}, signed or not`, async () => {
        expect(await outcomeOf(kindOf(), signed({}, { alg, typ: 'JWT' }))).to.equal('invalid: claims')
        const bare = `${jwtPart({ alg, typ: 'JWT' })}.${jwtPart(GOOD)}.`
        expect(await outcomeOf(kindOf(), bare)).to.match(/^invalid/)
      })
    }

    it('is refused without an alg', async () => {
      expect(await outcomeOf(kindOf(), signed({}, { typ: 'JWT' }))).to.equal('invalid: claims')
      expect(await outcomeOf(kindOf(), signed({}, {}))).to.equal('invalid: claims')
    })

    it('is refused if it asks for what is not supported', async () => {
      for (const more of [
        { crit: ['x'] },
        { crit: [] },
        { crit: ['alg'] },
        { crit: ['exp'], exp: 1 },
        { b64: false },
      ]) {
        expect(await outcomeOf(kindOf(), signed({}, { alg: 'HS256', ...more })), JSON.stringify(more)).to.equal(
          'invalid: claims',
        )
      }
    })

    it('cannot bring a key of its own', async () => {
      const mine = generateKeyPairSync('rsa', { modulusLength: 2048 })
      const oct = { kty: 'oct', k: Buffer.from(OTHER).toString('base64url') }
      for (const key of [
        { jwk: oct },
        { jwk: mine.publicKey.export({ format: 'jwk' }) },
        { jku: 'http://127.0.0.1:1/keys' },
        { x5u: 'http://127.0.0.1:1/cert' },
        { x5c: ['AAAA'] },
      ]) {
        const header = { alg: 'HS256', typ: 'JWT', ...key }
        expect(await outcomeOf(kindOf(), signed({}, header)), 'it is not looked at').to.equal('alice')
        expect(await outcomeOf(kindOf(), forgedJwt(OTHER, GOOD, header))).to.equal('invalid: decode')
      }
    })

    it('need not say that it is a JWT', async () => {
      expect(await outcomeOf(kindOf(), signed({}, { alg: 'HS256' }))).to.equal('alice')
    })
  })

  describe('several keys', () => {
    const KEYS = { new: 'the new key of 32 bytes or a few more', old: 'the old key of 32 bytes or a few more' }

    it('by kid: the first issues under its name, all verify', async () => {
      const kind = kindOf({ secret: undefined, keys: KEYS })
      const { token } = await kind.issue(alice)
      expect(partsOf(token)[0]).to.deep.equal({ alg: 'HS256', typ: 'JWT', kid: 'new' })
      expect(await outcomeOf(kind, token)).to.equal('alice')
      expect(await outcomeOf(kind, forgedJwt(KEYS.old, GOOD, { alg: 'HS256', kid: 'old' }))).to.equal('alice')
    })

    it('by kid: each name has only its own key', async () => {
      const kind = kindOf({ secret: undefined, keys: KEYS })
      for (const kid of ['old', 'unknown', '', '__proto__', 'constructor', '../new', 'new\0', 'NEW', undefined]) {
        const header = { alg: 'HS256', ...(kid === undefined ? {} : { kid }) }
        expect(await outcomeOf(kind, forgedJwt(KEYS.new, GOOD, header)), String(kid)).to.equal('invalid: decode')
      }
    })

    it('by kid, beside a secret for tokens from before there were names', async () => {
      const kind = kindOf({ keys: KEYS })
      expect(await outcomeOf(kind, signed({}))).to.equal('alice')
      expect(await outcomeOf(kind, signed({}, { alg: 'HS256', kid: 'new' }))).to.equal('invalid: decode')
      expect(await outcomeOf(kind, signed({}, { alg: 'HS256', kid: 'unknown' }))).to.equal('invalid: decode')
      expect(await outcomeOf(kind, (await kind.issue(alice)).token)).to.equal('alice')
    })

    it('without names: all are tried, whatever the kid says', async () => {
      const kind = kindOf({ secret: [OTHER, SECRET] })
      expect(await outcomeOf(kind, signed({}, { alg: 'HS256', kid: 'x' }))).to.equal('alice')
      expect(await outcomeOf(kind, forgedJwt(OTHER, GOOD))).to.equal('alice')
      expect(await outcomeOf(kindOf({ secret: OTHER }), (await kind.issue(alice)).token)).to.equal('alice')
      expect(await outcomeOf(kindOf(), (await kind.issue(alice)).token)).to.equal('invalid: decode')
    })

    it('of a key pair by kid', async () => {
      const other = generateKeyPairSync('ed25519')
      const keys = { a: ed25519.privateKey, b: other.publicKey }
      const kind = kindOf({ secret: undefined, algorithm: 'EdDSA', keys })
      const theirs = kindOf({ secret: undefined, algorithm: 'EdDSA', keys: { b: other.privateKey } })
      expect(await outcomeOf(kind, (await kind.issue(alice)).token)).to.equal('alice')
      expect(await outcomeOf(kind, (await theirs.issue(alice)).token)).to.equal('alice')
      expect(await outcomeOf(theirs, (await kind.issue(alice)).token)).to.equal('invalid: decode')
    })
  })

  describe('the payload', () => {
    for (const [what, text] of Object.entries({
      'a list': '[1]',
      'a string': '"alice"',
      null: 'null',
      'a number': '7',
      'half an object': '{"username":"alice"',
      'text that is not JSON': 'alice',
      'an empty object': '{}',
    })) {
      it(`is refused: ${what}`, async () => {
        expect(await outcomeOf(kindOf(), forgedJwt(SECRET, text))).to.match(/^invalid: (decode|claims|payload)$/)
      })
    }

    it('is refused if it is nested too deeply', async () => {
      expect(await outcomeOf(kindOf(), forgedJwt(SECRET, `{"a":${'['.repeat(100_000)}`))).to.equal('invalid: decode')
      expect(await outcomeOf(kindOf(), forgedJwt(SECRET, `{"a":${'['.repeat(5000)}`))).to.equal('invalid: decode')
    })

    it('leaves every object as it was', async () => {
      await outcomeOf(kindOf(), forgedJwt(SECRET, '{"__proto__":{"username":"alice","polluted":1},"exp":9999999999}'))
      expect({}).not.to.have.property('polluted')
    })

    it('names the user by one well-formed text', async () => {
      for (const username of [
        1,
        true,
        ['alice'],
        { a: 1 },
        'a\ud800',
        'alice\0',
        'ALICE',
        'alice ',
        ' ',
        'x'.repeat(255),
      ]) {
        expect(await outcomeOf(kindOf(), signed({ username })), JSON.stringify(username)).to.equal('invalid: no_user')
      }
      for (const username of ['', null, 0, false]) {
        expect(await outcomeOf(kindOf(), signed({ username })), JSON.stringify(username)).to.equal('invalid: payload')
      }
      expect(await outcomeOf(kindOf(), without('username'))).to.equal('invalid: payload')
      expect(
        await outcomeOf(kindOf(), forgedJwt(SECRET, '{"__proto__":{"username":"alice"},"exp":1795000100}')),
      ).to.equal('invalid: payload')
    })

    it('has an id that does not contradict the name', async () => {
      expect(await outcomeOf(kindOf(), without('user_id'))).to.equal('alice')
      expect(await outcomeOf(kindOf(), signed({ user_id: '1' }))).to.equal('alice')
      for (const user_id of [2, '2', '01', 1.5, null, true, [1], {}]) {
        expect(await outcomeOf(kindOf(), signed({ user_id })), JSON.stringify(user_id)).to.equal('invalid: no_user')
      }
    })

    it('has an id that is compared as text', async () => {
      for (const id of ['01', '1.0', '1e0', '+1', ' 1']) {
        expect(await outcomeOf(kindOf(), signed({ user_id: 1 }), { ...alice, id }), id).to.equal('invalid: no_user')
        expect(await outcomeOf(kindOf(), signed({ user_id: id }), { ...alice, id }), id).to.equal('alice')
      }
      const rounded = forgedJwt(SECRET, '{"user_id":9007199254740993,"username":"alice","exp":1795000100}')
      expect(await outcomeOf(kindOf(), rounded, { ...alice, id: 2n ** 53n + 1n })).to.equal('alice')
      expect(await outcomeOf(kindOf(), rounded, { ...alice, id: 2n ** 53n + 4n })).to.equal('invalid: no_user')
      expect(await outcomeOf(kindOf(), rounded, { ...alice, id: '9007199254740993' })).to.equal('invalid: no_user')
    })

    it('does not pass to a new user of the same name', async () => {
      const { token } = await kindOf().issue(alice)
      expect(await outcomeOf(kindOf(), token, { ...alice, id: 3 })).to.equal('invalid: no_user')
    })

    it('keeps ids above 2^53 apart by their names', async () => {
      const [first, second] = [2n ** 62n, 2n ** 62n + 1n].map((id) => ({ ...alice, id, username: `user ${id}` }))
      if (first === undefined || second === undefined) throw new Error('there are two')
      const { token } = await kindOf().issue(second)
      expect(await outcomeOf(kindOf(), token, first, second)).to.equal(second.username)
    })
  })

  describe('times', () => {
    it('are 300 s by default', async () => {
      const { token, expiresAt } = await kindOf().issue(alice)
      expect(expiresAt).to.equal(NOW + 300)
      expect(await outcomeOf(kindOf({ clock: () => NOW + 299 }), token)).to.equal('alice')
      expect(await outcomeOf(kindOf({ clock: () => NOW + 300 }), token)).to.equal('expired')
    })

    it('adds the leeway to exp, on both sides of the second', async () => {
      expect(await outcomeOf(kindOf({ leeway: 10, clock: () => NOW + 309 }), signed({}))).to.equal('alice')
      expect(await outcomeOf(kindOf({ leeway: 10, clock: () => NOW + 310 }), signed({}))).to.equal('expired')
    })

    it('must include exp', async () => {
      expect(await outcomeOf(kindOf(), without('exp'))).to.equal('invalid: claims')
    })

    it('must have a number as exp', async () => {
      for (const exp of [String(NOW + 300), '1e400', null, true, [NOW + 300], { a: 1 }, 'tomorrow']) {
        expect(await outcomeOf(kindOf(), signed({ exp })), JSON.stringify(exp)).to.equal('invalid: decode')
      }
      const infinite = forgedJwt(SECRET, '{"user_id":1,"username":"alice","exp":1e400}')
      expect(await outcomeOf(kindOf(), infinite)).to.equal('invalid: decode')
      for (const exp of [NOW, NOW - 1, 0, -1, -1e300]) {
        expect(await outcomeOf(kindOf(), signed({ exp })), String(exp)).to.equal('expired')
      }
      expect(await outcomeOf(kindOf(), signed({ exp: NOW + 1 }))).to.equal('alice')
    })

    it('reads a fraction of a second in exp', async () => {
      const token = signed({ exp: NOW + 0.5 })
      expect(await outcomeOf(kindOf(), token)).to.equal('alice')
      expect(await outcomeOf(kindOf({ clock: () => NOW + 1 }), token)).to.equal('expired')
      const verdict = await kindOf().verify({ token }, having(alice))
      expect(verdict.ok && verdict.value.token.expiresAt).to.equal(NOW + 1)
    })

    it('include nbf to the second, with the leeway', async () => {
      expect(await outcomeOf(kindOf(), signed({ nbf: NOW }))).to.equal('alice')
      expect(await outcomeOf(kindOf(), signed({ nbf: NOW + 1 }))).to.equal('invalid: claims')
      expect(await outcomeOf(kindOf({ leeway: 10 }), signed({ nbf: NOW + 10 }))).to.equal('alice')
      expect(await outcomeOf(kindOf({ leeway: 10 }), signed({ nbf: NOW + 11 }))).to.equal('invalid: claims')
    })

    for (const name of ['iat', 'orig_iat']) {
      it(`may have ${name} up to 60 s ahead, or the leeway`, async () => {
        expect(await outcomeOf(kindOf(), signed({ [name]: NOW + 60 }))).to.equal('alice')
        expect(await outcomeOf(kindOf(), signed({ [name]: NOW + 61 }))).to.equal('invalid: claims')
        expect(await outcomeOf(kindOf({ leeway: 90 }), signed({ [name]: NOW + 90 }))).to.equal('alice')
        expect(await outcomeOf(kindOf({ leeway: 90 }), signed({ [name]: NOW + 91 }))).to.equal('invalid: claims')
      })
    }

    for (const name of ['nbf', 'iat', 'orig_iat']) {
      it(`must have a number as ${name}`, async () => {
        for (const value of [String(NOW), null, true, [NOW], {}]) {
          expect(await outcomeOf(kindOf(), signed({ [name]: value })), JSON.stringify(value)).to.equal(
            'invalid: decode',
          )
        }
        expect(
          await outcomeOf(kindOf(), forgedJwt(SECRET, `{"username":"alice","exp":1795000100,"${name}":1e400}`)),
        ).to.equal('invalid: decode')
      })
    }
  })

  describe('audience and issuer', () => {
    it('are compared exactly', async () => {
      const kind = kindOf({ audience: 'api', issuer: 'me' })
      const ours = { aud: 'api', iss: 'me' }
      expect(await outcomeOf(kind, signed(ours))).to.equal('alice')
      for (const aud of ['api.evil', 'evil.api', 'API', 'ap', '', 'api ', null, 7, true, {}, { api: 1 }]) {
        expect(await outcomeOf(kind, signed({ ...ours, aud })), JSON.stringify(aud)).to.equal('invalid: claims')
      }
      for (const iss of ['me.evil', 'ME', '', null, 7, ['me'], {}]) {
        expect(await outcomeOf(kind, signed({ ...ours, iss })), JSON.stringify(iss)).to.equal('invalid: claims')
      }
      expect(await outcomeOf(kind, signed({ aud: 'api' }))).to.equal('invalid: claims')
      expect(await outcomeOf(kind, signed({ iss: 'me' }))).to.equal('invalid: claims')
    })

    it('may be one of a list of audiences', async () => {
      const kind = kindOf({ audience: 'api' })
      for (const aud of [['api'], ['other', 'api']]) expect(await outcomeOf(kind, signed({ aud }))).to.equal('alice')
      for (const aud of [[], ['other'], ['api.evil'], [['api']], [null]]) {
        expect(await outcomeOf(kind, signed({ aud })), JSON.stringify(aud)).to.equal('invalid: claims')
      }
    })

    it('give the same result a hundred times', async () => {
      const kind = kindOf({ audience: 'api' })
      const outcomes = new Set<string>()
      for (let at = 0; at < 100; at += 1) outcomes.add(await outcomeOf(kind, signed({ aud: 'api' })))
      expect([...outcomes]).to.deep.equal(['alice'])
    })

    it('are refused if no audience is expected: a token for another service is not one for this service', async () => {
      for (const aud of ['api', [], ['api'], null, '']) {
        expect(await outcomeOf(kindOf(), signed({ aud })), JSON.stringify(aud)).to.equal('invalid: claims')
      }
    })

    it('are strings', () => {
      for (const text of ['', /api/g, /api/y, ['api'], 7, null]) {
        const one = text as string // as a caller without types
        expect(() => kindOf({ audience: one }), `audience ${String(text)}`).to.throw(TypeError, 'audience')
        expect(() => kindOf({ issuer: one }), `issuer ${String(text)}`).to.throw(TypeError, 'issuer')
      }
    })
  })

  describe('userOf and payload', () => {
    const bySub: Partial<JwtOptions> = {
      payload: (user) => ({ sub: String(user.id) }),
      userOf: ({ sub }) => (typeof sub === 'string' ? { id: sub } : null),
    }

    it('name the user by another claim', async () => {
      const kind = kindOf(bySub)
      const { token } = await kind.issue(bob)
      expect(partsOf(token)[1]).to.include({ sub: '2' })
      expect(await outcomeOf(kind, token)).to.equal('bob')
      for (const sub of [2, ['2'], null, undefined, '', '\ud800']) {
        expect(await outcomeOf(kind, forgedJwt(SECRET, { sub, exp: NOW + 1 }))).to.equal('invalid: payload')
      }
      for (const sub of ['02', '2 ', '3']) {
        expect(await outcomeOf(kind, forgedJwt(SECRET, { sub, exp: NOW + 1 })), sub).to.equal('invalid: no_user')
      }
    })

    it('name no user if userOf returns anything except one text', async () => {
      for (const result of [
        undefined,
        null,
        'alice',
        1,
        true,
        [],
        {},
        { id: undefined },
        { id: 1 },
        { id: ['1'] },
        { id: '' },
        { id: '\ud800' },
        { username: 1 },
        { username: ['alice'] },
        { username: {} },
        { id: '1', username: 'alice' },
        { id: '1', username: null },
        { sub: '1' },
        Promise.resolve({ id: '1' }),
      ]) {
        const userOf = () => result as { id: string } // as a caller without types
        const what = JSON.stringify(result)
        const shared = kindOf({ userOf })
        const own = kindOf({ secret: undefined, secretOf, userOf })
        const { find, asked } = watched(having(alice))
        expect(await shared.verify({ token: signed({}) }, find), what).to.include({ ok: false, detail: 'payload' })
        expect(await own.verify({ token: signed({}) }, find), what).to.include({ ok: false, detail: 'decode' })
        expect(asked, what).to.deep.equal([])
      }
    })

    it('may name the user beside an undefined', async () => {
      const result = { id: '1', username: undefined } as { id: string } // as a caller without types
      expect(await outcomeOf(kindOf({ userOf: () => result }), signed({}))).to.equal('alice')
    })

    it('are not called before the signature is checked', async () => {
      const asked: unknown[] = []
      const kind = kindOf({
        userOf: (claims) => {
          asked.push(claims)
          return null
        },
      })
      await outcomeOf(kind, forgedJwt(OTHER, GOOD))
      await outcomeOf(kind, signed({ exp: NOW }))
      expect(asked).to.deep.equal([])
      await outcomeOf(kind, signed({}))
      expect(asked).to.have.lengthOf(1)
    })
  })

  describe('secretOf', () => {
    const kind = kindOf({ secret: undefined, secretOf })

    it('gives each user a secret of their own', async () => {
      const { token } = await kind.issue(alice)
      expect(await outcomeOf(kind, token)).to.equal('alice')
      expect(await outcomeOf(kind, forgedJwt(secretOf(alice), GOOD))).to.equal('alice')
      expect(await outcomeOf(kind, forgedJwt(secretOf(alice), { ...GOOD, user_id: 2, username: 'bob' }))).to.match(
        /^invalid/,
      )
      expect(await outcomeOf(kind, forgedJwt(secretOf(bob), GOOD))).to.equal('invalid: decode')
      expect(await outcomeOf(kind, forgedJwt(SECRET, GOOD))).to.equal('invalid: decode')
    })

    it('ends the tokens of one user when it changes', async () => {
      const [mine, theirs] = [await kind.issue(alice), await kind.issue(bob)]
      const changed = { ...alice, password: 'another' }
      expect(await outcomeOf(kind, mine.token, changed, bob)).to.equal('invalid: decode')
      expect(await outcomeOf(kind, theirs.token, changed, bob)).to.equal('bob')
    })

    it('does not choose between two users: what the claims say of them must agree', async () => {
      expect(await outcomeOf(kind, forgedJwt(secretOf(alice), { ...GOOD, username: 'bob' }))).to.match(/^invalid/)
      expect(await outcomeOf(kind, forgedJwt(secretOf(bob), { ...GOOD, username: 'bob' }))).to.match(/^invalid/)
    })

    it('does not use the secret of a user with a similar id', async () => {
      const [mine, theirs] = [
        { ...alice, id: '5', username: 'mallory' },
        { ...bob, id: '05' },
      ]
      const token = forgedJwt(secretOf(mine), { ...GOOD, user_id: 5, username: 'bob' })
      expect(await outcomeOf(kind, token, mine, theirs)).to.equal('invalid: no_user')
    })

    it('does not reveal whether a user exists', async () => {
      const disabled = { ...bob, isActive: false }
      const outcomes = [
        await outcomeOf(kind, signed({}), alice, disabled),
        await outcomeOf(kind, signed({ user_id: 2, username: 'bob' }), alice, disabled),
        await outcomeOf(kind, signed({ user_id: 9, username: 'nobody' }), alice, disabled),
        await outcomeOf(kind, signed({ user_id: [], username: {} }), alice, disabled),
      ]
      expect(new Set(outcomes)).to.deep.equal(new Set(['invalid: decode']))
    })

    it('causes no lookup for a token that cannot be read, or of another algorithm', async () => {
      const { find, asked } = watched(having(alice))
      for (const token of ['a.b.c', signed({}, { alg: 'none' }), signed({}, { alg: 'HS256', crit: [] })]) {
        await kind.verify({ token }, find)
      }
      expect(asked).to.deep.equal([])
    })

    it('that is invalid for a user refuses the user’s tokens, and issues none', async () => {
      const pem = publicOf('RS256').export({ type: 'spki', format: 'pem' }).toString()
      for (const own of [undefined, null, '', 'short', 's'.repeat(31), '\ud800'.repeat(32), pem, 7, [SECRET], {}]) {
        const lacking = kindOf({ secret: undefined, secretOf: () => own as string }) // as a caller without types
        expect(await rejection(lacking.issue(alice)), inspect(own))
          .to.be.instanceOf(ContractViolation)
          .with.property('message')
          .that.includes('secretOf')
        for (const key of [SECRET, 's'.repeat(31), 'short', pem]) {
          expect(await outcomeOf(lacking, forgedJwt(key, GOOD)), inspect(own)).to.equal('invalid: decode')
        }
      }
    })

    it('has 32 bytes for each algorithm, or minSecretBytes', async () => {
      for (const algorithm of ['HS256', 'HS384', 'HS512'] as const) {
        const own = kindOf({ secret: undefined, algorithm, secretOf: () => 's'.repeat(32) })
        expect(await outcomeOf(own, (await own.issue(alice)).token)).to.equal('alice')
      }
      const short = kindOf({ secret: undefined, minSecretBytes: 5, secretOf: () => 'short' })
      expect(await outcomeOf(short, (await short.issue(alice)).token)).to.equal('alice')
      for (const minSecretBytes of [0, -1, 1.5, NaN, '8', null]) {
        const options = { secret: undefined, secretOf, minSecretBytes } as Partial<JwtOptions> // as a caller without types
        expect(() => kindOf(options), String(minSecretBytes)).to.throw(TypeError, 'minSecretBytes')
      }
    })

    it('is only allowed with HS algorithms', () => {
      for (const algorithm of ['RS256', 'EdDSA', 'none', 'HS1', 'hs256', null]) {
        const options = { secret: undefined, algorithm, secretOf } as Partial<JwtOptions> // as a caller without types
        const named = String(algorithm).match(/^(RS|Ed)/) ? 'secretOf' : 'algorithm'
        expect(() => kindOf(options), String(algorithm)).to.throw(TypeError, named)
      }
    })

    it('is not allowed with another key, which would never be used', () => {
      for (const other of [
        { secret: SECRET },
        { keys: { a: SECRET } },
        { privateKey: rsa.privateKey },
        { publicKey: rsa.publicKey },
      ]) {
        const [name = ''] = Object.keys(other)
        expect(() => kindOf({ secret: undefined, ...other, secretOf }), name).to.throw(
          TypeError,
          `secretOf does not go with ${name}`,
        )
      }
    })
  })

  describe('boundTo', () => {
    const kind = kindOf({ boundTo: toState })

    it('ends tokens when a value changes, and not otherwise', async () => {
      const { token } = await kind.issue(alice)
      expect(await outcomeOf(kind, token)).to.equal('alice')
      expect(await outcomeOf(kind, token, { ...alice, password: 'another' })).to.equal('revoked')
      expect(await outcomeOf(kind, token, { ...alice, tokenEpoch: 1 })).to.equal('revoked')
    })

    it('accepts no token without a bond, or with that of another user', async () => {
      expect(await outcomeOf(kind, (await kindOf().issue(alice)).token)).to.equal('revoked')
      const twin = { ...alice, id: 2, username: 'twin' }
      const { bond } = partsOf((await kind.issue(twin)).token)[1]
      for (const forged of [bond, '', 'x', 7, null, [bond]]) {
        expect(await outcomeOf(kind, signed({ bond: forged })), JSON.stringify(forged)).to.equal('revoked')
      }
    })

    it('is of the key that signed', async () => {
      const rotated = kindOf({ boundTo: toState, secret: [OTHER, SECRET] })
      const old = await kind.issue(alice)
      expect(await outcomeOf(rotated, old.token)).to.equal('alice')
      expect(await outcomeOf(rotated, (await rotated.issue(alice)).token)).to.equal('alice')
      const { bond } = partsOf(old.token)[1]
      expect(await outcomeOf(rotated, forgedJwt(OTHER, { ...GOOD, bond }))).to.equal('revoked')
    })

    it('is needed for a token that has a bond: a kind without it would not end the token with the password', async () => {
      const { token } = await kind.issue(alice)
      expect(await outcomeOf(kindOf(), token)).to.equal('invalid: claims')
      for (const bond of ['', null, 0, false, [], {}]) {
        expect(await outcomeOf(kindOf(), signed({ bond })), JSON.stringify(bond)).to.equal('invalid: claims')
      }
      const own = kindOf({ secret: undefined, secretOf, boundTo: toState })
      const other = kindOf({ secret: undefined, secretOf })
      expect(await outcomeOf(other, (await own.issue(alice)).token)).to.equal('invalid: claims')
    })

    it('must return values that a token can be bound to', async () => {
      for (const values of [[], [null], [''], [new Date(0)], null]) {
        const wrong = kindOf({ boundTo: () => values as unknown[] }) // as a caller without types
        const error = await rejection(wrong.issue(alice))
        expect(error, JSON.stringify(values))
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.includes('boundTo')
        expect(await outcomeOf(wrong, (await kind.issue(alice)).token), JSON.stringify(values)).to.equal('revoked')
      }
    })

    it('lets revokeAll work only if the epoch is among the values', async () => {
      const bumped: string[] = []
      const bump = async (): Promise<User> => {
        bumped.push('bumped')
        return { ...alice, tokenEpoch: (alice.tokenEpoch ?? 0) + 1 }
      }
      await kind.revokeAll?.(alice, bump)
      expect(bumped).to.deep.equal(['bumped'])
      const toPassword = kindOf({ boundTo: (user) => [user.password] })
      if (toPassword.revokeAll === undefined) throw new Error('a bound kind has revokeAll')
      expect(await rejection(toPassword.revokeAll(alice, bump))).to.be.instanceOf(TypeError)
      expect(bumped).to.deep.equal(['bumped'])
    })
  })

  describe('a refusal for what the row of the user says', () => {
    const bound = kindOf({ boundTo: toState })
    const own = kindOf({ secret: undefined, secretOf })

    it('is marked as genuine: the token is proven by then', async () => {
      const { token } = await bound.issue(alice)
      const genuine = { ok: false, genuine: true }
      expect(await refusalFor(bound, token, bob)).to.deep.equal({ ...genuine, reason: 'invalid', detail: 'no_user' })
      expect(await refusalFor(bound, token, { ...alice, id: 3 })).to.deep.equal({
        ...genuine,
        reason: 'invalid',
        detail: 'no_user',
      })
      expect(await refusalFor(bound, token, { ...alice, isActive: false })).to.deep.equal({
        ...genuine,
        reason: 'inactive',
      })
      expect(await refusalFor(bound, token, { ...alice, tokenEpoch: 1 })).to.deep.equal({
        ...genuine,
        reason: 'revoked',
      })
    })

    it('is not marked if the token is not proven, or the row was not read', async () => {
      const { token } = await bound.issue(alice)
      for (const refusal of [
        await refusalFor(bound, forgedJwt(OTHER, GOOD), bob),
        await refusalFor(bound, signed({ exp: NOW }), bob),
        await refusalFor(bound, signed({ aud: 'other' }), bob),
        await refusalFor(bound, signed({ username: '' }), bob),
        await refusalFor(kindOf(), token, alice),
        await refusalFor(own, (await own.issue(alice)).token, bob),
        await refusalFor(own, (await own.issue(alice)).token, { ...alice, password: 'another' }),
        await refusalFor(own, (await own.issue(alice)).token, { ...alice, isActive: false }),
      ]) {
        expect(refusal).to.include({ ok: false, reason: (refusal as { reason: string }).reason }) // it is refused
        expect(refusal).not.to.have.property('genuine')
      }
    })
  })

  describe('limits', () => {
    const scoped = kindOf({ scopeClaim: 'scope' })

    it('says which ones it carries', () => {
      expect(kindOf().carries).to.equal('e')
      expect(scoped.carries).to.equal('es')
    })

    it('ends a token earlier, never later', async () => {
      const early = await kindOf().issue(alice, { limits: [{ expiresAt: NOW + 90 }, { expiresAt: NOW + 60 }] })
      expect(early.expiresAt).to.equal(NOW + 60)
      expect(partsOf(early.token)[1]).to.deep.equal({ user_id: 1, username: 'alice', exp: NOW + 60 })
      expect(await outcomeOf(kindOf({ clock: () => NOW + 59 }), early.token)).to.equal('alice')
      expect(await outcomeOf(kindOf({ clock: () => NOW + 60 }), early.token)).to.equal('expired')
      const late = await kindOf().issue(alice, { limits: [{ expiresAt: NOW + 3000 }] })
      expect(late.expiresAt).to.equal(NOW + 300)
      const over = await kindOf().issue(alice, { limits: [{ expiresAt: 0 }] })
      expect(await outcomeOf(kindOf(), over.token)).to.equal('expired')
    })

    it('holds to the second with leeway, too', async () => {
      const { token, expiresAt } = await lenient(() => NOW).issue(alice, { limits: [{ expiresAt: NOW + 60 }] })
      expect(expiresAt).to.equal(NOW + 60)
      expect(
        await outcomeOf(
          lenient(() => NOW + 59),
          token,
        ),
      ).to.equal('alice')
      expect(
        await outcomeOf(
          lenient(() => NOW + 60),
          token,
        ),
      ).to.equal('expired')
    })

    it('writes the scopes that all of them have, after the claims of payload', async () => {
      const limits = [{ scopes: ['b', 'a', 'c'] }, { scopes: ['d', 'b', 'a'] }]
      const issued = await scoped.issue(alice, { limits })
      expect(partsOf(issued.token)[1]).to.deep.equal({ user_id: 1, username: 'alice', exp: NOW + 300, scope: 'a b' })
      expect(issued.limits).to.deep.equal([{ scopes: ['a', 'b'] }])
      expect(await factsOf(scoped, issued.token)).to.deep.equal({
        expiresAt: NOW + 300,
        limits: [{ scopes: ['a', 'b'] }],
      })
    })

    it('never widens the scopes that payload writes', async () => {
      const kind = kindOf({ scopeClaim: 'scope', payload: () => ({ username: 'alice', scope: 'b a' }) })
      const narrowed = await kind.issue(alice, { limits: [{ scopes: ['a', 'c'] }] })
      expect(partsOf(narrowed.token)[1]).to.include({ scope: 'a' })
      expect(partsOf((await kind.issue(alice)).token)[1]).to.include({ scope: 'b a' })
      expect(await rejection(kind.issue(alice, { limits: [{ scopes: ['c'] }] }))).to.include({
        code: 'ERR_INVALID_LIMITS',
      })
    })

    it('rejects limits that it has no place for, or that are invalid', async () => {
      for (const [kind, limits, code] of [
        [kindOf(), [{ scopes: ['a'] }], 'ERR_LIMIT_NOT_SUPPORTED_BY_KIND'],
        [scoped, [{ methods: ['GET'] }], 'ERR_LIMIT_NOT_SUPPORTED_BY_KIND'],
        [scoped, [{ expiresAt: NOW + 60, path: '/files' }], 'ERR_LIMIT_NOT_SUPPORTED_BY_KIND'],
        [scoped, [{ scopes: ['a'] }, { scopes: ['b'] }], 'ERR_INVALID_LIMITS'],
        [scoped, [{ scopes: [] }], 'ERR_INVALID_LIMITS'],
        [scoped, [{}], 'ERR_INVALID_LIMITS'],
        [scoped, 'a b', 'ERR_INVALID_LIMITS'],
        [scoped, undefined, 'ERR_INVALID_LIMITS'],
      ] as const) {
        const given = limits as readonly object[] // as a caller without types
        expect(await rejection(kind.issue(alice, { limits: given })), inspect(limits))
          .to.be.instanceOf(TypeError)
          .with.property('code', code)
      }
    })

    it('reads the scopes of any token that has the claim, as a text of RFC 6749 §3.3', async () => {
      expect(await factsOf(scoped, signed({ scope: 'orders:read b' }))).to.deep.include({
        limits: [{ scopes: ['orders:read', 'b'] }],
      })
      expect(await factsOf(scoped, signed({}))).not.to.have.property('limits')
      expect(await factsOf(kindOf(), signed({ scope: 'a' }))).not.to.have.property('limits')
      for (const scope of ['', ' ', 'a  b', ' a', 'a ', 'a\tb', 'a"', 'a\\', 'ä', null, ['a'], {}, 7, true]) {
        expect(await outcomeOf(scoped, signed({ scope })), JSON.stringify(scope)).to.equal('invalid: claims')
      }
    })

    it('cannot be refreshed away', async () => {
      const limited = await scoped.issue(alice, { limits: [{ scopes: ['a'] }] })
      expect(await refreshed(scoped, limited.token)).to.equal('invalid: no_orig_iat')
      const ended = await scoped.issue(alice, { limits: [{ expiresAt: NOW + 60 }] })
      expect(await refreshed(scoped, ended.token)).to.equal('invalid: no_orig_iat')
      expect(await refreshed(scoped, signed({ scope: 'a' }))).to.equal('invalid: no_refresh')
      expect(await refreshed(scoped, (await scoped.issue(alice, { limits: [] })).token)).to.match(/^ey/)
    })

    it('has a claim of its own for the scopes', () => {
      for (const scopeClaim of [
        'exp',
        'nbf',
        'iat',
        'orig_iat',
        'aud',
        'iss',
        'jti',
        'bond',
        'user_id',
        'username',
        '',
        null,
        7,
      ]) {
        const options = { scopeClaim } as Partial<JwtOptions> // as a caller without types
        expect(() => kindOf(options), String(scopeClaim)).to.throw(TypeError, 'scopeClaim')
      }
    })
  })

  describe('the time of the login', () => {
    it('is orig_iat: now, or what is known', async () => {
      expect(await kindOf().issue(alice)).to.include({ loggedInAt: NOW, issuedAt: NOW })
      const { token, loggedInAt } = await kindOf().issue(alice, { loggedInAt: NOW - 50 })
      expect(loggedInAt).to.equal(NOW - 50)
      expect(partsOf(token)[1]).to.include({ orig_iat: NOW - 50 })
      const verdict = await kindOf().verify({ token }, having(alice))
      expect(verdict.ok && verdict.value.token.loggedInAt).to.equal(NOW - 50)
    })

    it('is not written if it is not known', async () => {
      const issued = await kindOf().issue(alice, { loggedInAt: 0 })
      expect(issued).not.to.have.any.keys('loggedInAt', 'issuedAt')
      expect(partsOf(issued.token)[1]).to.deep.equal({ user_id: 1, username: 'alice', exp: NOW + 300 })
      expect(await refreshed(kindOf(), issued.token)).to.equal('invalid: no_orig_iat')
      for (const orig_iat of [0, -1, -1e300]) {
        const verdict = await kindOf().verify({ token: signed({ orig_iat }) }, having(alice))
        expect(verdict.ok && verdict.value.token, String(orig_iat)).not.to.have.property('loggedInAt')
      }
    })

    it('is a whole second', async () => {
      const verdict = await kindOf().verify({ token: signed({ orig_iat: NOW - 0.5 }) }, having(alice))
      expect(verdict.ok && verdict.value.token.loggedInAt).to.equal(NOW - 1)
      for (const loggedInAt of [-1, 1.5, NaN, Infinity, '7', null, undefined, NOW + 61]) {
        const options = { loggedInAt } as { loggedInAt: number } // as a caller without types
        expect(await rejection(kindOf().issue(alice, options)), String(loggedInAt))
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.includes('loggedInAt')
      }
    })

    it('is kept by a refresh', async () => {
      const { token } = await kindOf().issue(alice, { loggedInAt: NOW - 50 })
      const verdict = await kindOf().refresh(token, having(alice))
      expect(verdict.ok && verdict.value.issued.loggedInAt).to.equal(NOW - 50)
    })
  })

  describe('refresh', () => {
    let now = NOW
    const kind = kindOf({ clock: () => now })
    beforeEach(() => {
      now = NOW
    })

    it('sets a new end, and keeps the time of the login', async () => {
      const { token } = await kind.issue(alice)
      now = NOW + 100
      const verdict = await kind.refresh(token, having(alice))
      if (!verdict.ok) throw new Error(`refused as ${verdict.reason}`)
      expect(verdict.value.user.username).to.equal('alice')
      expect(verdict.value.issued).to.include({ expiresAt: NOW + 400 })
      expect(partsOf(verdict.value.issued.token)[1]).to.include({ exp: NOW + 400, orig_iat: NOW })
    })

    it('works until a week after the login, and no longer', async () => {
      let { token } = await kind.issue(alice)
      for (now = NOW + 299; now < NOW + WEEK; now += 299) token = await refreshed(kind, token)
      now = NOW + WEEK
      const last = await refreshed(kind, token)
      expect(partsOf(last)[1]).to.include({ orig_iat: NOW })
      now = NOW + WEEK + 1
      expect(await outcomeOf(kind, last), 'it is valid to its end').to.equal('alice')
      expect(await refreshed(kind, last)).to.equal('expired: refresh_expired')
    })

    it('works for refreshLifetime seconds', async () => {
      const short = kindOf({ refreshLifetime: 10, clock: () => now })
      const { token } = await short.issue(alice)
      now = NOW + 10
      expect(await refreshed(short, token)).to.match(/^ey/)
      now = NOW + 11
      expect(await refreshed(short, token)).to.equal('expired: refresh_expired')
    })

    it('is refused if it is turned off, or if the token does not say when the login was', async () => {
      expect(await refreshed(kindOf({ refreshLifetime: false }), signed({}))).to.equal('invalid: no_refresh')
      expect(await refreshed(kind, without('orig_iat'))).to.equal('invalid: no_orig_iat')
      expect(await refreshed(kind, signed({ orig_iat: 0 }))).to.equal('invalid: no_orig_iat')
      expect(await refreshed(kind, signed({ orig_iat: NOW - WEEK - 1 }))).to.equal('expired: refresh_expired')
      expect(await refreshed(kind, signed({ orig_iat: -1 }))).to.equal('expired: refresh_expired')
    })

    it('is refused for an invalid token', async () => {
      const { token } = await kind.issue(alice)
      expect(await refreshed(kind, forgedJwt(OTHER, GOOD))).to.equal('invalid: decode')
      expect(await refreshed(kind, token, bob), 'deleted').to.equal('invalid: no_user')
      expect(await refreshed(kind, token, { ...alice, isActive: false })).to.equal('inactive')
      now = NOW + 300
      expect(await refreshed(kind, token)).to.equal('expired')
    })

    it('is refused after a changed password if the token is bound', async () => {
      const bound = kindOf({ boundTo: toState })
      const { token } = await bound.issue(alice)
      expect(await refreshed(bound, token)).to.match(/^ey/)
      expect(await refreshed(bound, token, { ...alice, password: 'another' })).to.equal('revoked')
      expect(await refreshed(kindOf(), (await kindOf().issue(alice)).token, { ...alice, password: 'x' })).to.match(
        /^ey/,
      )
    })

    it('makes the claims anew', async () => {
      const { token } = await kind.issue({ ...alice, email: 'old@example.org' } as User) // a model with one more field
      const verdict = await kind.refresh(token, having({ ...alice, email: 'new@example.org' } as User)) // as above
      expect(verdict.ok && verdict.value.issued.claims).to.include({ email: 'new@example.org' })
    })

    it('passes an internal error on', async () => {
      const failure = new Error('the store is down')
      expect(await rejection(kind.refresh(signed({}), () => Promise.reject(failure)))).to.equal(failure)
    })
  })

  it('caches nothing', async () => {
    const kind = kindOf()
    const [mine, theirs] = [signed({}), signed({ user_id: 2, username: 'bob' })]
    expect([await outcomeOf(kind, mine), await outcomeOf(kind, theirs)]).to.deep.equal(['alice', 'bob'])
    expect(await outcomeOf(kind, mine, { ...alice, isActive: false })).to.equal('inactive')
    expect(await outcomeOf(kind, mine)).to.equal('alice')
  })

  describe('says at start-up which option is wrong', () => {
    const wrong: readonly [string, readonly unknown[]][] = [
      ['lifetime', [0, -1, 1.5, NaN, Infinity, '300', null]],
      ['leeway', [-1, 1.5, NaN, Infinity, '0', null]],
      ['refreshLifetime', [0, -1, 1.5, NaN, Infinity, true, '60', null, undefined]],
      ['clock', [Date.now, 7]],
      ['algorithm', ['none', 'HS1', '', null]],
      ['secret', [undefined, '', 's', 's'.repeat(31)]],
    ]
    for (const [name, values] of wrong) {
      it(name, () => {
        for (const value of values) {
          const options = { [name]: value } as Partial<JwtOptions> // as a caller without types
          expect(() => kindOf(options), String(value)).to.throw(TypeError, name)
        }
      })
    }
  })
})

function publicOf(algorithm: string): typeof rsa.publicKey {
  if (algorithm === 'ES256') return p256.publicKey
  return algorithm === 'EdDSA' ? ed25519.publicKey : rsa.publicKey
}

function generateOther(algorithm: string): typeof rsa {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return algorithm === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength: 2048 })
}
