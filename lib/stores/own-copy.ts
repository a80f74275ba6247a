/** A row of its own for each caller, down to the JSON, dates and bytes in it; `password` is not enumerable, so that an answer leaks no hash. */
export function ownCopy<R extends object>(row: R): R {
  const copy = { ...row } as Record<string, unknown> // whatever its keys are
  for (const key in copy) {
    const value = copy[key]
    if (typeof value === 'object' && value !== null && isData(value)) copy[key] = structuredClone(value)
  }
  return Object.defineProperty(copy, 'password', { enumerable: false }) as R // the same keys and kinds of values
}

/** What a database can answer. An object of a class of the application's own has no copy that is still one. */
function isData(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || Array.isArray(value) || value instanceof Date || ArrayBuffer.isView(value)
}
