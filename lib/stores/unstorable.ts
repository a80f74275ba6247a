import { codeOf } from '../errors.js'

const UNSTORABLE = new Set([
  '22021', // PostgreSQL: character_not_in_repertoire, a NUL for example
  '22P05', // PostgreSQL: untranslatable_character, in a database that is not UTF-8
  'ER_CANT_AGGREGATE_2COLLATIONS', // MySQL: an emoji against a column of utf8mb3, anything foreign against latin1
  'ER_CANT_AGGREGATE_3COLLATIONS',
  'ER_CANT_AGGREGATE_NCOLLATIONS',
])

/** Whether a query failed because a column cannot hold the characters of a text, so that no row has it. */
export function isUnstorable(error: unknown): boolean {
  return UNSTORABLE.has(codeOf(error) ?? '')
}
