import { createHmac } from 'node:crypto'

/** A part of a JWT: JSON of data, or a text as it stands. */
export function jwtPart(data: unknown): string {
  return Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)).toString('base64url')
}

/** What somebody who has the secret can sign (RFC 7515 §7.1), however wrong it is. */
export function forgedJwt(secret: string, claims: unknown, header: unknown = { alg: 'HS256', typ: 'JWT' }): string {
  const signed = `${jwtPart(header)}.${jwtPart(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
