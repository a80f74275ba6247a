import { type Cancellable, isAbandoned } from '../deadline.js'
import { InternalError } from '../errors.js'

/**
 * Loads several keys at once; a key that is not in the map was not found. A load that has to wait first, for a connection
 * above all, calls `throwIfAbandoned` before it goes on: it throws if all who asked have gone.
 */
export type Load<T> = (keys: readonly string[], throwIfAbandoned: () => void) => Promise<ReadonlyMap<string, T>>

const MAX_KEYS = 500
const MAX_TICKS = 4
const PATIENCE = 10 // milliseconds
const MAX_LOADS = 10 // the connections of Knex's pool by default

type Asker = Partial<Cancellable> | undefined

interface Waiter<T> {
  readonly asker: Asker
  readonly resolve: (value: T | null) => void
  readonly reject: (error: unknown) => void
}

/** One key, and those who wait for it. */
interface Pending<T> {
  readonly key: string
  waiters: Waiter<T>[]
}

/**
 * Coalesces lookups made in the same event-loop tick, across requests, into one load, and those of the next ticks as long as
 * each brings more, four at most. While a load is under way the next lookups wait for it, some 10 ms: the busier the store,
 * the larger the loads. While ten are, they wait until one ends or all who asked for one have gone. Nothing is kept
 * afterwards: every load starts after all lookups that it serves.
 *
 * If a load of several keys fails, it is repeated in halves, so that a key which breaks a query harms no other one and costs
 * few queries. A lookup whose askers have all gone (a deadline has passed, a signal is aborted) is not loaded.
 *
 * @param isFinal Whether a load failed for a reason that no single key causes, such as a timeout. It is not repeated then,
 *   which would only keep a slow database from recovering.
 */
export function batch<T>(
  load: Load<T>,
  isFinal: (error: unknown) => boolean = () => false,
): (key: string, asker?: Asker) => Promise<T | null> {
  let waiting = new Map<string, Pending<T>>()
  const underWay = new Set<readonly Pending<T>[]>()
  let patience: NodeJS.Timeout | undefined

  const gather = (ticks: number, seen: number): void => {
    if (underWay.size > 0) patience = setTimeout(flush, PATIENCE)
    else if (ticks > 1 && waiting.size > seen) setImmediate(gather, ticks - 1, waiting.size)
    else flush()
  }

  const flush = (): void => {
    patience = undefined
    for (const group of underWay) if (letGo(group)) underWay.delete(group)
    for (const pending of waiting.values()) if (letGo([pending])) waiting.delete(pending.key)
    if (waiting.size === 0) return
    if (underWay.size >= MAX_LOADS) {
      patience = setTimeout(flush, PATIENCE)
      return
    }
    const asked = [...waiting.values()]
    waiting = new Map()
    for (let at = 0; at < asked.length; at += MAX_KEYS) void send(asked.slice(at, at + MAX_KEYS))
  }

  const send = async (group: readonly Pending<T>[]): Promise<void> => {
    underWay.add(group)
    await settle(group)
    underWay.delete(group)
    if (patience === undefined) return
    clearTimeout(patience)
    patience = undefined
    setImmediate(gather, MAX_TICKS, 0)
  }

  /** Loads some keys and settles all who wait for them. It never rejects. */
  const settle = async (group: readonly Pending<T>[]): Promise<void> => {
    const throwIfAbandoned = (): void => {
      if (isGone(group)) throw new InternalError('all who asked for this lookup have gone')
    }
    try {
      const keys = group.map(({ key }) => key)
      const found = await load(keys, throwIfAbandoned)
      for (const { key, waiters } of group) for (const waiter of waiters) waiter.resolve(found.get(key) ?? null)
    } catch (error) {
      if (letGo(group)) return
      if (group.length === 1 || isLast(error)) {
        for (const { waiters } of group) for (const waiter of waiters) waiter.reject(error)
        return
      }
      const half = Math.ceil(group.length / 2)
      await Promise.all([settle(group.slice(0, half)), settle(group.slice(half))])
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
      if (others === undefined) waiting.set(key, { key, waiters: [waiter] })
      else others.waiters.push(waiter)
    })
}

/** Whether all who asked for some keys have gone. */
function isGone<T>(group: readonly Pending<T>[]): boolean {
  return group.every(({ waiters }) => waiters.every(({ asker }) => isAbandoned(asker)))
}

/** Rejects and forgets the waiters if all of them have gone, since a load that hangs may keep them for long; whether they have. */
function letGo<T>(group: readonly Pending<T>[]): boolean {
  if (!isGone(group)) return false
  for (const pending of group) {
    for (const { asker, reject } of pending.waiters) reject(asker?.signal?.reason)
    pending.waiters = []
  }
  return true
}
