import type { KeyObject } from 'node:crypto'
import { inflateSync } from 'node:zlib'
import { type Clock, isInFuture, spanOption, wholeClock } from '../clock.js'
import { deriveKey, equalTexts, field, hmac, saltedKey, type Secret, secretList } from '../crypto.js'
import { ContractViolation } from '../errors.js'
import { asciiJsonText } from '../json-text.js'
import { type User, userIdText } from '../user.js'
import { accept, refuse } from '../verdict.js'
import { type BoundTo, boundToOption, bumpBoundEpoch, issueBond, verifyBond } from './bond.js'
import { issueOptions } from './issue-options.js'
import type { TokenKind } from './token-kind.js'
import { checkOptions, type OptionNames } from '../option-names.js'

export interface SignedTokenOptions<U extends User = User> {
  /** Django's SECRET_KEY, or up to five: the first issues, all verify. */
  readonly secret: Secret
  /** Seconds after which a token is too old; 1209600 (14 days), Django's SESSION_COOKIE_AGE. */
  readonly maxAge?: number
  /** 'nap_token.auth'. */
  readonly salt?: string
  /** Django's AUTHENTICATION_BACKENDS: the first is written, all are accepted; 'django.contrib.auth.backends.ModelBackend'. */
  readonly backend?: string | readonly string[]
  /** Reads signatures of Django before 3.1 too; false. */
  readonly sha1?: boolean
  /** Values that end a user's tokens when they change; none by default, as in the ancestor, which cannot read tokens that are bound. */
  readonly boundTo?: BoundTo<U>
  readonly minSecretBytes?: number
  readonly clock?: Clock
}

export interface SignedFacts {
  issuedAt: number
  expiresAt: number
}

const TWO_WEEKS = 14 * 24 * 60 * 60
const MAX_TOKEN = 4096
const MAX_PAYLOAD = 4096
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const STAMP = /^[0-9A-Za-z]{1,8}$/
/** The id is read from the text: a JavaScript number would round what is above 2^53. */
const PAYLOAD = /^\[\s*(?:(0|[1-9][0-9]{0,18})|"(?:[^"\\]|\\.)*")\s*,/

/** The names of the options. */
export const SIGNED_TOKEN_OPTIONS = {
  secret: true,
  maxAge: true,
  salt: true,
  backend: true,
  sha1: true,
  boundTo: true,
  minSecretBytes: true,
  clock: true,
} as const satisfies OptionNames<SignedTokenOptions>

/**
 * nap-token-auth's token: `django.core.signing` over [user id, backend], with a time, nothing stored. Written and read byte
 * for byte; compressed values are read, and not written.
 *
 * Nothing is decoded before its signature is checked. A token is valid for `maxAge` seconds, the last one included; one from
 * more than 60 s in the future is `invalid`. Without `boundTo` a token outlives a changed password: only `maxAge` ends it, and
 * `revokeAll` is left out. A token has no place for limits or the time of the login.
 *
 * @throws {TypeError} at start-up for a wrong option; from `issue`, one that names `boundTo`, for values that no token can be
 *   bound to, and for limits.
 */
