import { isIPv6 } from 'node:net'
import { RateLimiterMemory, type RateLimiterAbstract } from 'rate-limiter-flexible'
import { digest } from './crypto.js'
import { InternalError } from './errors.js'
import { accept, throttled, type Verdict } from './verdict.js'

/** What is used of a rate-limiter-flexible limiter: any of its limiters that has these three will do. */
export type LoginLimiter = Pick<RateLimiterAbstract, 'consume' | 'delete' | 'reward'>

const METHODS = ['consume', 'delete', 'reward'] as const

export interface ThrottleOptions {
  /** Counts the attempts on one account; by default 10 in 10 minutes, in this process. */
  readonly account?: LoginLimiter
  /** Counts the failed attempts of one address (of one /64 for IPv6); by default 300 in 10 minutes, in this process. */
  readonly address?: LoginLimiter
}

/** Counts login attempts before any password is hashed. */
export interface Throttle {
  /** Takes one attempt from the account and the address, or answers `throttled` with the seconds to wait. A limiter that fails is a rejection. */
  admit(username: string, address?: string): Promise<Verdict<undefined, 'throttled'>>
  /** Gives an attempt back that nobody has judged: a store that is down must not lock its users out. */
  refund(username: string, address?: string): Promise<void>
  /** Forgets the account's attempts and gives the address this one attempt back: another account's success resets nothing. */
  forgive(username: string, address?: string): Promise<void>
}

const TEN_MINUTES = 600

/** A throttle over rate-limiter-flexible limiters; `false` counts nothing. */
export function throttle(options: ThrottleOptions | false = {}): Throttle {
  if (options === false) {
    return { admit: async () => accept(undefined), refund: async () => undefined, forgive: async () => undefined }
  }
  if (typeof options !== 'object' || options === null)
    throw new TypeError('throttle must be an object, or false for none')
  const { account = memory('account', 10), address: byAddress = memory('address', 300) } = options
  for (const [name, limiter] of Object.entries({ account, address: byAddress })) {
    if (!METHODS.every((method) => typeof limiter?.[method] === 'function'))
      throw new TypeError(`throttle.${name} must be a rate-limiter-flexible limiter`)
  }

  return {
    async admit(username, address) {
      if (address !== undefined) {
        const admitted = await consume(byAddress, addressKey(address))
        if (!admitted.ok) return admitted
      }
      return consume(account, accountKey(username))
    },

    async refund(username, address) {
      await account.reward(accountKey(username), 1)
      if (address !== undefined) await byAddress.reward(addressKey(address), 1)
    },

    async forgive(username, address) {
      await account.delete(accountKey(username))
      if (address !== undefined) await byAddress.reward(addressKey(address), 1)
    },
  }
}

function memory(keyPrefix: string, points: number): LoginLimiter {
  return new RateLimiterMemory({ keyPrefix, points, duration: TEN_MINUTES })
}

async function consume(limiter: LoginLimiter, key: string): Promise<Verdict<undefined, 'throttled'>> {
  try {
    await limiter.consume(key, 1)
    return accept(undefined)
  } catch (rejection) {
    // A limiter that says no rejects with its result, which is not an Error; anything else is a limiter that failed.
    const wait = (rejection as { msBeforeNext?: unknown } | null | undefined)?.msBeforeNext
    if (typeof wait !== 'number' || !Number.isFinite(wait))
      throw rejection ?? new InternalError('the login limiter failed')
    return throttled(Math.max(1, Math.ceil(wait / 1000)))
  }
}

/** Names that some database takes for the same account (case, accents, blanks) share one counter; the key has one length and tells no name. */
function accountKey(username: string): string {
  const folded = username.slice(0, 254).normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().normalize('NFKC').trim()
  return digest(folded)
}

/** An IPv4 address as it is, also where it came mapped into IPv6; of any other IPv6 address its /64, which is one customer. */
function addressKey(address: string): string {
  const bare = address.replace(/%.*$/, '')
  if (!isIPv6(bare)) return bare.slice(0, 64)
  const groups = new URL(`http://[${bare}]`).hostname.slice(1, -1).split(':')
  const gap = groups.indexOf('')
  const written = groups.filter((group) => group !== '')
  const before = gap === -1 ? written : groups.slice(0, gap).filter((group) => group !== '')
  const all = [...before, ...Array<string>(8 - written.length).fill('0'), ...written.slice(before.length)]
  const mapped = all.slice(0, 6).join(':') === '0:0:0:0:0:ffff'
  return mapped ? ipv4(all[6], all[7]) : all.slice(0, 4).join(':')
}

function ipv4(high = '0', low = '0'): string {
  const number = Number.parseInt(high, 16) * 0x10000 + Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.')
}
