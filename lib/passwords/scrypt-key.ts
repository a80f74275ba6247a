import { scrypt as nodeScrypt } from 'node:crypto'
import { promisify } from 'node:util'

/** The costs of scrypt (RFC 7914), by its letters. */
export interface ScryptCosts {
  readonly N: number
  readonly r: number
  readonly p: number
}

const MAX_MEMORY = 256 * 1024 * 1024
const MAX_PARALLELIZATION = 16

const derive = promisify<string, string | Buffer, number, object, Buffer>(nodeScrypt)

/** `length` bytes of scrypt. Node's default ceiling of 32 MiB refuses N = 2^15 with r = 8, so it is derived from the costs. */
export function scryptKey(
  password: string,
  salt: string | Buffer,
  length: number,
  { N, r, p }: ScryptCosts,
): Promise<Buffer> {
  return derive(password, salt, length, { N, r, p, maxmem: memory({ N, r, p }) + 1024 * 1024 })
}

/** Whether a login can afford them: N is a power of two, up to 256 MiB, p up to 16. */
export function isAffordable(costs: ScryptCosts): boolean {
  const { N, r, p } = costs
  if (![N, r, p].every((one) => Number.isSafeInteger(one) && one >= 1)) return false
  if (N < 2 || !Number.isInteger(Math.log2(N))) return false
  // RFC 7914 §2 has N below 2^(16 r), and OpenSSL throws for other ones.
  return N < 2 ** (16 * r) && p <= MAX_PARALLELIZATION && memory(costs) <= MAX_MEMORY
}

function memory({ N, r, p }: ScryptCosts): number {
  return 128 * r * (N + p + 2)
}
