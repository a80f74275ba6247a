/** How a table keeps its ids: 32-bit or 64-bit integers, UUIDs (native, or text with or without dashes), any text. */
export type IdColumn = 'integer' | 'bigint' | 'uuid' | 'text'

/** What a user's `id` is for each of them. */
export interface IdTypes {
  integer: number
  bigint: bigint
  uuid: string
  text: string
}

/** The ids of one column type: which texts are one, what a column is compared with, what comes back. */
export interface Ids<K extends IdColumn> {
  /** Whether a text is the canonical form of a value in the column's range: '01', '+1', '1e0' and 2^63 are not. */
  isCanonical(text: string): boolean
  /** A text that is one. */
  readonly sample: string
  /** The values to compare the column with. */
  bindings(text: string): readonly string[]
  /** The form of a column's text that `isCanonical` accepts: UUIDs have dashes, however they are kept. */
  canonical(text: string): string
  /** The id of a row as it is presented. */
  present(value: unknown): IdTypes[K]
}

const DECIMAL = /^[1-9][0-9]{0,18}$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const MAX_INTEGER = 2 ** 31 - 1
const MAX_BIGINT = 2n ** 63n - 1n

const TYPES: { readonly [K in IdColumn]: Ids<K> } = {
  integer: {
    isCanonical: (text) => DECIMAL.test(text) && Number(text) <= MAX_INTEGER,
    sample: '1',
    bindings: (text) => [text],
    canonical: (text) => text,
    present: Number,
  },
  bigint: {
    isCanonical: (text) => DECIMAL.test(text) && BigInt(text) <= MAX_BIGINT,
    sample: '1',
    bindings: (text) => [text],
    canonical: (text) => text,
    present: (value) => (/^-?[0-9]+$/.test(String(value)) ? BigInt(String(value)) : 0n), // 0 is no id
  },
  uuid: {
    isCanonical: (text) => UUID.test(text),
    sample: '00000000-0000-4000-8000-000000000000',
    // Django keeps UUIDs without dashes where the database has no type for them.
    bindings: (text) => [text, text.replaceAll('-', '')],
    canonical: dashed,
    present: (value) => dashed(String(value)),
  },
  text: {
    isCanonical: () => true, // whether it can be a user's id at all is for `isUserId`
    sample: 'a',
    bindings: (text) => [text],
    canonical: (text) => text,
    present: String,
  },
}

/** @throws {TypeError} that names `id` for another type. */
export function idsOf<K extends IdColumn>(type: K): Ids<K> {
  if (!Object.hasOwn(TYPES, type)) throw new TypeError("id must be 'integer', 'bigint', 'uuid' or 'text'")
  return TYPES[type]
}

function dashed(text: string): string {
  const uuid = text.toLowerCase()
  return uuid.length === 32 ? uuid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : uuid
}
