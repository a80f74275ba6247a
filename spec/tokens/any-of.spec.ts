import { expect } from 'chai'
import {
  activeUser,
  anyOf,
  type Clock,
  djangoPairs,
  type FindUser,
  memoryUsers,
  type TokenReason,
  sealedPairs,
  type TokenKind,
  type User,
} from '../../lib/index.js'
import { watched } from '../support/counting.js'
import { behavesLikeATokenKind } from '../support/token-kind.contract.js'

const SECRET = 'a secret of more than thirty-two bytes'
const DJANGO = 'django-insecure-of-more-than-32-bytes'
const NOW = 1795000000
const clock: Clock = () => NOW

const alice: User = { id: 1, username: 'alice', password: 'pbkdf2_sha256$1$salt$abc=' }
const find = (): FindUser<User> => activeUser(memoryUsers([alice]))

/** A kind that refuses everything for one reason and keeps what it has seen. */
function refusing(reason: TokenReason, detail?: string): TokenKind & { readonly seen: string[] } {
  const seen: string[] = []
  return {
    seen,
    issue: async () => ({ token: reason, expiresAt: NOW + 1 }),
    verify: async ({ token }) => {
      seen.push(token)
      return detail === undefined ? { ok: false, reason } : { ok: false, reason, detail }
    },
  }
}

