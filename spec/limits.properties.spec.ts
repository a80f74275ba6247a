import { expect } from 'chai'
import * as fc from 'fast-check'
import { type FindUser, sealedPairs, type User } from 'koa-tokenapi'
import { narrow } from 'koa-tokenapi/narrow'
import {
  allows,
  checkedLimits,
  type Limits,
  limitsColumn,
  limitTexts,
  meet,
  parseLimit,
  parseLimits,
  parseLimitsColumn,
} from '../lib/limits.js'
import { anyLimit, anyLimits, anyRequest, anyScopes } from './support/arbitrary-limits.js'

/** `npm run fuzz` sets it to a million. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 10_000)
const SECRET = 'a secret of more than thirty-two bytes'
const START = 1000
const alice: User = { id: 1, username: 'alice', password: 'scrypt$16384$salt$8$5$alice' }
const find: FindUser<User> = async () => ({ ok: true, value: alice })

let now = START
const pairs = sealedPairs({ secret: SECRET, lifetime: 1000, clock: () => now })

/** Whether a token may be used so, as far as its kind and its limits say. */
async function isAllowed(
  token: string,
  time: number,
  request: Parameters<typeof allows>[1],
  scopes: Parameters<typeof allows>[2],
): Promise<boolean> {
  now = time
  const verdict = await pairs.verify({ user: '1', token }, find)
  now = START
  return verdict.ok && allows(verdict.value.token.limits ?? [], request, scopes)
}

/** Limits whose texts fit into one token. */
const anyChain = fc.array(anyLimit, { minLength: 1, maxLength: 8 })

describe('limits, for random ones', function () {
  this.timeout(0)

  it('are read from the text that is written, and from no other text', () => {
    fc.assert(
      fc.property(anyLimits, (limits) => {
        const texts = limitTexts([limits])
        const read = parseLimits(texts)
        expect(Object.assign({}, ...(read ?? []))).to.deep.equal(checkedLimits(limits))
        expect(limitTexts(read ?? [])).to.deep.equal(texts)
      }),
      { numRuns: RUNS / 10 },
    )
  })

  it('are one text for each limit: what can be read is what would be written', () => {
    const digit = fc.constantFrom(...'ABCDEFGHQRYZabcdefghquwxyz0123456789-_'.split(''))
    const random = fc.array(digit, { minLength: 1, maxLength: 12 }).map((digits) => digits.join(''))
    const changed = fc.tuple(anyLimit, fc.nat(), digit).map(([limit, at, one]) => {
      const [text = ''] = limitTexts([limit])
      const place = at % (text.length + 1)
      return text.slice(0, place) + one + text.slice(place + (at % 2))
    })
    let read = 0
    fc.assert(
      fc.property(fc.oneof(random, changed), (text) => {
        const limit = parseLimit(text)
        if (limit === null) return
        read += 1
        expect(limitTexts([limit])).to.deep.equal([text])
      }),
      { numRuns: RUNS },
    )
    expect(read).to.be.above(RUNS / 100)
  })

  it('are the same from the column of a stored token', () => {
    fc.assert(
      fc.property(anyChain, (limits) => {
        const column = limitsColumn(limits)
        expect(parseLimitsColumn(column)).to.deep.equal(limits.map(checkedLimits))
      }),
      { numRuns: RUNS / 10 },
    )
  })

  it('allow together what their meeting allows', () => {
    let allowed = 0
    fc.assert(
      fc.property(fc.array(anyLimits, { maxLength: 4 }), anyRequest, anyScopes, (limits, request, scopes) => {
        const met = meet(limits)
        const together = allows(limits, request, scopes)
        expect(together).to.equal(met !== null && allows([met], request, scopes))
        if (together) allowed += 1
      }),
      { numRuns: RUNS },
    )
    expect(allowed).to.be.above(RUNS / 100)
  })

  it('allow a child nothing that its parent may not do, in any chain', async () => {
    let allowed = 0
    await fc.assert(
      fc.asyncProperty(anyChain, fc.nat({ max: 2000 }), anyRequest, anyScopes, async (chain, time, request, scopes) => {
        let token = (await pairs.issue(alice)).token
        let parentMay = await isAllowed(token, time, request, scopes)
        for (const limits of chain) {
          token = await narrow(token, limits)
          const childMay = await isAllowed(token, time, request, scopes)
          expect(childMay && !parentMay, token).to.equal(false)
          parentMay = childMay
        }
        if (parentMay) allowed += 1
      }),
      { numRuns: RUNS / 10 },
    )
    expect(allowed).to.be.above(0)
  })

  it(`accept none of ${RUNS} changed chains`, async () => {
    const victims = await Promise.all(
      fc.sample(anyChain, { numRuns: 50, seed: 1 }).map(async (chain) => {
        // An end that has come would refuse the token for another reason.
        const limits = chain.map((limit): Limits => (limit.expiresAt === undefined ? limit : { expiresAt: START + 1 }))
        return (await pairs.issue(alice, { id: '0123456789', loggedInAt: START - 1, limits })).token
      }),
    )
    let accepted = 0
    for (const token of victims) accepted += (await pairs.verify({ user: '1', token }, find)).ok ? 1 : 0
    expect(accepted, 'unchanged').to.equal(victims.length)

    const victim = fc.constantFrom(...victims)
    const forged = fc.tuple(victim, victim, fc.nat(), fc.nat(), anyLimit).map(([one, other, a, b, limit]) => ({
      one,
      changed: CHANGES[a % CHANGES.length]?.(one, other, b, limitTexts([limit])[0] ?? '') ?? '',
    }))
    let tried = 0
    await fc.assert(
      fc.asyncProperty(
        forged.filter(({ changed }) => !victims.includes(changed)),
        async ({ one, changed }) => {
          const verdict = await pairs.verify({ user: '1', token: changed }, find)
          expect(verdict.ok, `${changed} of ${one}`).to.equal(false)
          tried += 1
        },
      ),
      { numRuns: RUNS },
    )
    expect(tried).to.be.at.least(RUNS)
  })
})

