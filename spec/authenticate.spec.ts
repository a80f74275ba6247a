import { expect } from 'chai'
import { authenticate, type Verifier, verify } from '../lib/authenticate.js'
import {
  activeUser,
  type Credentials,
  type FindUser,
  memoryUsers,
  type Needs,
  type Offered,
  type Source,
  type TokenFacts,
  type TokenKind,
  type TokenRefusal,
  type User,
} from '../lib/index.js'
import { checkedNeeds } from '../lib/limits.js'
import { accept } from '../lib/verdict.js'

const NOW = 1_800_000_000
const source: Source = { headers: {} }
const alice: User = { id: 1, username: 'alice', password: 'x' }
const find = activeUser(memoryUsers([alice]))

function offering(verdict: ReturnType<Credentials['read']>): Credentials {
  return { read: () => verdict }
}

/** A kind that reads whose a token is from the token itself, as stored tokens and JWTs do. */
function naming(name: string): TokenKind & { readonly seen: Offered[] } {
  const seen: Offered[] = []
  return {
    seen,
    issue: async () => ({ token: name, expiresAt: 1 }),
    async verify(offered, findUser) {
      seen.push(offered)
      const user = await findUser({ username: name })
      return user.ok ? { ok: true, value: { user: user.value, token: { expiresAt: 1 } } } : user
    },
  }
}

/** Verifies with one kind at a fixed time. */
function by<T extends TokenFacts>(tokens: TokenKind<User, T>, findUser = find): Verifier<User, User, T> {
  return { tokens, find: findUser, now: () => NOW }
}

/** A kind that accepts everything for Alice, with given facts. */
function granting(facts: Partial<TokenFacts>): TokenKind {
  const token = { expiresAt: NOW + 1, ...facts }
  return { ...naming('alice'), verify: async () => accept({ user: alice as never, token }) } // the only user there is
}

const REQUEST: Source = { method: 'GET', headers: {}, url: '/files/1?x=1' }

const never: FindUser<User> = () => Promise.reject(new Error('the primary was asked'))

