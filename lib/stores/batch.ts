import { type Cancellable, isAbandoned } from '../deadline.js'
import { InternalError } from '../errors.js'

/**
 * Loads several keys at once; a key that is not in the map was not found. A load that has to wait first, for a connection
 * above all, calls `throwIfAbandoned` before it goes on: it throws if all who asked have stopped waiting.
 */
export type Load<T> = (keys: readonly string[], throwIfAbandoned: () => void) => Promise<ReadonlyMap<string, T>>

const MAX_KEYS = 500
const MAX_TICKS = 4
const PATIENCE = 10 // milliseconds

type Asker = Partial<Cancellable> | undefined

interface Waiter<T> {
  readonly asker: Asker
  resolve(value: T | null): void
  reject(error: unknown): void
}

type Waiting<T> = ReadonlyMap<string, readonly Waiter<T>[]>

/**
 * Coalesces lookups made in the same event-loop tick, across requests, into one load, and those of the next ticks as long as
 * each brings more, four at most. While a load is under way the next lookups wait for it, some 10 ms: the busier the store,
 * the larger the loads. Nothing is kept afterwards: every load starts after all lookups that it serves.
 *
 * If a load of several keys fails, it is repeated in halves, so that a key which breaks a query harms no other one and costs
 * few queries. A lookup whose askers have all stopped waiting (a deadline, an aborted signal) is not loaded.
 *
 * @param isFinal Whether a load failed for a reason that no single key causes, such as a timeout. It is not repeated then,
 *   which would only keep a slow database from recovering.
 */
export function batch<T>(
  load: Load<T>,
  isFinal: (error: unknown) => boolean = () => false,
): (key: string, asker?: Asker) => Promise<T | null> {
  let waiting = new Map<string, Waiter<T>[]>()
  let underWay = 0
  let patience: NodeJS.Timeout | undefined

  const gather = (ticks: number, seen: number): void => {
    if (underWay > 0) patience = setTimeout(flush, PATIENCE)
    else if (ticks > 1 && waiting.size > seen) setImmediate(gather, ticks - 1, waiting.size)
    else flush()
  }

  const flush = (): void => {
    patience = undefined
    const asked: Waiting<T> = waiting
    waiting = new Map()
    const keys: string[] = []
    for (const [key, waiters] of asked) {
      if (hasOnlyGone(waiters)) rejectGone(waiters)
      else keys.push(key)
    }
    for (let at = 0; at < keys.length; at += MAX_KEYS) void send(asked, keys.slice(at, at + MAX_KEYS))
  }

  const send = async (asked: Waiting<T>, keys: readonly string[]): Promise<void> => {
    underWay += 1
    await settle(asked, keys)
    underWay -= 1
    if (patience === undefined) return
    clearTimeout(patience)
    patience = undefined
    setImmediate(gather, MAX_TICKS, 0)
  }

  /** Loads some keys and settles all who wait for them. It never rejects. */
  const settle = async (asked: Waiting<T>, keys: readonly string[]): Promise<void> => {
    const waiters = keys.flatMap((key) => asked.get(key) ?? [])
    const throwIfAbandoned = (): void => {
      if (hasOnlyGone(waiters)) throw new InternalError('all who asked for this lookup have stopped waiting')
    }
    try {
      const found = await load(keys, throwIfAbandoned)
      for (const key of keys) for (const waiter of asked.get(key) ?? []) waiter.resolve(found.get(key) ?? null)
    } catch (error) {
      if (hasOnlyGone(waiters)) return rejectGone(waiters)
      if (keys.length === 1 || isLast(error)) return waiters.forEach((waiter) => waiter.reject(error))
      const half = Math.ceil(keys.length / 2)
      await Promise.all([settle(asked, keys.slice(0, half)), settle(asked, keys.slice(half))])
    }
  }

  /** An `isFinal` that throws counts as true, so that every waiter is settled. */
  const isLast = (error: unknown): boolean => {
    try {
      return isFinal(error)
    } catch {
      return true
    }
  }

  return (key, asker) =>
    new Promise((resolve, reject) => {
      // Sockets are read one after another within a tick, and setImmediate runs after the last of them.
      if (waiting.size === 0) setImmediate(gather, MAX_TICKS, 0)
      const waiter: Waiter<T> = { asker, resolve, reject }
      const others = waiting.get(key)
      if (others === undefined) waiting.set(key, [waiter])
      else others.push(waiter)
    })
}

function hasOnlyGone(waiters: readonly Waiter<unknown>[]): boolean {
  return waiters.every(({ asker }) => isAbandoned(asker))
}

function rejectGone(waiters: readonly Waiter<unknown>[]): void {
  for (const { asker, reject } of waiters) reject(asker?.signal?.reason)
}
