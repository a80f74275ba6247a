import { isInFuture, spanOption } from '../clock.js'
import { ContractViolation } from '../errors.js'
import { limitTexts } from '../limits.js'
import type { IssueOptions } from './token-kind.js'

const NAMES: readonly PropertyKey[] = ['limits', 'loggedInAt', 'id']
const LOGIN_ID = /^[0-9a-z]{10}$/

/** What a new token says, checked. */
export interface CheckedIssueOptions {
  /** Limits in their text form. */
  readonly limits: readonly string[]
  /** Seconds since 1970; 0 if that is not known. */
  readonly loggedInAt: number
  readonly id: string | undefined
}

/**
 * The options of `issue`, checked, for every kind of token. `undefined` is an error and not a default: a token without the
 * limits that were meant is a full one.
 *
 * @param now The time at which the token is issued, which is that of the login by default.
 * @param carries The letters of the limits that the kind has a place for.
 * @throws {ContractViolation} that names what is wrong; for limits with the codes of `limitTexts`.
 */
export function issueOptions(options: IssueOptions = {}, now: number, carries = ''): CheckedIssueOptions {
  if (typeof options !== 'object' || options === null || !Reflect.ownKeys(options).every((key) => NAMES.includes(key)))
    throw new ContractViolation('the options of issue are limits, loggedInAt and id')
  const loggedInAt = spanOption(options, 'loggedInAt', now, 0)
  if (isInFuture(loggedInAt, now))
    throw new ContractViolation('loggedInAt must be seconds since 1970 and not in the future')
  const { id } = options
  if (Object.hasOwn(options, 'id') && !(typeof id === 'string' && LOGIN_ID.test(id)))
    throw new ContractViolation('id must be 10 of [0-9a-z]')
  const limits = Object.hasOwn(options, 'limits') ? limitTexts(options.limits as readonly [], carries) : [] // it looks for itself
  return { limits, loggedInAt, id }
}
