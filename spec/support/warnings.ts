/** Runs something and gives the warnings of the process that came of it. */
export async function warningsOf(work: () => unknown): Promise<readonly string[]> {
  const warnings: string[] = []
  const listen = (warning: Error): void => void warnings.push(warning.message)
  process.on('warning', listen)
  try {
    await work()
    // Warnings are emitted in the next tick, and a rejection is caught in a microtask before it.
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('warning', listen)
  }
  return warnings
}
