import { bcryptjs } from './bcryptjs.js'
import { firstInstalled, type OptionalPackage, type Require } from './installed.js'

/** bcrypt itself: the password is at most 4096 bytes, of which 72 count; the hash starts with `$2b$`. */
export interface Bcrypt {
  hash(password: string, cost: number): Promise<string>
  verify(password: string, hash: string): Promise<boolean>
}

/** As far as versions 1 and 2 are alike: version 2, which has `parseOptions`, takes an object where version 1 took the number. */
interface NodeRs {
  hash(password: string, cost: number | { readonly cost: number }): Promise<string>
  verify(password: string, hash: string): Promise<boolean>
}

interface Native {
  hash(password: string, cost: number): Promise<string>
  compare(password: string, hash: string): Promise<boolean>
}

const PACKAGES: readonly OptionalPackage<Bcrypt>[] = [
  [
    '@node-rs/bcrypt',
    (require) => {
      const library = require('@node-rs/bcrypt') as NodeRs
      return {
        hash: (password, cost) => library.hash(password, 'parseOptions' in library ? { cost } : cost),
        verify: (password, hash) => library.verify(password, hash),
      }
    },
  ],
  [
    'bcrypt',
    (require) => {
      const library = require('bcrypt') as Native
      return {
        hash: (password, cost) => library.hash(password, cost),
        verify: (password, hash) => library.compare(password, hash),
      }
    },
  ],
  ['bcryptjs', (require) => bcryptjs(require.resolve('bcryptjs'))],
]

/** The bcrypt of the first package that is installed. @throws {InternalError} where none is. */
export function bcryptPackage(require?: Require): Bcrypt {
  return firstInstalled('bcrypt', PACKAGES, require)
}
