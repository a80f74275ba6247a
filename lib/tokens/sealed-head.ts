import { ContractViolation } from '../errors.js'
import { MAX_LIMITS, MAX_LIMITS_TEXT, parseSeconds } from '../limits.js'

// Nothing of Node.js may be used in this file: koa-tokenapi/narrow runs in browsers.

/** The head of a sealed pair: `root *("." limit)`, where `root = iat *("~" claim)` is what only the server can say. */
export interface SealedHead {
  readonly root: string
  /** Seconds since 1970. */
  readonly issuedAt: number
  /** The claim "a": when the password was typed. It is left out if that is iat, and 0 if it is not known: then undefined here. */
  readonly loggedInAt: number | undefined
  /** The claim "d": which login the token belongs to, 10 of [0-9a-z]. */
  readonly id: string | undefined
  /** The limits in their text form. Whether each is a limit is not checked: that can wait until the seal is good. */
  readonly limits: readonly string[]
}

/** A token in its parts, read but not proven. */
export interface SealedToken {
  readonly head: SealedHead
  readonly seal: string
  readonly bond: string
}

/** Digits of each of the two tags. */
export const TAG_DIGITS = 32

const TAGS = /^[0-9a-f]{64}$/
const ROOT = /^([0-9a-z]{1,11})(?:~a([0-9a-z]{1,11}))?(?:~d([0-9a-z]{10}))?$/

/** A new head. A login is never later than the token: one that another server's clock has put there counts as now. */
export function newHead(
  issuedAt: number,
  loggedInAt: number,
  id: string | undefined,
  limits: readonly string[],
): SealedHead {
  const d = id === undefined ? '' : `~d${id}`
  const iat = issuedAt.toString(36)
  if (!(loggedInAt < issuedAt)) return { root: iat + d, issuedAt, loggedInAt: issuedAt, id, limits }
  const root = `${iat}~a${loggedInAt.toString(36)}${d}`
  return { root, issuedAt, loggedInAt: loggedInAt === 0 ? undefined : loggedInAt, id, limits }
}

/** Writes a token: head "-" tags. @throws {ContractViolation} with the code ERR_TOO_MANY_LIMITS for a head of more than 1024 characters. */
export function writeToken({ root, limits }: SealedHead, tags: string): string {
  const head = limits.length === 0 ? root : `${root}.${limits.join('.')}`
  if (head.length > MAX_LIMITS_TEXT)
    throw new ContractViolation(`limits make a head of more than ${MAX_LIMITS_TEXT} characters`, 'ERR_TOO_MANY_LIMITS')
  return `${head}-${tags}`
}

/** Reads a token as far as it can be read without a key. Null for any text that is not in the one form, of 8 limits and 1024 characters at most. */
export function readToken(token: string): SealedToken | null {
  const dash = token.length - 2 * TAG_DIGITS - 1
  if (dash < 1 || dash > MAX_LIMITS_TEXT || token[dash] !== '-') return null
  const tags = token.slice(dash + 1)
  const head = TAGS.test(tags) ? readHead(token.slice(0, dash)) : null
  return head === null ? null : { head, seal: tags.slice(0, TAG_DIGITS), bond: tags.slice(TAG_DIGITS) }
}

function readHead(head: string): SealedHead | null {
  const [root = '', ...limits] = head.split('.')
  const [, iat = '', a, id] = ROOT.exec(root) ?? []
  const issuedAt = parseSeconds(iat)
  if (issuedAt === null || limits.length > MAX_LIMITS) return null
  if (a === undefined) return { root, issuedAt, loggedInAt: issuedAt, id, limits }
  const loggedInAt = parseSeconds(a)
  if (loggedInAt === null || loggedInAt >= issuedAt) return null
  return { root, issuedAt, loggedInAt: loggedInAt === 0 ? undefined : loggedInAt, id, limits }
}
