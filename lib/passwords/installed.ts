import { createRequire } from 'node:module'
import { codeOf, InternalError } from '../errors.js'
import type { Hasher } from './hasher.js'

const MISSING = 'ERR_PACKAGE_MISSING'

/** Loads a package at the moment it is needed, so that it stays optional. */
export type Require = ReturnType<typeof createRequire>

/** An optional package: its name, and how its functions are made to fit one interface. */
export type OptionalPackage<T> = readonly [name: string, open: (require: Require) => T]

/** Whether a hasher could not be made because none of its packages is installed. */
export function isMissingPackage(error: unknown): boolean {
  return codeOf(error) === MISSING
}

/**
 * The first of some packages that is installed and loads. One that does not load (a native binary for another platform) is
 * passed over with a warning.
 *
 * @throws {InternalError} with the code ERR_PACKAGE_MISSING and a message that names the packages, if there is none.
 */
export function firstInstalled<T>(
  hasher: string,
  packages: readonly OptionalPackage<T>[],
  require: Require = createRequire(import.meta.url),
): T {
  for (const [name, open] of packages) {
    if (!isInstalled(name, require)) continue
    try {
      return open(require)
    } catch {
      process.emitWarning(`${name} is installed, but its native binary for this platform does not load`)
    }
  }
  const names = packages.map(([name]) => name).join(' or ')
  throw new InternalError(`${hasher}() needs an optional package: npm install ${names}`, MISSING)
}

function isInstalled(name: string, require: Require): boolean {
  try {
    require.resolve(name)
    return true
  } catch (error) {
    if (codeOf(error) === 'MODULE_NOT_FOUND') return false
    throw error
  }
}

/** A hasher in a list where one of its packages is installed, else an empty list. */
export function ifInstalled(hasher: () => Hasher): readonly Hasher[] {
  try {
    return [hasher()]
  } catch (error) {
    if (isMissingPackage(error)) return []
    throw error
  }
}
