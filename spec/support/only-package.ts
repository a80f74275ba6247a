import { createRequire } from 'node:module'
import type { Require } from '../../lib/passwords/installed.js'

/** A `require` of a place where one package is installed, or none. */
export function only(installed: string | null): Require {
  const real = createRequire(import.meta.url)
  const resolve = (name: string): string => {
    if (name === installed) return real.resolve(name)
    throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' })
  }
  const require = (name: string): unknown => real(resolve(name))
  return Object.assign(require, real, { resolve: Object.assign(resolve, real.resolve) })
}
