/** Loads several keys at once: what is not in the map is nobody. */
export type LoadMany<T> = (keys: readonly string[]) => Promise<ReadonlyMap<string, T>>

const MAX_KEYS = 500

interface Waiter<T> {
  resolve(value: T | null): void
  reject(fault: unknown): void
}

/**
 * Look-ups that arrive in one turn of the event loop go out as one load, also those of different requests. Nothing is kept
 * afterwards: the next turn asks again. If a load of several keys fails, each is loaded by itself, so that one key which
 * breaks a query harms nobody else.
 *
 * @param isFinal Whether a load failed for a reason that no key is to blame for, a timeout above all: nobody waits any more
 *   then, and to ask again, once for each key, would only keep a slow database from recovering.
 */
export function batch<T>(
  load: LoadMany<T>,
  isFinal: (fault: unknown) => boolean = () => false,
): (key: string) => Promise<T | null> {
  let waiting = new Map<string, Waiter<T>[]>()

  const flush = (): void => {
    const asked = waiting
    waiting = new Map()
    const keys = [...asked.keys()]
    for (let at = 0; at < keys.length; at += MAX_KEYS) void answer(asked, keys.slice(at, at + MAX_KEYS))
  }

  const answer = async (asked: ReadonlyMap<string, Waiter<T>[]>, keys: readonly string[]): Promise<void> => {
    try {
      const found = await load(keys)
      for (const key of keys) for (const waiter of asked.get(key) ?? []) waiter.resolve(found.get(key) ?? null)
    } catch (fault) {
      if (keys.length > 1 && !isFinal(fault)) for (const key of keys) void answer(asked, [key])
      else for (const key of keys) for (const waiter of asked.get(key) ?? []) waiter.reject(fault)
    }
  }

  return (key) =>
    new Promise((resolve, reject) => {
      // Sockets are read one after another within a turn, and setImmediate runs after the last of them.
      if (waiting.size === 0) setImmediate(flush)
      const others = waiting.get(key)
      if (others === undefined) waiting.set(key, [{ resolve, reject }])
      else others.push({ resolve, reject })
    })
}
