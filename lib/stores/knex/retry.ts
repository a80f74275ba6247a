import { setTimeout as sleepFor } from 'node:timers/promises'
import { codeOf } from '../../errors.js'

const CONFLICTS = new Set([
  '40001', // PostgreSQL: serialization_failure
  '40P01', // PostgreSQL: deadlock_detected
  'ER_LOCK_DEADLOCK', // 1213
  'ER_LOCK_WAIT_TIMEOUT', // 1205
  'ER_CHECKREAD', // 1020, MariaDB's innodb_snapshot_isolation
  'SQLITE_LOCKED',
])

/** Whether a database has ended a statement because of another one and undone it, so that it can be sent again as it is. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error) ?? ''
  return CONFLICTS.has(code) || code.startsWith('SQLITE_BUSY') // better-sqlite3 says SQLITE_BUSY_SNAPSHOT, for example
}

export interface RetryOptions {
  /** Seconds after which no further attempt starts. */
  readonly timeout: number
  /** A number of at least 0 and below 1; Math.random. */
  readonly random?: () => number
  /** Waits some milliseconds. */
  readonly sleep?: (milliseconds: number) => Promise<unknown>
  /** Milliseconds that only go forward. */
  readonly now?: () => number
}

const FIRST_PAUSE = 8
const LONGEST_PAUSE = 250

/**
 * Runs one statement, and again after each conflict, as both manuals ask for (PostgreSQL §13.5, MySQL §17.7.5.3). The pauses
 * are random, up to 8 ms at first and up to twice as long each time, 250 ms at most, so that those in conflict spread out.
 * When the time is over it rejects with the last conflict.
 *
 * @param statement is given the seconds that are left.
 */
export async function retried<T>(statement: (left: number) => PromiseLike<T>, options: RetryOptions): Promise<T> {
  const { timeout, random = Math.random, sleep = sleepFor, now = () => performance.now() } = options
  const end = now() + timeout * 1000
  let longest = FIRST_PAUSE
  let left = timeout
  for (;;) {
    try {
      return await statement(left)
    } catch (error) {
      const pause = random() * longest
      left = (end - now() - pause) / 1000
      if (!isConflict(error) || !(left > 0)) throw error
      await sleep(pause)
      longest = Math.min(longest * 2, LONGEST_PAUSE)
    }
  }
}
