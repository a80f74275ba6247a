import { type Clock, spanOption, wholeClock } from '../clock.js'
import { equalTexts, hmac, saltedKey, type Secret, secretList } from '../crypto.js'
import { ContractViolation } from '../errors.js'
import { type User, userIdText } from '../user.js'
import { accept, refuse } from '../verdict.js'
import { type Calendar, calendar } from './calendar.js'
import { issueOptions } from './issue-options.js'
import type { TokenKind } from './token-kind.js'
import { checkOptions, type OptionNames } from '../option-names.js'

export interface DjangoPairOptions {
  /** Django's SECRET_KEY, or up to five: the first issues, all verify. */
  readonly secret: Secret
  /** Django's TOKEN_TIMEOUT_DAYS: whole days that a token outlives its day, 7; 0 is allowed. */
  readonly timeoutDays?: number
  /** Django's TIME_ZONE, since its days are local; 'UTC'. */
  readonly timeZone?: string
  /** Lower it for a SECRET_KEY of less than 32 bytes. */
  readonly minSecretBytes?: number
  readonly clock?: Clock
}

export interface DjangoPairFacts {
  expiresAt: number
}

const KEY_SALT = 'tokenapi.tokens.PasswordResetTokenGenerator'
const MAX_DAY_DIGITS = 6
const MAX_DAYS = 1_000_000 // the calendar ends some time after
const TAG = /^[0-9a-f]{20}$/

const OPTIONS = {
  secret: true,
  timeoutDays: true,
  timeZone: true,
  minSecretBytes: true,
  clock: true,
} as const satisfies OptionNames<DjangoPairOptions>

/**
 * django-tokenapi's own token, byte for byte: base 36 of the days since 2001-01-01, "-", and every second hex digit of an
 * HMAC-SHA-1 over id, password hash and day. It is valid on its day and for `timeoutDays` whole days after it.
 *
 * A day after tomorrow is `invalid` (Django takes any future day). Since only the password is covered, `revokeAll`
 * is left out, and a changed password shows as `invalid`. It does not keep (1, '2x') from (12, 'x'): a stored hash never
 * starts with a digit. A token proves nothing without the user's row, so no refusal is marked as genuine: use the primary for users.
 *
 * @throws {TypeError} at start-up for a wrong option; from `issue`, for a user without a password hash, and for limits.
 */
export function djangoPairs(options: DjangoPairOptions): TokenKind<User, DjangoPairFacts> {
  checkOptions('djangoPairs', options, OPTIONS)
  const { secret, timeZone = 'UTC', minSecretBytes } = options
  const clock = wholeClock(options.clock)
  const timeoutDays = spanOption(options, 'timeoutDays', 7, 0)
  if (timeoutDays > MAX_DAYS) throw new TypeError(`timeoutDays must be at most ${MAX_DAYS}`)
  const days: Calendar = calendar(timeZone)
  const keys = secretList(secret, minSecretBytes).map((one) => saltedKey('sha1', KEY_SALT, one))
  const tagsOf = (user: User, day: number): string[] =>
    keys.map((key) => everySecond(hmac('sha1', key, `${user.id}${user.password}${day}`).toString('hex')))

  return {
    needsUser: true,

    async issue(user, said) {
      issueOptions(said, clock())
      if (!hasPassword(user))
        throw new ContractViolation('user.password must be a stored hash: the token is bound to it')
      // The ancestor's known answers include an empty id: such a token can be made, and no lookup accepts it.
      if (user.id !== '') userIdText(user)
      const day = days.dayOf(clock())
      return { token: `${day.toString(36)}-${tagsOf(user, day)[0]}`, expiresAt: days.startOf(day + timeoutDays + 1) }
    },

    async verify(offered, find) {
      const read = readToken(offered.token)
      if (read === null || offered.user === undefined) return refuse('invalid')
      const today = days.dayOf(clock())
      if (read.day > today + 1) return refuse('invalid')
      if (today - read.day > timeoutDays) return refuse('expired')

      const found = await find({ id: offered.user })
      if (!found.ok || !hasPassword(found.value)) return refuse('invalid')
      if (!tagsOf(found.value, read.day).some((tag) => equalTexts(tag, read.tag))) return refuse('invalid')
      return accept({ user: found.value, token: { expiresAt: days.startOf(read.day + timeoutDays + 1) } })
    },
  }
}

function hasPassword(user: User): boolean {
  return typeof user.password === 'string' && user.password !== ''
}

function everySecond(digits: string): string {
  let kept = ''
  for (let at = 0; at < digits.length; at += 2) kept += digits[at]
  return kept
}

function readToken(token: string): { day: number; tag: string } | null {
  const dash = token.indexOf('-')
  if (dash < 1 || dash > MAX_DAY_DIGITS) return null
  const day = Number.parseInt(token.slice(0, dash), 36)
  const tag = token.slice(dash + 1)
  return day.toString(36) === token.slice(0, dash) && TAG.test(tag) ? { day, tag } : null
}
