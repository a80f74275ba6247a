import { randomUUID } from 'node:crypto'

// JSON.stringify has no way to write a bigint as a number, so that it goes through as a marked text that no data can hold.
const MARK = randomUUID()
const MARKED = new RegExp(`"${MARK}:(-?[0-9]+)"`, 'g')

/**
 * JSON text, in which a bigint is a number with all its digits.
 *
 * @throws {TypeError} for what has no JSON form: a circle, a function. Whatever a `toJSON` throws.
 */
export function jsonText(data: unknown): string {
  let marked = false
  const text: string | undefined = JSON.stringify(data, (_key, value: unknown) => {
    if (typeof value !== 'bigint') return value
    marked = true
    return `${MARK}:${value}`
  })
  if (text === undefined) throw new TypeError('there is no JSON form of this')
  return marked ? text.replace(MARKED, '$1') : text
}

/** JSON text as Python's `json.dumps` writes it, in ASCII: the bytes that Django signs. */
export function asciiJsonText(data: unknown): string {
  return jsonText(data).replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