export function signedTokens<U extends User = User>(options: SignedTokenOptions<U>): TokenKind<U, SignedFacts> {
  checkOptions('signedTokens', options, SIGNED_TOKEN_OPTIONS)
  const { secret, salt = 'nap_token.auth', sha1 = false, boundTo, minSecretBytes } = options
  const { backend = 'django.contrib.auth.backends.ModelBackend' } = options
  const backends = typeof backend === 'string' ? [backend] : [...backend]
  const clock = wholeClock(options.clock)
  const maxAge = spanOption(options, 'maxAge', TWO_WEEKS)
  if (typeof sha1 !== 'boolean') throw new TypeError('sha1 must be true or false')
  if (!isName(salt)) throw new TypeError('salt must be a non-empty string')
  if (backends.length === 0 || !backends.every(isName))
    throw new TypeError('backend must be a non-empty string, or several')
  if (boundTo !== undefined) boundToOption(boundTo)
  const secrets = secretList(secret, minSecretBytes)
  const bondKeys = secrets.map((one) => deriveKey(one, field('koa-tokenapi/signed-bond/1') + field(salt)))
  const signers = secrets.flatMap((one, at) => {
    const bondKey = bondKeys[at] as KeyObject // one for each secret
    const sha256 = { algorithm: 'sha256' as const, key: saltedKey('sha256', `${salt}signer`, one), bondKey }
    const older = { algorithm: 'sha1' as const, key: saltedKey('sha1', `${salt}signer`, one), bondKey }
    return sha1 ? [sha256, older] : [sha256]
  })
  type Signer = (typeof signers)[number]
  const sign = ({ algorithm, key }: Signer, value: string): string => hmac(algorithm, key, value).toString('base64url')
  const bondOf = ({ bondKey }: Signer, id: string, issuedAt: number, bound: string): string =>
    hmac('sha256', bondKey, field(id) + field(String(issuedAt)) + bound)
      .subarray(0, 16)
      .toString('hex')

  const kind: TokenKind<U, SignedFacts> = {
    async issue(user, said) {
      const id = userIdText(user)
      const signer = signers[0] as Signer // secretList never returns an empty list
      const issuedAt = clock()
      issueOptions(said, issuedAt)
      const payload: unknown[] = [user.id, backends[0]]
      if (boundTo !== undefined) {
        payload.push(issueBond(user, boundTo, (bound) => bondOf(signer, id, issuedAt, bound)))
      }
      const value = `${Buffer.from(asciiJsonText(payload)).toString('base64url')}:${toBase62(issuedAt)}`
      const token = `${value}:${sign(signer, value)}`
      if (token.length > MAX_TOKEN)
        throw new ContractViolation(`user.id and backend make a token of more than ${MAX_TOKEN} characters`)
      return { token, issuedAt, expiresAt: issuedAt + maxAge + 1 }
    },

    async verify(offered, find) {
      const { token } = offered
      const colon = token.lastIndexOf(':')
      if (token.length > MAX_TOKEN || colon < 0) return refuse('invalid')
      const value = token.slice(0, colon)
      const signature = token.slice(colon + 1)
      const signer = signers.find((one) => equalTexts(sign(one, value), signature))
      if (signer === undefined) return refuse('invalid')

      const stamp = value.slice(value.lastIndexOf(':') + 1)
      const payload = readPayload(value.slice(0, -stamp.length - 1))
      if (!STAMP.test(stamp) || payload === null) return refuse('invalid')
      const [id, writtenBackend, bond] = payload
      if (!backends.includes(writtenBackend) || (bond === undefined) !== (boundTo === undefined))
        return refuse('invalid')
      const issuedAt = fromBase62(stamp)
      const now = clock()
      if (isInFuture(issuedAt, now)) return refuse('invalid')
      if (!(now - issuedAt <= maxAge)) return refuse('expired')

      const user = await find({ id })
      if (!user.ok) return { ...user, genuine: true }
      if (boundTo !== undefined) {
        const mac = (bound: string): string => bondOf(signer, id, issuedAt, bound)
        if (!verifyBond(bond, user.value, boundTo, mac)) return { ...refuse('revoked'), genuine: true }
      }
      return accept({ user: user.value, token: { issuedAt, expiresAt: issuedAt + maxAge + 1 } })
    },
  }
  if (boundTo === undefined) return kind
  return {
    ...kind,
    revokeAll: (user, bumpEpoch) => bumpBoundEpoch(user, boundTo, bumpEpoch),
  }
}

function isName(text: unknown): boolean {
  return typeof text === 'string' && text !== ''
}

/** The content of a signed payload: [id, backend] or [id, backend, bond]; a leading dot marks zlib. Null for anything else that was signed. */
function readPayload(encoded: string): [id: string, backend: string, bond?: string] | null {
  try {
    const isCompressed = encoded.startsWith('.')
    const bytes = Buffer.from(isCompressed ? encoded.slice(1) : encoded, 'base64url')
    const text = (isCompressed ? inflateSync(bytes, { maxOutputLength: MAX_PAYLOAD }) : bytes).toString('utf8')
    const data: unknown = JSON.parse(text)
    if (!Array.isArray(data) || data.length < 2 || data.length > 3) return null
    const [first, backend, bond] = data as readonly unknown[]
    const id = typeof first === 'string' ? first : PAYLOAD.exec(text)?.[1]
    if (id === undefined || typeof backend !== 'string') return null
    if (bond === undefined) return [id, backend]
    return typeof bond === 'string' ? [id, backend, bond] : null
  } catch {
    return null // JSON.parse and inflateSync throw for what they cannot read
  }
}

function toBase62(number: number): string {
  let digits = ''
  for (let rest = number; rest > 0; rest = Math.floor(rest / 62)) digits = `${BASE62[rest % 62]}${digits}`
  return digits === '' ? '0' : digits
}

function fromBase62(digits: string): number {
  let number = 0
  for (const digit of digits) number = number * 62 + BASE62.indexOf(digit)
  return number
}