describe('authenticate', () => {
  it('passes a refusal of the reader on and verifies nothing', async () => {
    const kind = naming('alice')
    for (const refusal of [
      { ok: false, reason: 'missing' },
      { ok: false, reason: 'malformed', detail: 'repeated' },
    ] as const) {
      expect(await authenticate(source, offering(refusal), by(kind))).to.equal(refusal)
    }
    expect(kind.seen).to.deep.equal([])
  })

  it('gives the kind what was offered, and returns what was verified', async () => {
    const kind = naming('alice')
    const offered = { token: 'x' }
    const verdict = await authenticate(source, offering({ ok: true, value: offered }), by(kind))
    expect(kind.seen).to.deep.equal([offered])
    expect(verdict).to.deep.include({ ok: true })
    expect(verdict.ok && verdict.value.user.username).to.equal('alice')
    expect(verdict.ok && verdict.value.token).to.deep.equal({ expiresAt: 1 })
  })

  it('reads the request that it was given', async () => {
    const seen: Source[] = []
    const credentials: Credentials = {
      read(one) {
        seen.push(one)
        return { ok: false, reason: 'missing' }
      },
    }
    await authenticate(source, credentials, by(naming('alice')))
    expect(seen).to.deep.equal([source])
  })

  it('keeps the scheme that the client used with a refusal, and gives it to no kind', async () => {
    const kind = naming('nobody')
    const offered = offering({ ok: true, value: { user: '1', token: 'x', scheme: 'Bearer' } })
    expect(await authenticate(source, offered, by(kind))).to.deep.equal({
      ok: false,
      reason: 'invalid',
      scheme: 'Bearer',
    })
    expect(kind.seen).to.deep.equal([{ user: '1', token: 'x' }])
  })

  describe('the limits of the token', () => {
    const offered = offering({ ok: true, value: { token: 'x' } })
    const outcome = async (facts: Partial<TokenFacts>, request: Source, needs?: Needs): Promise<string> => {
      const checked = needs === undefined ? undefined : checkedNeeds(needs)
      const verdict = await authenticate(request, offered, by(granting(facts)), checked)
      return verdict.ok ? 'ok' : verdict.reason
    }

    it('hold for the method and the target of the request', async () => {
      const facts = { limits: [{ methods: ['GET'] }, { path: '/files/' }] }
      expect(await outcome(facts, REQUEST)).to.equal('ok')
      expect(await outcome(facts, { ...REQUEST, method: 'POST' })).to.equal('insufficient_scope')
      expect(await outcome(facts, { ...REQUEST, url: '/admin' })).to.equal('insufficient_scope')
    })

    it('hold for the target that arrived, whatever has rewritten it', async () => {
      const facts = { limits: [{ path: '/files/' }] }
      expect(await outcome(facts, { ...REQUEST, originalUrl: '/mounted/files/1' })).to.equal('insufficient_scope')
      expect(await outcome(facts, { ...REQUEST, url: '/1', originalUrl: '/files/1' })).to.equal('ok')
    })

    it('are never met by a request to change the protocol, if they name methods', async () => {
      const headers = { upgrade: 'websocket' }
      expect(await outcome({ limits: [{ methods: ['GET'] }] }, { ...REQUEST, headers })).to.equal('insufficient_scope')
      expect(await outcome({}, { ...REQUEST, headers })).to.equal('ok')
    })

    it('hold against the scopes that the route needs', async () => {
      const facts = { limits: [{ scopes: ['read', 'write'] }] }
      expect(await outcome(facts, REQUEST, { scope: 'read' })).to.equal('ok')
      expect(await outcome(facts, REQUEST, { scope: 'admin' })).to.equal('insufficient_scope')
      expect(await outcome(facts, REQUEST)).to.equal('insufficient_scope')
      expect(await outcome({}, REQUEST, { scope: 'admin' })).to.equal('ok')
    })

    it('come before the age of the login, which must be known', async () => {
      const fresh = { loggedInAt: NOW - 60 }
      expect(await outcome(fresh, REQUEST, { maxAge: 60 })).to.equal('ok')
      expect(await outcome(fresh, REQUEST, { maxAge: 59 })).to.equal('insufficient_user_authentication')
      expect(await outcome({}, REQUEST, { maxAge: 60 })).to.equal('insufficient_user_authentication')
      const limited = { limits: [{ scopes: ['read'] }] }
      expect(await outcome(limited, REQUEST, { maxAge: 60, scope: 'admin' })).to.equal('insufficient_scope')
    })
  })

  it('takes nothing from a polluted Object.prototype', async () => {
    const offered = offering({ ok: true, value: { token: 'x' } })
    const ask = async (facts: Partial<TokenFacts>, needs?: Needs): Promise<boolean> =>
      (await authenticate({ ...REQUEST, url: '/admin' }, offered, by(granting(facts)), needs && checkedNeeds(needs))).ok
    const polluted = Object.prototype as { originalUrl?: string; loggedInAt?: number }
    try {
      polluted.originalUrl = '/files/1'
      polluted.loggedInAt = NOW
      expect(await ask({ limits: [{ path: '/files/' }] })).to.equal(false)
      expect(await ask({}, { maxAge: 60 })).to.equal(false)
    } finally {
      delete polluted.originalUrl
      delete polluted.loggedInAt
    }
  })

  it('lets only a link pass where only links may come', async () => {
    const offered = offering({ ok: true, value: { token: 'x', linksOnly: true } })
    const link = [{ expiresAt: NOW + 1 }, { methods: ['GET'] }, { path: '/files/1' }]
    expect(await authenticate(REQUEST, offered, by(granting({ limits: link })))).to.include({ ok: true })
    for (const missing of [0, 1, 2]) {
      const limits = link.filter((_, at) => at !== missing)
      const verdict = await authenticate(REQUEST, offered, by(granting({ limits })))
      expect(verdict).to.deep.equal({ ok: false, reason: 'malformed', detail: 'not_a_link' })
    }
  })

  describe('with a primary database', () => {
    const stale: TokenRefusal = { ok: false, reason: 'revoked', genuine: true }
    const onReplica = activeUser(memoryUsers([{ ...alice, password: 'old' }]))
    /** A kind that refuses users with the old password. */
    const bonded = (refusal: TokenRefusal): TokenKind => ({
      ...naming('alice'),
      async verify(_offered, findUser) {
        const found = await findUser({ id: '1' })
        return found.ok && found.value.password === alice.password
          ? accept({ user: found.value, token: { expiresAt: NOW + 1 } })
          : refusal
      },
    })
    const offered = offering({ ok: true, value: { token: 'x' } })
    const verifier = (refusal: TokenRefusal, findOnPrimary = find): Verifier<User, User, TokenFacts> => ({
      ...by(bonded(refusal), onReplica),
      findOnPrimary,
    })

    it('verifies a genuine token once more there before it refuses it', async () => {
      expect(await authenticate(source, offered, verifier(stale))).to.include({ ok: true })
      expect(await authenticate(source, offered, verifier(stale, onReplica))).to.deep.equal(stale)
      expect(await authenticate(source, offered, by(bonded(stale), onReplica))).to.deep.equal(stale)
    })

    it('asks it for no other token', async () => {
      const forged: TokenRefusal = { ok: false, reason: 'invalid' }
      expect(await authenticate(source, offered, verifier(forged, never))).to.deep.equal(forged)
      const good = { ...by(naming('alice')), findOnPrimary: never }
      expect(await authenticate(source, offered, good)).to.include({ ok: true })
    })
  })
})

describe('verify', () => {
  it('compares an offered user with the verified one, for every kind', async () => {
    const kind = naming('alice')
    expect(await verify({ user: '1', token: 'x' }, by(kind), {})).to.include({ ok: true })
    for (const user of ['2', '01', '1 ', '', 'alice', '1\0', '１']) {
      expect(await verify({ user, token: 'x' }, by(kind), {}), user).to.deep.equal({ ok: false, reason: 'invalid' })
    }
  })

  it('compares ids of any type by their text', async () => {
    for (const id of [7, 7n, '7']) {
      const found = activeUser(memoryUsers([{ ...alice, id }]))
      expect(await verify({ user: '7', token: 'x' }, by(naming('alice'), found), {}), typeof id).to.include({
        ok: true,
      })
    }
  })

  it('passes a refusal on unchanged, whatever user was offered', async () => {
    const verdict = await verify({ user: '2', token: 'x' }, by(naming('nobody')), {})
    expect(verdict).to.deep.equal({ ok: false, reason: 'invalid' })
    const refusal = { ok: false, reason: 'expired', detail: 'refresh_expired' } as const
    const kind: TokenKind = { ...naming('alice'), verify: async () => refusal }
    expect(await verify({ user: '2', token: 'x' }, by(kind), {})).to.equal(refusal)
  })

  it('rejects with an internal error of the kind', async () => {
    const down = new Error('the store is down')
    const kind: TokenKind = { ...naming('alice'), verify: () => Promise.reject(down) }
    const outcome = await verify({ token: 'x' }, by(kind), {}).catch((error: unknown) => error)
    expect(outcome).to.equal(down)
  })
})
