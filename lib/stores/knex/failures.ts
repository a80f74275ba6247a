import { codeOf } from '../../errors.js'
import { isUnstorable } from '../unstorable.js'
import { DatabaseError } from './database-error.js'
import { isUnreadable } from './diagnosis.js'

/**
 * Whether a query failed for a reason that no single value in it causes: a timeout, a lost connection, a missing table. The
 * rest are data exceptions (SQLSTATE class 22) such as a number out of a column's range, and errors that no database raised.
 */
export function concernsAllKeys(error: unknown): boolean {
  if (codeOf(error) === 'ERR_SCHEMA') return !isUnreadable(error)
  if (!(error instanceof DatabaseError)) return false
  if (error.name === 'KnexTimeoutError') return true
  const { code, sqlState = code } = error // mysql2 has both
  return code !== 'ERR_INTERNAL' && !isUnstorable(error) && !sqlState.startsWith('22')
}