/** Changes that are possible with one token or two, and without a key. */
const CHANGES: readonly ((one: string, other: string, at: number, text: string) => string)[] = [
  // Without a limit.
  (one, _, at) => withHead(one, (parts) => parts.toSpliced(1 + (at % (parts.length - 1)), 1)),
  // Without the last ones.
  (one, _, at) => withHead(one, (parts) => parts.slice(0, 1 + (at % (parts.length - 1)))),
  // With one more, or another one, without the tags for it.
  (one, _, at, text) => withHead(one, (parts) => parts.toSpliced(1 + (at % parts.length), 0, text)),
  (one, _, at, text) => withHead(one, (parts) => parts.toSpliced(1 + (at % (parts.length - 1)), 1, text)),
  // In another order.
  (one, _, at) =>
    withHead(one, ([root = '', ...limits]) => [
      root,
      ...limits.slice(at % limits.length),
      ...limits.slice(0, at % limits.length),
    ]),
  // With another root.
  (one) => withHead(one, ([root = '', ...limits]) => [root.replace(/~a[^~]*/, ''), ...limits]),
  (one) => withHead(one, ([root = '', ...limits]) => [root.replace(/~d[^~]*/, ''), ...limits]),
  (one, _, at) =>
    withHead(one, ([root = '', ...limits]) => [
      root.replace(/^[^~]*/, (START + 1 + (at % 60)).toString(36)),
      ...limits,
    ]),
  // With tags of another token, or half of them.
  (one, other) => one.slice(0, -64) + other.slice(-64),
  (one, other) => one.slice(0, -32) + other.slice(-32),
  (one, other) => one.slice(0, -64) + other.slice(-64, -32) + one.slice(-32),
  (one) => one.slice(0, -64) + one.slice(-32) + one.slice(-64, -32),
  // With one character changed, left out or doubled.
  (one, _, at) => replaced(one, at, 'abcdefghijklmnopqrstuvwxyz0123456789ABCXYZ-_.~'.charAt(at % 46)),
  (one, _, at) => replaced(one, at, ''),
  (one, _, at) => replaced(one, at, (one[at % one.length] ?? '').repeat(2)),
  (one, _, at) => replaced(one, at, (one[at % one.length] ?? '').toUpperCase()),
]

function withHead(token: string, change: (parts: readonly string[]) => readonly string[]): string {
  return change(token.slice(0, -65).split('.')).join('.') + token.slice(-65)
}

function replaced(token: string, at: number, by: string): string {
  const place = at % token.length
  return token.slice(0, place) + by + token.slice(place + 1)
}
