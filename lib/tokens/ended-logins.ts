import { InternalError } from '../errors.js'
import { parseSeconds } from '../limits.js'

// `endedLogins` is one text on the user's row, which every request reads anyway: entries `id:until` with one space between.
// What is not a whole entry ends nothing and breaks nothing. An entry counts as long as it stands there.

/** An entry that ends a login; from `until` on no token of that login is left, so that the entry can be dropped. */
export function endedEntry(id: string, until: number): string {
  return `${id}:${until.toString(36)}`
}

/**
 * Whether a login was ended.
 *
 * @throws {InternalError} for a value that is neither text nor null nor absent.
 */
export function isEnded(endedLogins: unknown, id: string): boolean {
  if (endedLogins === undefined || endedLogins === null) return false
  if (typeof endedLogins !== 'string')
    throw new InternalError('endedLogins of a user must be text or null', 'ERR_SCHEMA')
  const start = `${id}:`
  for (let at = endedLogins.indexOf(start); at !== -1; at = endedLogins.indexOf(start, at + 1)) {
    if (at > 0 && endedLogins[at - 1] !== ' ') continue
    const space = endedLogins.indexOf(' ', at)
    const entry = endedLogins.slice(at, space === -1 ? undefined : space)
    if (untilOf(entry) !== null) return true
  }
  return false
}

/** The entries that still count at `now`: whole ones that are not over. Null if none is left. */
export function keptEntries(endedLogins: string, now: number): string | null {
  const kept = endedLogins.split(' ').filter((entry) => {
    const until = untilOf(entry)
    return until !== null && now < until
  })
  return kept.length === 0 ? null : kept.join(' ')
}

function untilOf(entry: string): number | null {
  return /^[0-9a-z]{10}:/.test(entry) ? parseSeconds(entry.slice(11)) : null
}
