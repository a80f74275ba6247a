import type { Context } from 'koa'
import { bodyOf, hasBody } from '../../koa/source.js'

/** A text field of a Django REST framework serializer. */
export interface FieldRule {
  readonly name: string
  /** Whether blanks at both ends are removed before the field is checked. */
  readonly trimmed: boolean
}

/** The values by field, or what is wrong with them: the JSON of a 400. */
export type Fields =
  { ok: true; values: Readonly<Record<string, string>> } | { ok: false; errors: Record<string, string[]> }

/** Reads the fields of a body as DRF's `CharField` does (rest_framework/fields.py, serializers.py): all errors together, with DRF's texts. */
export function readFields(ctx: Context, rules: readonly FieldRule[]): Fields {
  // An empty body may look like anything after a parser, and DRF takes it for none.
  const body = hasBody(ctx) ? bodyOf(ctx) : undefined
  if (body === null) return { ok: false, errors: { non_field_errors: ['No data provided'] } }
  if (body !== undefined && (typeof body !== 'object' || Array.isArray(body))) {
    const got = `Invalid data. Expected a dictionary, but got ${pythonType(body)}.`
    return { ok: false, errors: { non_field_errors: [got] } }
  }
  const values: Record<string, string> = {}
  const errors: Record<string, string[]> = {}
  for (const { name, trimmed } of rules) {
    const value: unknown =
      body !== undefined && Object.hasOwn(body, name) ? (body as Record<string, unknown>)[name] : undefined
    const text = typeof value === 'number' ? String(value) : value
    const read = typeof text === 'string' && trimmed ? strip(text) : text
    const wrong = errorsOf(read)
    if (wrong.length > 0) errors[name] = wrong
    else values[name] = String(read)
  }
  return Object.keys(errors).length > 0 ? { ok: false, errors } : { ok: true, values }
}

/** What Python's `str.isspace()` accepts: `White_Space` of Unicode, all of it in the first plane, and U+001C to U+001F. */
const BLANKS: ReadonlySet<number> = new Set([
  0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003,
  0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
])

/** Python's `str.strip()`: it removes what `trim` does except U+FEFF, and also four separators and U+0085. */
export function strip(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && BLANKS.has(text.charCodeAt(start))) start += 1
  while (end > start && BLANKS.has(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function errorsOf(value: unknown): string[] {
  if (value === undefined) return ['This field is required.']
  if (value === null) return ['This field may not be null.']
  if (typeof value !== 'string') return ['Not a valid string.']
  if (value === '') return ['This field may not be blank.']
  const wrong = value.includes('\0') ? ['Null characters are not allowed.'] : []
  const surrogate = /\p{Surrogate}/u.exec(value)?.[0]
  if (surrogate === undefined) return wrong
  return [...wrong, `Surrogate characters are not allowed: U+${surrogate.charCodeAt(0).toString(16).toUpperCase()}.`]
}

function pythonType(value: unknown): string {
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  return 'str'
}
