/** A copy of a row for each caller, down to the JSON, dates and bytes in it. `password` is not enumerable, so that a response leaks no hash. */
export function ownCopy<R extends object>(row: R): R {
  const copy = { ...row } as Record<string, unknown> // whatever its keys are
  for (const key in copy) {
    const value = copy[key]
    if (typeof value === 'object' && value !== null && isData(value)) copy[key] = structuredClone(value)
  }
  return Object.defineProperty(copy, 'password', { enumerable: false }) as R // the same keys and kinds of values
}

/** What a database can return. A copy of an object of the application's own class would not be an instance of it. */
function isData(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || Array.isArray(value) || value instanceof Date || ArrayBuffer.isView(value)
}
