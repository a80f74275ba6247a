import { ContractViolation } from '../errors.js'
import type { User } from '../user.js'

/** The properties that a user may lack, and how tables and databases spell them: PostgreSQL folds `isActive` to `isactive`. */
const OPTIONAL = [
  ['isActive', 'is_active'],
  ['tokenEpoch', 'token_epoch'],
  ['endedLogins', 'ended_logins'],
] as const
const SPELLED_OTHERWISE = /^(is_?active|token_?epoch|ended_?logins)$/i

/**
 * A row that a user store has returned, checked, and with its password hash out of the way of serialisation, so that
 * `ctx.body = ctx.state.user` does not send it. Null and undefined are null.
 *
 * - A plain object whose hash is enumerable is copied; in the copy every property that holds the hash is not enumerable.
 * - An object of a class keeps its identity and its properties, since a copy would lose its methods and private fields. It gets a
 *   `toJSON`, not enumerable, that leaves out what holds the hash. If it cannot be extended (`Object.freeze`), it is refused if its JSON
 *   shows the hash, and else stays as it is.
 *
 * What reads such an object some other way (a spread, `Object.entries`) still finds the hash of an object of a class.
 *
 * @throws {ContractViolation} for a row without a `password` (null says that none logs in), for one whose `password` is not text (a
 *   binary column, a promise), for one in another spelling (`is_active`, `isactive`), which would count as active, for an object of a
 *   class whose hash cannot be kept out of its JSON, and for anything else than an object. No message holds a value.
 */
export function userRow<U extends User>(row: U | null | undefined): U | null {
  if (row === null || row === undefined) return null
  if (typeof row !== 'object') throw new ContractViolation('a user store must resolve to a user, null or undefined')
  const password = propertyOf(row, 'password')
  if (password === undefined) {
    throw new ContractViolation(
      'a user of the store has no password (null says that none logs in): a spread or a copy loses it if it is not enumerable',
    )
  }
  if (password !== null && typeof password !== 'string')
    throw new ContractViolation('the password of a user of the store must be text or null')
  checkSpelling(row)
  return isPlain(row) ? plainWithoutHash(row) : classWithoutHash(row)
}

/** A flag or an epoch that is absent counts as active and 0, so that a row which has them under another name must not pass. */
function checkSpelling(row: object): void {
  for (const [property, column] of OPTIONAL) {
    if (propertyOf(row, property) !== undefined) continue
    const isAnother = (name: string): boolean =>
      name !== property && SPELLED_OTHERWISE.test(name) && folded(name) === property.toLowerCase()
    const other = propertyOf(row, column) === undefined ? Object.keys(row).find(isAnother) : column
    if (other !== undefined) throw new ContractViolation(`a user of the store has ${other} instead of ${property}`)
  }
}

function folded(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

/** A property of an object or its class. What a polluted `Object.prototype` adds is not one. */
export function propertyOf(row: object, name: string): unknown {
  const value: unknown = (row as Readonly<Record<string, unknown>>)[name] // an object may be asked for anything
  return value === undefined || Object.hasOwn(row, name) || !(name in Object.prototype) ? value : undefined
}

function isPlain(row: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(row)
  return prototype === Object.prototype || prototype === null
}

function plainWithoutHash<U extends User>(row: U): U {
  const names = hashNames(row, row.password)
  if (names.length === 0) return row
  // A spread would lose what is not enumerable, a flag or an epoch for example.
  const properties = Object.getOwnPropertyDescriptors(row) as Record<string, PropertyDescriptor> // by any name
  for (const name of names) properties[name] = { ...properties[name], enumerable: false }
  return Object.create(Object.getPrototypeOf(row) as object | null, properties) as U // the same properties
}

const hidden = new WeakSet<object>()

function classWithoutHash<U extends User>(row: U): U {
  if (hidden.has(row)) return row // a store may return one object many times
  const written: unknown = propertyOf(row, 'toJSON')
  if (typeof written !== 'function' && hashNames(row, row.password).length === 0) return row
  const json = (args: readonly unknown[]): unknown =>
    typeof written === 'function' ? Reflect.apply(written, row, args) : row
  const toJSON = (...args: readonly unknown[]): unknown => {
    const shown = json(args)
    if (typeof shown !== 'object' || shown === null) return shown
    const left = { ...shown } as Record<string, unknown> // whatever its keys are
    for (const name of hashNames(left, row.password)) delete left[name]
    return left
  }
  if (Reflect.defineProperty(row, 'toJSON', { value: toJSON, configurable: true, writable: true })) {
    hidden.add(row)
    return row
  }
  const shown = json([''])
  if (typeof shown === 'object' && shown !== null && hashNames(shown, row.password).length > 0) {
    throw new ContractViolation(
      'a user of the store cannot be extended (Object.freeze), so its hash cannot be kept out of its JSON: give it a toJSON without the hash, or do not freeze it',
    )
  }
  return row
}

/** Under which names an object shows a hash: `password`, and those of a store that keeps the column as it was (`password_hash`). */
function hashNames(row: object, hash: unknown): readonly string[] {
  const values = row as Readonly<Record<string, unknown>> // whatever its keys are
  return Object.keys(row).filter(
    (name) => name === 'password' || (hash !== null && hash !== '' && values[name] === hash),
  )
}