describe('anyOf', () => {
  describe('sealed pairs before Django pairs', () => {
    behavesLikeATokenKind({
      make: (time) => anyOf(sealedPairs({ secret: SECRET, clock: time }), djangoPairs({ secret: DJANGO, clock: time })),
      isPair: true,
      provesFirst: true,
      afterPasswordChange: 'revoked',
      revokesAll: false,
    })
  })

  describe('Django pairs before sealed pairs, all with one secret', () => {
    behavesLikeATokenKind({
      make: (time) => anyOf(djangoPairs({ secret: SECRET, clock: time }), sealedPairs({ secret: SECRET, clock: time })),
      isPair: true,
      issuesForEmptyId: true,
      provesFirst: false,
      afterPasswordChange: 'invalid',
      revokesAll: false,
    })
  })

  describe('sealed pairs of two audiences', () => {
    behavesLikeATokenKind({
      make: (time) =>
        anyOf(
          sealedPairs({ secret: SECRET, clock: time }),
          sealedPairs({ secret: SECRET, audience: 'staff', clock: time }),
        ),
      isPair: true,
      provesFirst: true,
      afterPasswordChange: 'revoked',
      revokesAll: true,
    })
  })

  const sealed = sealedPairs({ secret: SECRET, clock })
  const django = djangoPairs({ secret: DJANGO, clock })

  it('issues the first and accepts all', async () => {
    const both = anyOf(sealed, django)
    expect(await both.issue(alice)).to.deep.equal(await sealed.issue(alice))
    for (const kind of [sealed, django]) {
      const { token, ...facts } = await kind.issue(alice)
      const verdict = await both.verify({ user: '1', token }, find())
      expect(verdict.ok && verdict.value.token).to.deep.equal(facts)
    }
  })

  it('tries no kind after the one that accepts', async () => {
    const last = refusing('invalid')
    const { token } = await sealed.issue(alice)
    const verdict = await anyOf<User, { expiresAt: number }, { expiresAt: number }>(sealed, last).verify(
      { user: '1', token },
      find(),
    )
    expect(verdict.ok).to.equal(true)
    expect(last.seen).to.deep.equal([])
  })

  it('costs one lookup, however many kinds need it', async () => {
    const store = memoryUsers([alice])
    let queries = 0
    const counted = activeUser({
      ...store,
      findById: (id) => {
        queries += 1
        return store.findById(id)
      },
    })
    const other = djangoPairs({ secret: SECRET, clock })
    const { token } = await django.issue(alice)
    const verdict = await anyOf(other, django).verify({ user: '1', token }, counted)
    expect(verdict.ok).to.equal(true)
    expect(queries).to.equal(1)
  })

  it('reports the refusal that came furthest, whichever kind it is of', async () => {
    const order: readonly TokenReason[] = ['inactive', 'revoked', 'expired', 'invalid']
    for (const [at, further] of order.entries()) {
      for (const nearer of order.slice(at)) {
        for (const pair of [
          [refusing(further), refusing(nearer)],
          [refusing(nearer), refusing(further)],
        ] as const) {
          const verdict = await anyOf(...pair).verify({ token: 'x' }, find())
          expect(verdict, `${further} and ${nearer}`).to.deep.equal({ ok: false, reason: further })
        }
      }
    }
  })

  it('passes the whole refusal on', async () => {
    const verdict = await anyOf(refusing('invalid'), refusing('expired', 'refresh_expired')).verify(
      { token: 'x' },
      find(),
    )
    expect(verdict).to.deep.equal({ ok: false, reason: 'expired', detail: 'refresh_expired' })
  })

  it('returns revoked for a sealed pair after a changed password, though Django pairs have no such refusal', async () => {
    const { token } = await sealed.issue(alice)
    const changed = activeUser(memoryUsers([{ ...alice, password: 'new' }]))
    const verdict = await anyOf(django, sealed).verify({ user: '1', token }, changed)
    expect(verdict).to.deep.equal({ ok: false, reason: 'revoked', genuine: true })
  })

  it('marks its refusal as genuine if one of the kinds does, whichever came furthest', async () => {
    const genuine: TokenKind = {
      ...refusing('invalid'),
      verify: async () => ({ ok: false, reason: 'invalid', genuine: true }),
    }
    for (const [kinds, reason] of [
      [[refusing('expired'), genuine], 'expired'],
      [[genuine, refusing('expired')], 'expired'],
      [[refusing('invalid'), genuine], 'invalid'],
    ] as const) {
      const [first, second] = kinds
      expect(await anyOf(first, second).verify({ token: 'x' }, find())).to.deep.equal({
        ok: false,
        reason,
        genuine: true,
      })
    }
  })

  it('passes the options of issue to the first kind, and carries what that one carries', async () => {
    const both = anyOf(sealed, django)
    const { token } = await both.issue(alice, { limits: [{ scopes: ['a'] }], id: '0123456789' })
    expect(token).to.match(/^top2v4~d0123456789\.sYQ-/)
    expect(both.carries).to.equal('esmp')
    expect(anyOf(django, sealed).carries).to.equal(undefined)
  })

  it('keeps the time of the login if the first kind does, which issues', () => {
    expect(anyOf(sealed, django).keepsLoginTime).to.equal(true)
    expect(anyOf(django, sealed)).not.to.have.property('keepsLoginTime')
  })

  it('needs the user only if every kind does', () => {
    expect(anyOf(sealed, django).needsUser).to.equal(true)
    expect(anyOf(sealed, refusing('invalid'))).not.to.have.property('needsUser')
  })

  it('does not go on after an internal error', async () => {
    const failure = new Error('the store is down')
    const last = refusing('invalid')
    const { token } = await sealed.issue(alice)
    const outcome = await anyOf<User, { expiresAt: number }, { expiresAt: number }>(sealed, last)
      .verify({ user: '1', token }, () => Promise.reject(failure))
      .catch((error: unknown) => error)
    expect(outcome).to.equal(failure)
    expect(last.seen).to.deep.equal([])
  })

  it('makes no lookup for a token that no kind reads', async () => {
    const { find: asking, asked } = watched(find())
    const verdict = await anyOf(sealed, django).verify({ user: '1', token: 'garbage' }, asking)
    expect(verdict).to.deep.equal({ ok: false, reason: 'invalid' })
    expect(asked).to.deep.equal([])
  })

  it('works with a single kind', async () => {
    const { token } = await sealed.issue(alice)
    const verdict = await anyOf(sealed).verify({ user: '1', token }, find())
    expect(verdict.ok).to.equal(true)
    expect(anyOf(sealed)).to.have.property('revokeAll')
  })

  describe('revokeAll', () => {
    it('is there only if every kind has it', () => {
      const other = sealedPairs({ secret: DJANGO, clock })
      expect(anyOf(sealed, other)).to.have.property('revokeAll')
      expect(anyOf(sealed, django)).not.to.have.property('revokeAll')
      expect(anyOf(django, sealed)).not.to.have.property('revokeAll')
    })

    it('calls every kind, and rejects if one of them does', async () => {
      const ended: string[] = []
      const ending = (name: string): TokenKind => ({
        ...refusing('invalid'),
        async revokeAll(user) {
          ended.push(`${name} of ${user.username}`)
        },
      })
      await anyOf(ending('first'), ending('second')).revokeAll?.(alice, async () => ({ ...alice, tokenEpoch: 1 }))
      expect(ended).to.deep.equal(['first of alice', 'second of alice'])

      const unbound = sealedPairs({ secret: SECRET, boundTo: (user) => [user.password], clock })
      const outcome = await anyOf(sealed, unbound)
        .revokeAll?.(alice, async () => ({ ...alice, tokenEpoch: 1 }))
        .catch((error: unknown) => error)
      expect(outcome).to.be.instanceOf(TypeError)
    })
  })
})
