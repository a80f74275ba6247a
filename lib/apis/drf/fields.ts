import type { Context } from 'koa'
import { bodyOf } from '../../koa/source.js'

/** A text field of a Django REST framework serializer. */
export interface FieldRule {
  readonly name: string
  /** Whether blanks at both ends are cut off before anything else. */
  readonly trimmed: boolean
}

/** Good values by field, or what is wrong: the JSON of a 400. */
export type Fields =
  { ok: true; values: Readonly<Record<string, string>> } | { ok: false; errors: Record<string, string[]> }

/** Reads the fields of a body as DRF's `CharField` does (rest_framework/fields.py, serializers.py): all errors together, in its words. */
export function readFields(ctx: Context, rules: readonly FieldRule[]): Fields {
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

/** Whether a request has a body at all: an empty one, which a parser may show as anything, counts as none. */
export function hasBody(ctx: Context): boolean {
  const { headers } = ctx.req
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** `White_Space` of Unicode, which is all in the first plane, and U+001C to U+001F: what Python's `str.isspace()` knows. */
const BLANKS: ReadonlySet<number> = new Set([
  0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003,
  0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
])

/** Python's `str.strip()`: of what `trim` cuts off all but U+FEFF, and four separators and U+0085 besides. */
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
