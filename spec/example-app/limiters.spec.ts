import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { limiters } from '../../example-app/limiters.js'
import { hasRedis, REDIS_URL } from '../support/databases.js'

/** Waits for a promise to reject, and gives what it rejected with. */
async function rejection(promise: Promise<unknown> | undefined): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it did not reject')
}

describe('limiters', () => {
  it('count in memory without a Redis, once for all APIs', async () => {
    const { throttle } = limiters(undefined)
    for (let attempt = 0; attempt < 10; attempt += 1) await throttle.account?.consume('ann', 1)
    expect(await rejection(throttle.account?.consume('ann', 1))).to.have.property('msBeforeNext')
  })

  it('reject at once while Redis is away, and keep the process alive', async () => {
    const { throttle, close } = counts('redis://127.0.0.1:1')
    try {
      expect(await rejection(throttle.account?.consume('x', 1))).to.be.instanceOf(Error)
    } finally {
      close()
    }
  })

  if (!hasRedis) return

  it('count together in one Redis', async () => {
    const [one, two] = [counts(REDIS_URL), counts(REDIS_URL)]
    const key = randomBytes(8).toString('hex')
    try {
      // The first ones find no connection yet: a limiter that is not ready rejects with an Error.
      for (const { throttle } of [one, two]) {
        while ((await throttle.account?.reward(key, 0).catch(() => 'not yet')) === 'not yet') await turn()
      }
      for (let attempt = 0; attempt < 5; attempt += 1) {
        await one.throttle.account?.consume(key, 1)
        await two.throttle.account?.consume(key, 1)
      }
      expect(await rejection(one.throttle.account?.consume(key, 1))).to.have.property('msBeforeNext')
      expect(await rejection(two.throttle.account?.consume(key, 1))).to.have.property('msBeforeNext')
    } finally {
      await one.throttle.account?.delete(key)
      one.close()
      two.close()
    }
  })
})

/** Limiters whose complaints about a Redis that is away are not printed. */
function counts(url: string): ReturnType<typeof limiters> {
  return limiters(url, () => undefined)
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
