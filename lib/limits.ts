import { ContractViolation, InternalError } from './errors.js'
import { accept, type Refused, refuse } from './verdict.js'

// Nothing of Node.js may be used in this file: it also runs in browsers, where koa-tokenapi/narrow narrows tokens.

/**
 * What a token may be used for. What is absent is not limited. Several limits of one token hold together, so each one can only
 * take something away.
 */
export interface Limits {
  /** Seconds since 1970; the token is good before this second only. */
  readonly expiresAt?: number
  /** 1 to 32 scope-tokens of RFC 6749 §3.3: routes that need one of these, or several, and no other. */
  readonly scopes?: readonly string[]
  /** 1 to 16 methods in upper case. GET allows HEAD. */
  readonly methods?: readonly string[]
  /** An absolute path (RFC 3986 §3.3) as it is sent: this path only, or also what is below it if it ends with "/". */
  readonly path?: string
}

/** What a route needs of a token. */
export interface Needs {
  /** Scope-tokens with one space between, or a list of them: all are needed. */
  readonly scope?: string | readonly string[]
  /** Seconds, 0 or more: the password was typed at most this long ago (RFC 9470). */
  readonly maxAge?: number
}

/** `Needs` that were checked at start-up. */
export interface CheckedNeeds {
  readonly scopes?: readonly string[]
  readonly maxAge?: number
}

/** A request as limits see it. */
export interface LimitedRequest {
  /** The method on which the router dispatches. */
  readonly method: string
  /** The request target as it arrived, before any rewriting. The query, if it has one, does not count. */
  readonly path: string
  /** Whether the request asks for another protocol (the header `Upgrade`), such as a WebSocket. */
  readonly upgrade?: boolean
}

/** The facts of a token that say what it may be used for. */
export interface LimitedToken {
  readonly limits?: readonly Limits[]
  readonly loggedInAt?: number
}

/** What a verified token is about to be used for. What is not known (`request`, `needs`) is not allowed to a token that is limited in it. */
export interface Use {
  readonly request?: LimitedRequest
  readonly needs?: CheckedNeeds
  readonly now: number
}

export const MAX_LIMITS = 8
export const MAX_LIMITS_TEXT = 1024 // characters of a head with its limits, or of the column of a stored token

