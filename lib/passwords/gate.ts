import { availableParallelism } from 'node:os'
import { type Clock, systemClock } from '../clock.js'
import { InternalError } from '../errors.js'
import { recentUse } from './recent-use.js'

/** Who a job is for, and whether it still matters. */
export interface JobOptions<T> {
  /** Aborted when the client has gone: a job that still waits is skipped. */
  readonly signal?: AbortSignal | undefined
  /** The client's address. Without one the account stands for it, and all jobs without either share one. */
  readonly address?: string | undefined
  /** The account that a login is for. */
  readonly account?: string | undefined
  /** Whether a result is a wrong password, which makes later jobs of the address wait longer. */
  readonly isWrong?: (result: T) => boolean
}

/** Runs a few hashes at once and lets the next ones wait in a bounded, fair queue. */
export interface Gate {
  /**
   * Runs a job when there is room for it.
   *
   * @throws {Overloaded} when the queue is full and the job is the last in it, at once or while it waits; the signal's reason
   *   if it was aborted.
   */
  run<T>(job: () => Promise<T>, options?: JobOptions<T>): Promise<T>
}

/** The queue of waiting hashes is full: an internal error, and never "wrong password". */
export class Overloaded extends InternalError {
  override readonly name = 'Overloaded'
  constructor() {
    super('too many passwords are waiting to be hashed', 'ERR_OVERLOADED')
  }
}

/**
 * How many hashes may run at once: hashing, SQLite and file access share libuv's threads, so that one of them, and one
 * core, is left to the rest. With UV_THREADPOOL_SIZE=1 nothing is left, and a warning says so.
 */
export function gateWidth(cores = availableParallelism(), poolSize = process.env['UV_THREADPOOL_SIZE']): number {
  const threads = Number.parseInt(poolSize ?? '', 10) || 4
  if (threads === 1) {
    process.emitWarning('UV_THREADPOOL_SIZE=1: each login blocks SQLite and file access while its password is hashed')
  }
  return Math.max(1, Math.min(cores, threads) - 1)
}

/** What a job adds to the use of its address. Until its end it is taken for a wrong password. */
const [WRONG, OTHER] = [10, 1]

interface Waiting {
  readonly address: string
  /** The lowest one runs first. */
  readonly rank: number
  readonly start: () => void
  readonly refuse: (error: Error) => void
}

/**
 * A gate whose queue no address and no account can fill for the others.
 *
 * A job waits behind those whose addresses have used less: each hash counts 1 for its address, a wrong password 10, and both are
 * halved once a minute. Of one account, each job waits 10 longer for every other one that waits or runs. If the queue is full, the
 * last job in it gives way, even if it came before others. So a flood, from one address or from many, gets what honest logins
 * leave over. A job that is refused counts 1, so that trying again and again gains nothing, and one whose client gives up counts as a
 * wrong password.
 *
 * @param options `width` jobs at once, `queue` more may wait (16 for each of them).
 */
export function gate(options: { readonly width: number; readonly queue?: number; readonly clock?: Clock }): Gate {
  const { width, queue = width * 16, clock = systemClock } = options
  const uses = recentUse(clock)
  /** Jobs of an account that wait or run. */
  const pending = new Map<string, number>()
  const waiting: Waiting[] = []
  let running = 0

  /** Resolves when a job that has ended leaves its room to this one. */
  const wait = (address: string, used: number, signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const give = (): void => {
        waiting.splice(waiting.indexOf(entry), 1)
        reject(signal?.reason as Error)
      }
      // Use fades, and a right password gives some back: no job overtakes an older one of its own address.
      const rank = Math.max(used, waiting.findLast((other) => other.address === address)?.rank ?? 0)
      const entry: Waiting = {
        address,
        rank,
        start() {
          signal?.removeEventListener('abort', give)
          resolve()
        },
        refuse(error) {
          signal?.removeEventListener('abort', give)
          reject(error)
        },
      }
      signal?.addEventListener('abort', give, { once: true })
      waiting.splice(waiting.findLastIndex((other) => other.rank <= rank) + 1, 0, entry)
      if (waiting.length > queue) waiting.pop()?.refuse(new Overloaded())
    })

  /** Hands the room to the first in the queue, so that no new job can come in between. */
  const leave = (): void => {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next.start()
  }

  return {
    async run(job, { signal, account, address = account ?? '', isWrong } = {}) {
      signal?.throwIfAborted()
      const others = account === undefined ? 0 : (pending.get(account) ?? 0)
      const used = uses.of(address) + others * WRONG
      uses.add(address, WRONG)
      if (account !== undefined) pending.set(account, others + 1)
      let counts = OTHER
      try {
        if (running < width) running += 1
        else await wait(address, used, signal)
        try {
          const result = await job()
          if (isWrong?.(result) === true) counts = WRONG
          return result
        } finally {
          leave()
        }
      } catch (error) {
        if (signal?.aborted === true && error === signal.reason) counts = WRONG
        throw error
      } finally {
        uses.add(address, counts - WRONG)
        if (account !== undefined) end(pending, account)
      }
    },
  }
}

function end(pending: Map<string, number>, account: string): void {
  const left = (pending.get(account) ?? 0) - 1
  if (left > 0) pending.set(account, left)
  else pending.delete(account)
}
