import { expect } from 'chai'
import { authenticate, verify } from '../lib/authenticate.js'
import {
  activeUser,
  type Credentials,
  memoryUsers,
  type Offered,
  type Source,
  type TokenKind,
  type User,
} from '../lib/index.js'

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

describe('authenticate', () => {
  it('passes a refusal of the reader on and asks no kind', async () => {
    const kind = naming('alice')
    for (const refusal of [
      { ok: false, reason: 'missing' },
      { ok: false, reason: 'malformed', detail: 'repeated' },
    ] as const) {
      expect(await authenticate(source, offering(refusal), kind, find)).to.equal(refusal)
    }
    expect(kind.seen).to.deep.equal([])
  })

  it('gives the kind what was offered, and the request what was verified', async () => {
    const kind = naming('alice')
    const offered = { token: 'x' }
    const verdict = await authenticate(source, offering({ ok: true, value: offered }), kind, find)
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
    await authenticate(source, credentials, naming('alice'), find)
    expect(seen).to.deep.equal([source])
  })
})

describe('verify', () => {
  it('holds an offered user against the verified one, for every kind', async () => {
    const kind = naming('alice')
    expect(await verify({ user: '1', token: 'x' }, kind, find)).to.include({ ok: true })
    for (const user of ['2', '01', '1 ', '', 'alice', '1\0', '１']) {
      expect(await verify({ user, token: 'x' }, kind, find), user).to.deep.equal({ ok: false, reason: 'invalid' })
    }
  })

  it('compares ids of any type by their text', async () => {
    for (const id of [7, 7n, '7']) {
      const found = activeUser(memoryUsers([{ ...alice, id }]))
      expect(await verify({ user: '7', token: 'x' }, naming('alice'), found), typeof id).to.include({ ok: true })
    }
  })

  it('passes a refusal on unchanged, whoever was offered', async () => {
    const verdict = await verify({ user: '2', token: 'x' }, naming('nobody'), find)
    expect(verdict).to.deep.equal({ ok: false, reason: 'invalid' })
    const refusal = { ok: false, reason: 'expired', detail: 'refresh_expired' } as const
    const kind: TokenKind = { ...naming('alice'), verify: async () => refusal }
    expect(await verify({ user: '2', token: 'x' }, kind, find)).to.equal(refusal)
  })

  it('rejects with a fault of the kind', async () => {
    const fault = new Error('the store is down')
    const kind: TokenKind = { ...naming('alice'), verify: () => Promise.reject(fault) }
    const outcome = await verify({ token: 'x' }, kind, find).catch((error: unknown) => error)
    expect(outcome).to.equal(fault)
  })
})