const MAX_TEXT = 512 // bytes
const MAX_SCOPES = 32
const MAX_METHODS = 16
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/ // RFC 6749 §3.3
const METHOD = /^[A-Z][A-Z-]*$/
const SECONDS = /^(?:0|[1-9a-z][0-9a-z]{0,10})$/
/** Segments of pchar and whole %-triplets, but no empty one within, no "." or "..", and nothing that a server may decode to one of these. */
const PATH = /^(?:\/(?!\/|\.{1,2}(?:\/|$))(?:[\w.~!$&'()*+,;=:@-]|%(?!2[ef]|5c)[\da-f]{2})*)+$/i

const LIMIT_NAMES = ['expiresAt', 'scopes', 'methods', 'path'] as const
const NEED_NAMES = ['scope', 'maxAge'] as const

/**
 * A limits object, checked: a copy with its lists sorted and without repetitions.
 *
 * @throws {ContractViolation} with the code ERR_INVALID_LIMITS unless it has own properties of the four names only, at least one,
 *   and each of them has a text form. `scope` for `scopes`, `undefined` and an empty list are errors, never "not limited".
 */
export function checkedLimits(limits: unknown): Limits {
  const given = ownProperties(limits, LIMIT_NAMES)
  const has = (name: (typeof LIMIT_NAMES)[number]): boolean => given !== null && Object.hasOwn(given, name)
  if (given === null || (has('expiresAt') && !isSeconds(given['expiresAt'])) || (has('path') && !isPath(given['path'])))
    throw notLimits()
  return {
    ...(has('expiresAt') && { expiresAt: given['expiresAt'] as number }), // isSeconds and isPath have just said so
    ...(has('scopes') && { scopes: checkedList(given['scopes'], SCOPE, MAX_SCOPES) }),
    ...(has('methods') && { methods: checkedList(given['methods'], METHOD, MAX_METHODS) }),
    ...(has('path') && { path: given['path'] as string }),
  }
}

/**
 * The needs of a route, checked at start-up; a route without needs passes no object.
 *
 * @throws {ContractViolation} with the code ERR_INVALID_NEEDS unless it has own properties of the two names only, at least one, and
 *   each of them can be checked. A Koa context is not one, so that `router.get(path, tokenRequired, handler)` fails.
 */
export function checkedNeeds(needs: unknown): CheckedNeeds {
  const given = ownProperties(needs, NEED_NAMES)
  if (given === null) throw notNeeds()
  const scopes = Object.hasOwn(given, 'scope') ? scopeList(given['scope']) : undefined
  const maxAge = Object.hasOwn(given, 'maxAge') ? given['maxAge'] : undefined
  if (scopes === null || (Object.hasOwn(given, 'maxAge') && !isSeconds(maxAge))) throw notNeeds()
  return { ...(scopes && { scopes }), ...(maxAge !== undefined && { maxAge: maxAge as number }) } // isSeconds has just said so
}

/** The scope-tokens of a text with one space between them, or of a list; null for anything else, an empty text or list included. */
export function scopeList(scope: unknown): readonly string[] | null {
  const list: readonly unknown[] = typeof scope === 'string' ? scope.split(' ') : Array.isArray(scope) ? [...scope] : []
  return list.length > 0 && list.every((one): one is string => isText(one, SCOPE)) ? list : null
}

/**
 * Limits in their text form, in which they stand in the head of a token: "e", "s", "m" or "p", and the value. One object with
 * several properties is several texts, in this order.
 *
 * @param carries The letters of the limits that the kind of token has a place for.
 * @throws {ContractViolation} with a code: ERR_INVALID_LIMITS as `checkedLimits`, ERR_TOO_MANY_LIMITS for more than 8 texts,
 *   ERR_LIMIT_NOT_SUPPORTED_BY_KIND for one that the kind cannot carry.
 */
export function limitTexts(limits: readonly Limits[], carries = 'esmp'): readonly string[] {
  if (!Array.isArray(limits)) throw new ContractViolation('limits must be a list of limits', 'ERR_INVALID_LIMITS')
  const texts = [...(limits as readonly unknown[])].flatMap((one) => textsOf(checkedLimits(one)))
  if (texts.length > MAX_LIMITS)
    throw new ContractViolation(`a token has at most ${MAX_LIMITS} limits`, 'ERR_TOO_MANY_LIMITS')
  if (!texts.every((text) => carries.includes(text.charAt(0))))
    throw new ContractViolation(
      'limits: this kind of token has no place for one of them',
      'ERR_LIMIT_NOT_SUPPORTED_BY_KIND',
    )
  return texts
}

/** Reads one limit from its text form; null unless it is the one form in which that limit is written. */
export function parseLimit(text: string): Limits | null {
  const value = text.slice(1)
  switch (text.charAt(0)) {
    case 'e': {
      const expiresAt = parseSeconds(value)
      return expiresAt === null ? null : { expiresAt }
    }
    case 's': {
      const scopes = parseList(value, SCOPE, MAX_SCOPES)
      return scopes === null ? null : { scopes }
    }
    case 'm': {
      const methods = parseList(value, METHOD, MAX_METHODS)
      return methods === null ? null : { methods }
    }
    case 'p': {
      const path = fromBase64url(value)
      return isPath(path) ? { path } : null
    }
    default:
      return null
  }
}

/** Reads limits from their text forms, in order; null if one of them cannot be read. */
export function parseLimits(texts: readonly string[]): readonly Limits[] | null {
  const limits: Limits[] = []
  for (const text of texts) {
    const limit = parseLimit(text)
    if (limit === null) return null
    limits.push(limit)
  }
  return limits
}

/** Seconds in base 36, in the one form in which they are written: at most 2^53 − 1, no leading zero. Null for anything else. */
export function parseSeconds(text: string): number | null {
  const seconds = SECONDS.test(text) ? Number.parseInt(text, 36) : NaN
  return Number.isSafeInteger(seconds) ? seconds : null
}

/**
 * The column `limits` of a stored token: the texts, each after a ".", and a final "." so that a text that was cut is not read as
 * fewer limits. Null for a token without limits.
 *
 * @throws {ContractViolation} as `limitTexts`, and with the code ERR_TOO_MANY_LIMITS for a text of more than 1024 characters.
 */
export function limitsColumn(limits: readonly Limits[]): string | null {
  const texts = limitTexts(limits)
  const column = `.${texts.join('.')}.`
  if (column.length > MAX_LIMITS_TEXT)
    throw new ContractViolation(`limits take more than ${MAX_LIMITS_TEXT} characters`, 'ERR_TOO_MANY_LIMITS')
  return texts.length === 0 ? null : column
}

/** Reads the column `limits`. @throws {InternalError} for anything but null (not limited) and a text that `limitsColumn` writes. */
export function parseLimitsColumn(column: unknown): readonly Limits[] {
  if (column === null) return []
  const isWhole = typeof column === 'string' && /^\..+\.$/s.test(column) && column.length <= MAX_LIMITS_TEXT
  const texts = isWhole ? column.slice(1, -1).split('.') : []
  const limits = texts.length > MAX_LIMITS ? null : parseLimits(texts)
  if (limits === null || limits.length === 0)
    throw new InternalError('the column limits of a stored token must be null or a whole text of limits', 'ERR_SCHEMA')
  return limits
}

/** What several limits allow together, as one; null if that is nothing. */
export function meet(limits: readonly Limits[]): Limits | null {
  let met: Limits = {}
  for (const limit of limits) {
    const scopes = common(met.scopes, limit.scopes)
    const methods = common(met.methods && withHead(met.methods), limit.methods && withHead(limit.methods))
    const path = narrowerPath(met.path, limit.path)
    if (scopes?.length === 0 || methods?.length === 0 || path === null) return null
    const expiresAt = Math.min(met.expiresAt ?? Infinity, limit.expiresAt ?? Infinity)
    met = {
      ...(expiresAt !== Infinity && { expiresAt }),
      ...(scopes && { scopes }),
      ...(methods && { methods: methods.includes('GET') ? methods.filter((one) => one !== 'HEAD') : methods }),
      ...(path !== undefined && { path }),
    }
  }
  return met
}

/**
 * Whether every limit allows a request to a route that needs `scopes`. The end of a token is not looked at: kinds of tokens check
 * it. A request that is not known is within no method or path limit, and a route that names no scope is within no scope limit.
 */
export function allows(
  limits: readonly Limits[],
  request: LimitedRequest | undefined,
  scopes: readonly string[] | undefined,
): boolean {
  return limits.every(
    (limit) =>
      (limit.scopes === undefined || hasScopes(limit.scopes, scopes)) &&
      (limit.methods === undefined || isMethodWithin(limit.methods, request)) &&
      (limit.path === undefined || isTargetWithin(limit.path, request)),
  )
}

/**
 * Whether a verified token may be used so: its limits first (`insufficient_scope`), then `maxAge`
 * (`insufficient_user_authentication`). An unknown time of login is not recent.
 */
export function permit<T extends LimitedToken>(
  token: T,
  use: Use,
): { readonly ok: true; readonly value: T } | Refused<'insufficient_scope' | 'insufficient_user_authentication'> {
  const { request, needs = {}, now } = use
  if (!allows(token.limits ?? [], request, needs.scopes)) return refuse('insufficient_scope')
  const { maxAge } = needs
  const loggedInAt = Object.hasOwn(token, 'loggedInAt') ? token.loggedInAt : undefined
  if (maxAge !== undefined && !(now - (loggedInAt ?? NaN) <= maxAge)) return refuse('insufficient_user_authentication')
  return accept(token)
}

/** Whether these are the limits of a link, which may stand in a log: an end, a path, and GET as the only method. */
export function isLink(limits: readonly Limits[]): boolean {
  return (
    limits.some(({ expiresAt }) => expiresAt !== undefined) &&
    limits.some(({ path }) => path !== undefined) &&
    limits.some(({ methods }) => methods?.length === 1 && methods[0] === 'GET')
  )
}

function textsOf({ expiresAt, scopes, methods, path }: Limits): string[] {
  return [
    ...(expiresAt === undefined ? [] : [`e${expiresAt.toString(36)}`]),
    ...(scopes === undefined ? [] : [`s${toBase64url(scopes.join(' '))}`]),
    ...(methods === undefined ? [] : [`m${toBase64url(methods.join(' '))}`]),
    ...(path === undefined ? [] : [`p${toBase64url(path)}`]),
  ]
}

function notLimits(): ContractViolation {
  return new ContractViolation(
    'limits must be an object with expiresAt, scopes, methods or path and nothing else, each with a text form',
    'ERR_INVALID_LIMITS',
  )
}

function notNeeds(): ContractViolation {
  return new ContractViolation(
    'needs must be an object with scope or maxAge and nothing else: { scope: "orders:read", maxAge: 300 }',
    'ERR_INVALID_NEEDS',
  )
}

/** The own properties of an object, each read once; null if one has another name or is undefined, is only inherited, or none is there. */
function ownProperties(value: unknown, names: readonly string[]): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'object' || value === null) return null
  const own = Reflect.ownKeys(value)
  if (own.length === 0 || !own.every((key) => typeof key === 'string' && names.includes(key))) return null
  if (names.some((name) => name in value && !Object.hasOwn(value, name))) return null
  const entries = own.map((key) => [key, (value as Readonly<Record<PropertyKey, unknown>>)[key]] as const) // it has each key
  return entries.some(([, one]) => one === undefined) ? null : Object.fromEntries(entries)
}

function checkedList(value: unknown, shape: RegExp, most: number): readonly string[] {
  // Spread, so that the holes of a list are seen as the undefined that they are.
  const list: readonly unknown[] = Array.isArray(value) ? [...value] : []
  const texts = list.filter((one): one is string => isText(one, shape))
  const sorted = [...new Set(texts)].toSorted()
  const isWhole = texts.length === list.length && sorted.length > 0 && sorted.length <= most
  if (!isWhole || sorted.join(' ').length > MAX_TEXT) throw notLimits()
  return sorted
}

function parseList(value: string, shape: RegExp, most: number): readonly string[] | null {
  const list = fromBase64url(value)?.split(' ') ?? []
  const isInOrder = list.every((one, at) => isText(one, shape) && (at === 0 || (list[at - 1] ?? '') < one))
  return list.length > 0 && list.length <= most && isInOrder ? list : null
}

function isText(value: unknown, shape: RegExp): value is string {
  return typeof value === 'string' && shape.test(value)
}

function isSeconds(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 // isSafeInteger has just said so
}

function isPath(value: unknown): value is string {
  return isText(value, PATH) && value.length <= MAX_TEXT
}

function hasScopes(scopes: readonly string[], needed: readonly string[] = []): boolean {
  return needed.length > 0 && needed.every((one) => scopes.includes(one))
}

/** A request to change the protocol is within no method limit: a socket that GET has opened can write. */
function isMethodWithin(methods: readonly string[], request: LimitedRequest | undefined): boolean {
  if (request === undefined || request.upgrade === true || request.method === 'CONNECT') return false
  return methods.includes(request.method) || (request.method === 'HEAD' && methods.includes('GET'))
}

/** Byte for byte, and only for a target that every router reads in one way: Koa routes `/files/1#/../x` as `/files/1`, for example. */
function isTargetWithin(limit: string, request: LimitedRequest | undefined): boolean {
  if (request === undefined) return false
  const query = request.path.indexOf('?')
  const path = query === -1 ? request.path : request.path.slice(0, query)
  return isPathWithin(limit, path) && PATH.test(path)
}

function isPathWithin(limit: string, path: string): boolean {
  return path === limit || (limit.endsWith('/') && path.startsWith(limit))
}

function narrowerPath(a: string | undefined, b: string | undefined): string | undefined | null {
  if (a === undefined || b === undefined) return a ?? b
  if (isPathWithin(a, b)) return b
  return isPathWithin(b, a) ? a : null
}

function withHead(methods: readonly string[]): readonly string[] {
  return methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'].toSorted() : methods
}

function common(a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined {
  return a === undefined || b === undefined ? (a ?? b) : a.filter((one) => b.includes(one))
}

/** Base64url without padding (RFC 4648 §5) of a text whose characters are bytes. */
function toBase64url(text: string): string {
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Whole groups, then a last one whose loose bits are 0. */
const BASE64URL = /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/

/** The bytes as text, one character each; null unless this is the one form in which they are written, or for more than 512 bytes. */
function fromBase64url(encoded: string): string | null {
  if (encoded.length > Math.ceil((MAX_TEXT * 4) / 3) || !BASE64URL.test(encoded)) return null
  return atob(encoded.replaceAll('-', '+').replaceAll('_', '/'))
}
