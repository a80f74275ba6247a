import { expect } from 'chai'
import * as fc from 'fast-check'
import { type Limits, memoryUsers, tokenApi, type User } from 'koa-tokenapi'
import { narrow } from 'koa-tokenapi/narrow'
import { anyLimit } from '../support/arbitrary-limits.js'

/** `npm run fuzz` sets it to a million. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 10_000) / 20
const DAY = 24 * 60 * 60
const START = 1_800_000_000
const ann: User = { id: 1, username: 'ann', password: 'scrypt$16384$salt$8$5$ann', tokenEpoch: 0 }

/** What a holder does next: waits, narrows the token or renews it. */
const anyStep = fc.oneof(
  fc.record({ wait: fc.integer({ min: 1, max: 4 * DAY }) }),
  fc.record({
    limits: anyLimit.map((limit): Limits => (limit.expiresAt === undefined ? limit : later(limit.expiresAt))),
  }),
  fc.constant('renew' as const),
  fc.constant('renew' as const),
)

function later(seconds: number): Limits {
  return { expiresAt: START + seconds * 3600 }
}

describe('renewals, in random sequences', function () {
  this.timeout(0)

  it('never pass the cap, freshen the login, lose a limit or change the login', async () => {
    let now = START
    const api = tokenApi({
      users: memoryUsers([ann]),
      secret: 'a secret of the specs, long enough to be one',
      timeoutDays: 3,
      renewDays: 10,
      clock: () => now,
    })
    let renewals = 0
    let refusals = 0
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 16 }), fc.nat({ max: 12 * DAY }), async (steps, sinceLogin) => {
        now = START
        const loggedInAt = START - sinceLogin
        const first = await api.issue(ann, { loggedInAt })
        let { token } = first
        const limits: Limits[] = []
        for (const step of steps) {
          if (step === 'renew') {
            const before = await api.verify({ user: 1, token, request: { method: 'GET', path: '/' } })
            const verdict = await api.renew({ user: 1, token })
            if (!verdict.ok) {
              refusals += 1
              continue
            }
            renewals += 1
            const { issued } = verdict.value
            expect(before.ok || before.reason).to.be.oneOf([true, 'insufficient_scope'])
            expect(now).to.be.below(loggedInAt + 10 * DAY)
            expect(issued.loggedInAt).to.equal(loggedInAt)
            expect(issued.id).to.equal(first.id)
            expect(issued.issuedAt).to.equal(now)
            expect(issued.limits).to.deep.equal(limits)
            const ends = limits.flatMap(({ expiresAt }) => expiresAt ?? [])
            expect(issued.expiresAt).to.equal(Math.min(now + 3 * DAY, ...ends))
            expect(limits.some(({ methods, path }) => methods !== undefined || path !== undefined)).to.equal(false)
            token = issued.token
          } else if ('wait' in step) {
            now += step.wait
          } else if (limits.length < 8) {
            token = await narrow(token, step.limits)
            const { scopes, methods } = step.limits
            limits.push({
              ...step.limits,
              ...(scopes && { scopes: [...new Set(scopes)].toSorted() }),
              ...(methods && { methods: [...new Set(methods)].toSorted() }),
            })
          }
        }
      }),
      { numRuns: RUNS },
    )
    expect(renewals).to.be.above(RUNS / 10)
    expect(refusals).to.be.above(RUNS / 10)
  })
})
