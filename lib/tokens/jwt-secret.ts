/** What is wrong with an HS secret, to be said after its option's name; null for a good one. It does not quote the secret. */
export function flawOf(secret: unknown, minBytes: number): string | null {
  if (typeof secret !== 'string' || !secret.isWellFormed()) return 'must be a well-formed string'
  if (Buffer.byteLength(secret) < minBytes) return `must have at least ${minBytes} bytes (minSecretBytes)`
  return looksAsymmetric(secret) ? 'must not be a PEM or DER key: a public key is no secret' : null
}

function looksAsymmetric(secret: string): boolean {
  if (/-----BEGIN |^ssh-/.test(secret)) return true
  const bytes = Buffer.from(secret, 'base64')
  // DER: a SEQUENCE that is as long as it says, in two bytes, one or none (X.690 §8.1.3): certificates and keys of any kind.
  const [tag, length = 0, next] = bytes
  const isWhole =
    (length === 0x82 && bytes.length > 4 && bytes.readUInt16BE(2) === bytes.length - 4) ||
    (length === 0x81 && next === bytes.length - 3) ||
    length === bytes.length - 2
  return /^[A-Za-z0-9+/=_\s-]+$/.test(secret) && tag === 0x30 && isWhole
}
