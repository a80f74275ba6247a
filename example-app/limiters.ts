import { Redis } from 'ioredis'
import type { ThrottleOptions } from 'koa-tokenapi'
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'

/** Where login attempts are counted. */
export interface Limiters {
  readonly throttle: ThrottleOptions
  readonly close: () => void
}

const TEN_MINUTES = 600

/** Counts in this process, or in the Redis of a URL, where all processes share the counts; `complain` is called with a line while it cannot be reached. */
export function limiters(redisUrl: string | undefined, complain: (line: string) => void = console.error): Limiters {
  return redisUrl === undefined ? memoryLimiters() : redisLimiters(redisUrl, complain)
}

/** Shared by all five APIs: without it each would count for itself. */
function memoryLimiters(): Limiters {
  return {
    throttle: {
      account: new RateLimiterMemory({ keyPrefix: 'login:account', points: 10, duration: TEN_MINUTES }),
      address: new RateLimiterMemory({ keyPrefix: 'login:address', points: 300, duration: TEN_MINUTES }),
      logins: new RateLimiterMemory({ keyPrefix: 'login:logins', points: 300, duration: TEN_MINUTES }),
    },
    close: () => undefined,
  }
}

/** A Redis that is down or silent is an internal error (503) within 2 s; the process goes on, and reconnects by itself. */
function redisLimiters(url: string, complain: (line: string) => void): Limiters {
  const storeClient = new Redis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 2000 })
  storeClient.on('error', (error: NodeJS.ErrnoException) => complain(`Redis: ${error.code ?? error.name}`))
  const limiter = (keyPrefix: string, points: number): RateLimiterRedis =>
    new RateLimiterRedis({ storeClient, keyPrefix, points, duration: TEN_MINUTES, rejectIfRedisNotReady: true })

  return {
    throttle: {
      account: limiter('login:account', 10),
      address: limiter('login:address', 300),
      logins: limiter('login:logins', 300),
    },
    close: () => storeClient.disconnect(),
  }
}
