import { readCount, readUnpaddedBase64 } from './hasher.js'

/** A hash in the PHC string format, read: `$name$v=…$parameter=…,parameter=…$salt$key`. */
export interface PhcString {
  readonly name: string
  /** Absent where the text has none. */
  readonly version?: number
  readonly parameters: ReadonlyMap<string, number>
  readonly salt: Buffer
  readonly key: Buffer
}

const FORM =
  /^\$([a-z0-9-]{1,32})(?:\$v=([1-9][0-9]{0,9}))?\$([a-z]+=[0-9]+(?:,[a-z]+=[0-9]+)*)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/**
 * Reads a PHC string (github.com/P-H-C/phc-string-format) whose parameters are these, in any order: packages differ in it. The
 * salt has 8 to 64 bytes, the key 16 to 64. Null for anything else, such as a further parameter (Argon2's `data` and `keyid`).
 */
export function readPhc(encoded: string, names: readonly string[]): PhcString | null {
  const [, name, version, list = '', saltText, keyText] = FORM.exec(encoded) ?? []
  const salt = readUnpaddedBase64(saltText)
  const key = readUnpaddedBase64(keyText)
  if (name === undefined || salt === null || key === null) return null
  const pairs = list.split(',').map((pair) => pair.split('='))
  const parameters = new Map(pairs.map(([parameter = '', value]) => [parameter, readCount(value)]))
  if (pairs.length !== names.length || !names.every((one) => parameters.has(one))) return null
  return { name, parameters, salt, key, ...(version !== undefined && { version: Number(version) }) }
}

/** Writes a PHC string, with the parameters in the order given. */
export function writePhc(
  phc: Omit<PhcString, 'parameters'> & { readonly parameters: Readonly<Record<string, number>> },
): string {
  const { name, version, parameters, salt, key } = phc
  const list = Object.entries(parameters).map(([parameter, value]) => `${parameter}=${value}`)
  const marked = version === undefined ? '' : `$v=${version}`
  return `$${name}${marked}$${list.join(',')}$${unpadded(salt)}$${unpadded(key)}`
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
