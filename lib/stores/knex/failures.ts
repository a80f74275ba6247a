import { codeOf, ContractViolation, InternalError } from '../../errors.js'
import { isUnreadable } from './diagnosis.js'

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

/**
 * Whether a query failed for a reason that no single value in it causes: a timeout, a lost connection, a missing table. The
 * rest are data exceptions (SQLSTATE class 22) such as a number out of a column's range, and errors that no database raised.
 */
export function concernsAllKeys(error: unknown): boolean {
  if (error instanceof Error && error.name === 'KnexTimeoutError') return true
  const code = codeOf(error)
  if (code === 'ERR_SCHEMA') return !isUnreadable(error)
  if (error instanceof InternalError || error instanceof ContractViolation) return false
  const { sqlState = code } = error as { readonly sqlState?: unknown } // mysql2 has both
  return code !== undefined && !isUnstorable(error) && !String(sqlState).startsWith('22')
}
