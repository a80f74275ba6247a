import type { TokenStore } from '../stores/token-store.js'
import { type CheckedRow, NO_END } from './stored-row.js'

const PATIENCE = 250 // milliseconds

/** What a use of a token writes, and how often. */
export interface Use {
  readonly now: number
  /** Seconds in which a use is not written again. */
  readonly interval: number
  /** The end that the token gets with it. */
  readonly expiresAt: number
  /** The absolute maximum of that end; none by default. */
  readonly latest?: number
}

/**
 * Writes the last use of stored tokens, and returns whether it has: once an interval for all requests that use a token, in this
 * process by a map, in others by the store's condition. It never rejects, since the token is valid all the same: the listener is called
 * instead. A request waits 0.25 s for the store at most; the write goes on without it.
 */
export function lastUse(
  store: TokenStore,
  [name, onError]: readonly [name: string, listener: (error: unknown) => void],
): (row: CheckedRow, use: Use) => Promise<boolean> {
  /** The digests of tokens whose use is being written, and since when. */
  const writing = new Map<string, number>()

  const write = async (
    { digest }: CheckedRow,
    { now, interval, expiresAt, latest = NO_END }: Use,
  ): Promise<boolean> => {
    writing.set(digest, now)
    try {
      await store.slide(digest, {
        expiresAt,
        lastUsedAt: now,
        unusedSince: now - interval,
        ...(latest < NO_END && { latest }),
      })
      return true
    } catch (error) {
      report(error)
      return false
    } finally {
      if (writing.get(digest) === now) writing.delete(digest)
    }
  }
  const report = (error: unknown): void => {
    try {
      onError(error)
    } catch (thrown) {
      process.emitWarning(`${name} threw ${thrown instanceof Error ? thrown.name : typeof thrown}`)
    }
  }

  return async (row, use) => {
    const { now, interval } = use
    const isRecent = (time: number): boolean => now - time < interval
    if (isRecent(row.lastUsedAt ?? row.createdAt) || isRecent(writing.get(row.digest) ?? -Infinity)) return false
    return inTime(write(row, use))
  }
}

/** Whether work has succeeded within the time that a request waits for it. */
async function inTime(work: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, PATIENCE, false)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Emits a process warning for the first error only: it may happen at every request. */
export function warnOnce(listener: string, what: string): (error: unknown) => void {
  let hasWarned = false
  return (error) => {
    if (hasWarned) return
    hasWarned = true
    const name = error instanceof Error ? error.name : typeof error
    process.emitWarning(`${what}, since the store fails to write (${name}); ${listener} is called with each error`)
  }
}
