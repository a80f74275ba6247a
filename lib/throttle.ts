import { isIP, isIPv6 } from 'node:net'
import { RateLimiterMemory, type RateLimiterAbstract } from 'rate-limiter-flexible'
import { digest } from './crypto.js'
import { DEFAULT_TIMEOUT, DeadlineExceeded, withDeadline } from './deadline.js'
import { InternalError } from './errors.js'
import { accept, throttled, type Verdict } from './verdict.js'
import type { OptionNames } from './option-names.js'

/** What is used of a rate-limiter-flexible limiter: any limiter with these three methods will do. */
export type LoginLimiter = Pick<RateLimiterAbstract, 'consume' | 'delete' | 'reward'>

const METHODS = ['consume', 'delete', 'reward'] as const

/** Three limits; an attempt must pass all of them. By default each counts in this process. */
export interface ThrottleOptions {
  /** Counts the attempts on one account since its last successful login; by default 10 in 10 minutes. */
  readonly account?: LoginLimiter
  /** Counts the failed attempts of one address (of one /64 for IPv6); by default 300 in 10 minutes. */
  readonly address?: LoginLimiter
  /**
   * Counts all attempts on one account that the other two let through, and successful ones too: neither a valid account nor guesses
   * between the owner's logins go on without bound. By default 300 in 10 minutes.
   */
  readonly logins?: LoginLimiter
}

/** The names of the limits. */
export const THROTTLE_OPTIONS = {
  account: true,
  address: true,
  logins: true,
} as const satisfies OptionNames<ThrottleOptions>

/** Counts login attempts before any password is hashed. */
export interface Throttle {
  /**
   * Takes one attempt from the address and the account, or returns `throttled` with the seconds to wait. Rejects if a limiter fails
   * or takes longer than the time limit; the attempt is then counted by none of them.
   */
  admit(username: string, address?: string): Promise<Verdict<undefined, 'throttled'>>
  /** Gives back an attempt that was not evaluated because of an internal error: a store that is down must not lock its users out. */
  refund(username: string, address?: string): Promise<void>
  /** Forgets the account's failed attempts and gives the address this one attempt back; another account's success resets nothing. */
  forgive(username: string, address?: string): Promise<void>
}

const TEN_MINUTES = 600

/**
 * A throttle over rate-limiter-flexible limiters, each of whose calls may take `timeout` seconds; `false` counts nothing.
 *
 * @throws {TypeError} that names the option that is wrong.
 */
export function throttle(options: ThrottleOptions | false = {}, timeout = DEFAULT_TIMEOUT): Throttle {
  if (options === false) {
    return { admit: async () => accept(undefined), refund: async () => undefined, forgive: async () => undefined }
  }
  if (typeof options !== 'object' || options === null)
    throw new TypeError('throttle must be an object, or false for none')
  const {
    account = memory('account', 10),
    address: ofAddress = memory('address', 300),
    logins = memory('logins', 300),
  } = options
  const limit = (name: string, limiter: LoginLimiter): LoginLimiter => {
    if (!METHODS.every((method) => typeof limiter?.[method] === 'function'))
      throw new TypeError(`throttle.${name} must be a rate-limiter-flexible limiter`)
    return inTime(limiter, timeout)
  }
  const limits = {
    address: limit('address', ofAddress),
    account: limit('account', account),
    logins: limit('logins', logins),
  }

  /** What an attempt is counted by, in order: a flood from one address uses up no account's attempts. */
  const countsOf = (username: string, address: string | undefined): readonly Count[] => {
    const name = accountKey(username)
    return [
      ...(address === undefined ? [] : [[limits.address, addressKey(address)] as const]),
      [limits.account, name],
      [limits.logins, `logins:${name}`],
    ]
  }

  return {
    async admit(username, address) {
      const taken: Count[] = []
      for (const count of countsOf(username, address)) {
        try {
          const admitted = await consume(...count)
          if (!admitted.ok) return admitted
        } catch (error) {
          // In the background: the response must not wait for a second time limit.
          void rewardAll(taken).catch(() => undefined)
          throw error
        }
        taken.push(count)
      }
      return accept(undefined)
    },

    refund: (username, address) => rewardAll(countsOf(username, address)),

    async forgive(username, address) {
      const given = address === undefined ? [] : [limits.address.reward(addressKey(address), 1)]
      await allSettled([limits.account.delete(accountKey(username)), ...given])
    },
  }
}

/** A limiter and the key under which it counts. */
type Count = readonly [limiter: LoginLimiter, key: string]

