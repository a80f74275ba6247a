let tick: Promise<void> | undefined

/**
 * Resolves at the end of this event-loop tick, once for all who wait for it. Requests that arrived together are checked together
 * then: the same code runs for one after the other while it is in the CPU cache, and their socket writes are flushed together.
 */
export function endOfTick(): Promise<void> {
  tick ??= new Promise((resolve) => {
    setImmediate(() => {
      tick = undefined
      resolve()
    })
  })
  return tick
}
