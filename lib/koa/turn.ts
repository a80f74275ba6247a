let turn: Promise<void> | undefined

/**
 * The end of this turn of the event loop, for all who ask within it. Requests that arrived together are judged together then:
 * the same code runs for one after the other while the processor still has it at hand, and their answers leave in one burst.
 */
export function endOfTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined
      resolve()
    })
  })
  return turn
}
