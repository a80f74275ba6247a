import { systemClock, wholeSpan } from './clock.js'
import { ContractViolation, InternalError } from './errors.js'
import { checkedLimits, type Limits, limitTexts, MAX_LIMITS, parseLimits } from './limits.js'
import { readToken, type SealedToken, writeToken } from './tokens/sealed-head.js'
import { idText, isUserId } from './user.js'

// Nothing of Node.js may be used in this file, nor in what it imports: it runs in browsers and workers, too.

export type { Limits } from './limits.js'

/** How long a link is good, and what is put around its path. */
export interface LinkOptions {
  /** Whole seconds from now on, by the clock of this machine. */
  readonly seconds: number
  /** Put before the path, 'https://api.example.org' for example; '' by default. It is not part of what the link is limited to. */
  readonly base?: string
  /** The scopes that the link keeps; by default those of the token. */
  readonly scopes?: readonly string[]
}

/**
 * Narrows a sealed pair, without the server and without any key: the new token can do what both the old one and `limits` allow. It
 * ends with the old one. The old one cannot be had back from the new one.
 *
 * A token that is lent should also get `expiresAt`: one that is only limited in its scopes can be renewed, limits included, until
 * `renewDays` after the login. Whether the token is genuine is not checked here. WebCrypto is needed, which browsers have only in
 * secure contexts (https, or localhost).
 *
 * @param token A token, or `<user>.<token>` as it stands in a Bearer header; the result is of the same form.
 * @throws {TypeError} with a code: ERR_INVALID_LIMITS for limits that have no text form (see `Limits`), ERR_TOO_MANY_LIMITS for a ninth
 *   limit or a head of more than 1024 characters, ERR_INVALID_TOKEN for anything but a sealed pair.
 * @throws {Error} with the code ERR_INSECURE_CONTEXT if there is no WebCrypto.
 */
export async function narrow(token: string, limits: Limits): Promise<string> {
  const added = limitTexts([checkedLimits(limits)])
  const plain = readSealed(token)
  const dot = plain === null && typeof token === 'string' && /^[\w-]{1,200}\./.test(token) ? token.indexOf('.') + 1 : 0
  const sealed = plain ?? (dot === 0 ? null : readSealed(token.slice(dot)))
  if (sealed === null) throw notSealed()
  return (dot === 0 ? '' : token.slice(0, dot)) + (await narrowed(sealed, added))
}

/**
 * A URL that may be handed out and may stand in a log: it allows GET (and HEAD) of one path, or of what is below it if the path ends
 * with "/", for some seconds. The server reads it with `params({ query: 'links' })`.
 *
 * @param offered A user's id and a token, for example the response of a login.
 * @param path The path as the server receives it. It may have no query: what a link is for must stand in its path.
 * @throws what `narrow` throws, and {TypeError} with the code ERR_INVALID_LIMITS for wrong options or a user that has no id.
 */
export async function link(
  offered: { readonly user: string | number | bigint; readonly token: string },
  path: string,
  options: LinkOptions,
): Promise<string> {
  const { seconds, base, scopes } = checkedOptions(options)
  const added = limitTexts([
    checkedLimits({
      expiresAt: systemClock() + seconds,
      methods: ['GET'],
      path,
      ...(scopes !== undefined && { scopes }),
    }),
  ])
  const user = idText(offered?.user) // callers without types may pass anything
  if (user === null || !isUserId(user))
    throw new ContractViolation('user must be the id of a user', 'ERR_INVALID_TOKEN')
  const sealed = readSealed(offered.token)
  if (sealed === null) throw notSealed()
  return `${base}${path}?user=${encodeURIComponent(user)}&token=${await narrowed(sealed, added)}`
}

/** @throws {ContractViolation} unless the options have own properties of their names only, none of them undefined. */
function checkedOptions(options: LinkOptions): { seconds: number; base: string; scopes?: readonly string[] } {
  const names: readonly PropertyKey[] = ['seconds', 'base', 'scopes']
  const given: LinkOptions = { ...options }
  const isStrict = Reflect.ownKeys(given).every((key) => names.includes(key) && Reflect.get(given, key) !== undefined)
  const { seconds, base = '', ...rest } = given
  if (!isStrict || typeof base !== 'string' || /[?#\s]/.test(base))
    throw new ContractViolation('link takes seconds, base (without "?" and "#") and scopes', 'ERR_INVALID_LIMITS')
  return { seconds: wholeSpan('seconds', seconds), base, ...rest }
}

/** A token that can be narrowed, in its parts; null for anything else. */
function readSealed(token: unknown): SealedToken | null {
  const sealed = typeof token === 'string' ? readToken(token) : null
  return sealed === null || parseLimits(sealed.head.limits) === null ? null : sealed
}

async function narrowed({ head, seal, bond }: SealedToken, added: readonly string[]): Promise<string> {
  const limits = [...head.limits, ...added]
  if (limits.length > MAX_LIMITS)
    throw new ContractViolation(`a token has at most ${MAX_LIMITS} limits`, 'ERR_TOO_MANY_LIMITS')
  return writeToken({ ...head, limits }, (await chain(seal, added)) + (await chain(bond, added)))
}

/** Each tag is the first 16 bytes of HMAC-SHA-256 of the field of a limit, with the tag before as the key. */
async function chain(tag: string, limits: readonly string[]): Promise<string> {
  const subtle = globalThis.crypto?.subtle // missing in browsers on plain http
  if (subtle === undefined)
    throw new InternalError(
      'WebCrypto is missing: a browser has it only on https and localhost',
      'ERR_INSECURE_CONTEXT',
    )
  let bytes = Uint8Array.from(tag.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16))
  for (const limit of limits) {
    const key = await subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    const field = new TextEncoder().encode(`${limit.length}:${limit}`) // ASCII, so its length is that of its bytes
    bytes = new Uint8Array(await subtle.sign('HMAC', key, field)).slice(0, bytes.length)
  }
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function notSealed(): ContractViolation {
  return new ContractViolation('token must be a sealed pair, or <user>.<token> as Bearer has it', 'ERR_INVALID_TOKEN')
}
