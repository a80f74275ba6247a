import type { Middleware } from 'koa'

/** Runs some work while `Object.prototype` has these properties, as an attack on another library leaves it, and restores it. */
export async function whilePolluted<T>(
  properties: Readonly<Record<string, unknown>>,
  work: () => T | Promise<T>,
): Promise<T> {
  for (const [name, value] of Object.entries(properties)) {
    if (name in Object.prototype) throw new Error(`Object.prototype has ${name} already`)
    // oxlint-disable-next-line no-extend-native -- this is the attack
    Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true, writable: true })
  }
  try {
    return await work()
  } finally {
    for (const name of Object.keys(properties)) Reflect.deleteProperty(Object.prototype, name)
  }
}

/** A middleware after which the rest of the app runs with a polluted `Object.prototype`. */
export function polluting(properties: Readonly<Record<string, unknown>>): Middleware {
  return (_ctx, next) => whilePolluted(properties, next)
}
