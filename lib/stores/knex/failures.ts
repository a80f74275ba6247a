import { codeOf, ContractViolation, InternalError } from '../../errors.js'
import { isUnstorable } from '../unstorable.js'
import { isUnreadable } from './diagnosis.js'

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
