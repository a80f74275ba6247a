import { createHmac, type KeyObject } from 'node:crypto'
import { JOSEError } from 'jose/errors'
import { CompactSign } from 'jose/jws/compact/sign'
import { compactVerify } from 'jose/jws/compact/verify'
import { equalTexts } from '../../crypto.js'
import type { JwtAlgorithm } from './keys.js'

const DIGESTS: Readonly<Partial<Record<JwtAlgorithm, string>>> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }

/** A JWT in compact form (RFC 7515 §7.1) over the text of its claims. */
export async function signJwt(claims: string, header: { readonly alg: string }, key: KeyObject): Promise<string> {
  return new CompactSign(Buffer.from(claims)).setProtectedHeader({ ...header }).sign(key)
}

/**
 * Whether a token is signed with a key (RFC 7515 §5.2). The token must have come through `readJwt`: its parts are canonical
 * base64url, so that one signature has one text, and its header names `algorithm` and asks for nothing more. HMACs are computed
 * here, which takes a few microseconds; `jose` verifies the rest.
 */
export async function isSignedWith(token: string, key: KeyObject, algorithm: JwtAlgorithm): Promise<boolean> {
  const digest = DIGESTS[algorithm]
  if (digest !== undefined) {
    const dot = token.lastIndexOf('.')
    const signature = createHmac(digest, key).update(token.slice(0, dot)).digest('base64url')
    return equalTexts(signature, token.slice(dot + 1))
  }
  try {
    await compactVerify(token, key, { algorithms: [algorithm] })
    return true
  } catch (error) {
    if (error instanceof JOSEError) return false
    throw error
  }
}
