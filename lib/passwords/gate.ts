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
   * Runs some work when there is room for it.
   *
   * @throws {Overloaded} when the queue is full and the job is the last in it, at once or while it waits; the signal's reason
   *   if it was aborted.
   */
  run<T>(work: () => Promise<T>, options?: JobOptions<T>): Promise<T>
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

/** What a job adds to its weight and to that of later ones; a right password adds nothing. */
const [WRONG, REFUSED] = [10, 1]

interface Job {
  readonly address: string
  readonly account: string | undefined
}

interface Waiting {
  readonly job: Job
  readonly start: () => void
  readonly refuse: (error: Error) => void
}

/**
 * A gate whose queue no address and no account can fill for the others.
 *
 * If the queue is full, the job with the highest weight gives way, the newest of several. A job weighs
 * - 10 for each wrong password of its address, and for each login that a client of the address gave up,
 * - 1 for each job of its address that was refused, so that trying again and again gains nothing,
 * - 1 for each wrong password for its account,
 * - 10 for each older job of its address or account that still waits or runs.
 * The job with the lowest weight runs next, to which 1 is added for each job of its address that has run, so that addresses take
 * turns; the oldest of several. All but what waits or runs is halved once a minute. So a flood, from one address or from many, gets
 * what honest logins leave over.
 *
 * @param options `width` jobs at once, `queue` more may wait (16 for each of them).
 */
export function gate(options: { readonly width: number; readonly queue?: number; readonly clock?: Clock }): Gate {
  const { width, queue = width * 16, clock = systemClock } = options
  const [ofAddress, ofAccount, served] = [recentUse(clock), recentUse(clock), recentUse(clock)]
  const running = new Set<Job>()
  /** In the order in which they came. */
  const waiting: Waiting[] = []

  /** The weights of all waiting jobs. */
  const weights = (): readonly number[] => {
    const [addresses, accounts] = [counter(), counter()]
    for (const { address, account } of running) {
      addresses(address)
      accounts(account)
    }
    return waiting.map(({ job: { address, account } }) => {
      const older = Math.max(addresses(address), accounts(account))
      return ofAddress.of(address) + (account === undefined ? 0 : ofAccount.of(account)) + WRONG * older
    })
  }

  /** Resolves when a job that has ended leaves its room to this one. */
  const wait = (job: Job, signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const giveUp = (): void => {
        waiting.splice(waiting.indexOf(entry), 1)
        reject(signal?.reason as Error)
      }
      const entry: Waiting = {
        job,
        start() {
          signal?.removeEventListener('abort', giveUp)
          resolve()
        },
        refuse(error) {
          signal?.removeEventListener('abort', giveUp)
          reject(error)
        },
      }
      signal?.addEventListener('abort', giveUp, { once: true })
      waiting.push(entry)
      if (waiting.length <= queue) return
      const all = weights()
      const [last] = waiting.splice(all.lastIndexOf(Math.max(...all)), 1)
      last?.refuse(new Overloaded())
    })

  /** Hands the room to the next job at once, so that no new one can come in between. */
  const leave = (job: Job): void => {
    running.delete(job)
    served.add(job.address, 1)
    const all = weights().map((weight, at) => weight + served.of(waiting[at]?.job.address ?? ''))
    const [next] = waiting.splice(all.indexOf(Math.min(...all)), 1)
    if (next === undefined) return
    running.add(next.job)
    next.start()
  }

  return {
    async run(work, { signal, account, address = account ?? '', isWrong } = {}) {
      signal?.throwIfAborted()
      const job = { address, account }
      try {
        if (running.size < width) running.add(job)
        else await wait(job, signal)
      } catch (error) {
        ofAddress.add(address, error instanceof Overloaded ? REFUSED : WRONG)
        throw error
      }
      try {
        const result = await work()
        if (isWrong?.(result) === true) {
          ofAddress.add(address, WRONG)
          if (account !== undefined) ofAccount.add(account, 1)
        }
        return result
      } finally {
        leave(job)
      }
    },
  }
}

/** Counts texts: how often each one came before. */
function counter(): (text: string | undefined) => number {
  const counts = new Map<string, number>()
  return (text) => {
    if (text === undefined) return 0
    const before = counts.get(text) ?? 0
    counts.set(text, before + 1)
    return before
  }
}