function memory(keyPrefix: string, points: number): LoginLimiter {
  return new RateLimiterMemory({ keyPrefix, points, duration: TEN_MINUTES })
}

/** A limiter whose calls take no longer than the time limit. A method that is added to the contract and not wrapped does not compile. */
function inTime(limiter: LoginLimiter, timeout: number): LoginLimiter {
  return {
    async consume(key, ...rest) {
      const consuming = (async () => limiter.consume(key, ...rest))()
      try {
        return await withDeadline(timeout, () => consuming)
      } catch (error) {
        // A limiter that counts the attempt after the login has failed counts what was never evaluated.
        if (error instanceof DeadlineExceeded) void consuming.then(() => limiter.reward(key, 1)).catch(() => undefined)
        throw error
      }
    },
    delete: (...call) => withDeadline(timeout, () => limiter.delete(...call)),
    reward: (...call) => withDeadline(timeout, () => limiter.reward(...call)),
  }
}

async function rewardAll(counts: readonly Count[]): Promise<void> {
  await allSettled(counts.map(([limiter, key]) => limiter.reward(key, 1)))
}

/** Waits for all of them, so that one limiter that fails keeps no other one from counting; rejects with the first failure. */
async function allSettled(works: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(works)) {
    if (outcome.status === 'rejected') throw outcome.reason
  }
}

async function consume(limiter: LoginLimiter, key: string): Promise<Verdict<undefined, 'throttled'>> {
  try {
    await limiter.consume(key, 1)
    return accept(undefined)
  } catch (rejection) {
    // A limiter that refuses rejects with its result, which is not an Error; anything else is a limiter that failed.
    const wait = (rejection as { msBeforeNext?: unknown } | null | undefined)?.msBeforeNext
    if (typeof wait !== 'number' || !Number.isFinite(wait))
      throw rejection ?? new InternalError('the login limiter failed')
    return throttled(Math.max(1, Math.ceil(wait / 1000)))
  }
}

/** One key for all names that some database takes for the same account (case, accents, blanks); it has one length and shows no name. */
export function accountKey(username: string): string {
  const folded = username.slice(0, 254).normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().normalize('NFKC').trim()
  return digest(folded)
}

/**
 * One key for an IPv4 address, also one mapped into IPv6 or behind NAT64, and one for the /64 of any other IPv6 address, which is
 * one customer; without a port.
 */
export function addressKey(address: string): string {
  const bare = withoutPort(address.trim().replace(/^"(.*)"$/s, '$1')).replace(/%.*$/, '')
  if (!isIPv6(bare)) return bare.slice(0, 64)
  const groups = new URL(`http://[${bare}]`).hostname.slice(1, -1).split(':')
  const gap = groups.indexOf('')
  const written = groups.filter((group) => group !== '')
  const before = gap === -1 ? written : groups.slice(0, gap).filter((group) => group !== '')
  const all = [...before, ...Array<string>(8 - written.length).fill('0'), ...written.slice(before.length)]
  return IPV4_PREFIXES.has(all.slice(0, 6).join(':')) ? ipv4(all[6], all[7]) : all.slice(0, 4).join(':')
}

/** IPv6 prefixes that stand before an IPv4 address: mapped (RFC 4291 §2.5.5.2) and NAT64 (RFC 6052 §2.1). */
const IPV4_PREFIXES: ReadonlySet<string> = new Set(['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0'])

/** A port as sockets have it, or one that a proxy hides (`_abc`, RFC 7239 §6). */
const PORT = /:(?:[0-9]{1,5}|_[A-Za-z0-9._-]+)$/
/** What RFC 7239 §6 writes instead of an address. */
const NODE_NAME = /^(?:unknown|_[A-Za-z0-9._-]+)$/i

/**
 * An address without its port, as proxies forward them (`1.2.3.4:5678`, `[::1]:443`) and as `remoteAddress:remotePort` of a
 * socket writes them, without brackets; other texts as they are.
 */
function withoutPort(address: string): string {
  const [, bracketed, rest = ''] = /^\[([^\]]*)\](.*)$/s.exec(address) ?? []
  if (bracketed !== undefined) return rest.replace(PORT, '') === '' ? bracketed : address
  // What is an address with its last group is taken as one: that group is not part of the /64.
  if (isIP(address) !== 0) return address
  const bare = address.replace(PORT, '')
  return isIP(bare) !== 0 || NODE_NAME.test(bare) ? bare : address
}

function ipv4(high = '0', low = '0'): string {
  const number = Number.parseInt(high, 16) * 0x10000 + Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.')
}
