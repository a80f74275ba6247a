/** Loads several keys at once: what is not in the map is nobody. */
export type LoadMany<T> = (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>

const MAX_KEYS = 500
const MAX_TURNS = 4
const PATIENCE = 10 // milliseconds

interface Waiter<T> {
  resolve(value: T | null): void
  reject(fault: unknown): void
}

/**
 * Look-ups that arrive in one turn of the event loop go out as one load, also those of different requests, and those of the
 * next turns as long as each brings more, four at most. While a load is under way the next ones wait for it, some 10 ms: the
 * busier the store, the larger the loads. Nothing is kept afterwards: every load starts after all that it answers were asked
 * for. If a load of several keys fails, each is loaded by itself, so that one key which breaks a query harms nobody else.
 *
 * @param isFinal Whether a load failed for a reason that no key is to blame for, a timeout above all: nobody waits any more
 *   then, and to ask again, once for each key, would only keep a slow database from recovering.
 */
export function batch<T>(
  load: LoadMany<T>,
  isFinal: (fault: unknown) => boolean = () => false,
): (key: string) => Promise<T | null> {
  let waiting = new Map<string, Waiter<T>[]>()
  let underWay = 0
  let patience: NodeJS.Timeout | undefined

  const gather = (turns: number, seen: number): void => {
    if (underWay > 0) patience = setTimeout(flush, PATIENCE)
    else if (turns > 1 && waiting.size > seen) setImmediate(gather, turns - 1, waiting.size)
    else flush()
  }

  const flush = (): void => {
    patience = undefined
    const asked = waiting
    waiting = new Map()
    const keys = [...asked.keys()]
    for (let at = 0; at < keys.length; at += MAX_KEYS) void send(asked, keys.slice(at, at + MAX_KEYS))
  }

  const send = async (asked: ReadonlyMap<string, Waiter<T>[]>, keys: readonly string[]): Promise<void> => {
    underWay += 1
    await answer(asked, keys)
    underWay -= 1
    if (patience === undefined) return
    clearTimeout(patience)
    patience = undefined
    setImmediate(gather, MAX_TURNS, 0)
  }

  const answer = async (asked: ReadonlyMap<string, Waiter<T>[]>, keys: readonly string[]): Promise<void> => {
    try {
      const found = await load(keys)
      for (const key of keys) for (const waiter of asked.get(key) ?? []) waiter.resolve(found.get(key) ?? null)
    } catch (fault) {
      if (keys.length > 1 && !isFinal(fault)) await Promise.all(keys.map((key) => answer(asked, [key])))
      else for (const key of keys) for (const waiter of asked.get(key) ?? []) waiter.reject(fault)
    }
  }

  return (key) =>
    new Promise((resolve, reject) => {
      // Sockets are read one after another within a turn, and setImmediate runs after the last of them.
      if (waiting.size === 0) setImmediate(gather, MAX_TURNS, 0)
      const others = waiting.get(key)
      if (others === undefined) waiting.set(key, [{ resolve, reject }])
      else others.push({ resolve, reject })
    })
}
