/** A JWS in compact form, read and not yet verified: nothing in it is to be trusted. */
export interface ReadJwt {
  readonly alg: unknown
  readonly kid: string | undefined
  /** The header asks for something that is not supported here: `crit`, `b64`, a `kid` that is not text. */
  readonly asksForMore: boolean
  readonly payload: string
}

/** The most characters that are read, and so issued. */
export const MAX_LENGTH = 8192

/**
 * Reads a JWT strictly, before any cryptography (RFC 8725 §3): three parts in canonical base64url, at most 8192
 * characters, a header that is an object. The signature may be empty, so that `alg: none` is refused by its name. Keys and
 * addresses of keys in the header are not looked at. Null for anything else.
 */
export function readJwt(token: string): ReadJwt | null {
  if (token.length > MAX_LENGTH) return null
  const parts = token.split('.', 4)
  const [header, payload, signature] = parts.map(decode)
  if (parts.length !== 3 || !header?.length || !payload?.length || !signature) return null
  const fields = readObject(header)
  if (fields === null) return null
  const { alg, kid, crit, b64 } = fields
  const asksForMore = crit !== undefined || b64 !== undefined || (kid !== undefined && typeof kid !== 'string')
  return { alg, kid: typeof kid === 'string' ? kid : undefined, asksForMore, payload: payload.toString('utf8') }
}

/** A JSON object without a prototype, or null: all its keys are its own, `__proto__` too, and a polluted `Object.prototype` adds none. */
export function readObject(json: string | Buffer): Record<string, unknown> | null {
  try {
    const data: unknown = JSON.parse(String(json))
    if (typeof data !== 'object' || data === null || Array.isArray(data)) return null
    return Object.setPrototypeOf(data, null) as Record<string, unknown> // what JSON has for an object
  } catch {
    return null // JSON.parse throws for what is not JSON
  }
}

function decode(part: string): Buffer | null {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : null
}
