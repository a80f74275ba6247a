import { join, parse } from 'node:path'
import type { Knex } from 'knex'
import { DATA, databaseSettings, EXAMPLE_FILE } from './database.js'
import { keptSecret } from './secret.js'

/** What the environment says. */
export interface Settings {
  readonly port: number
  readonly database: Knex.Config
  /** Whether the demo user is added: by default only to the example's own SQLite file, and not in production. */
  readonly seedDemo: boolean
  readonly redisUrl: string | undefined
  readonly proxies: number
}

type Environment = Readonly<Record<string, string | undefined>>

const SECRET_BYTES = 32

/** @throws {TypeError} that names the variable that is wrong; its message does not contain the value of a URL. */
export function readSettings(env: Environment): Settings {
  const database = databaseSettings(env.DATABASE_URL)
  const isOwnFile = fileOf(database) === EXAMPLE_FILE
  return {
    port: wholeNumber('PORT', env.PORT, 3000, 65535),
    database,
    seedDemo: switched('SEED_DEMO', env.SEED_DEMO, isOwnFile && env.NODE_ENV !== 'production'),
    redisUrl: redisUrl(env.REDIS_URL),
    proxies: wholeNumber('TRUST_PROXY', env.TRUST_PROXY, 0),
  }
}

/**
 * TOKEN_SECRET, or the secret that is kept beside the SQLite file, or in the example's data for a database server.
 *
 * @throws {TypeError} for a secret that is too short. A file that cannot be read or written rejects with the system's error.
 */
export async function secretOf(env: Environment, database: Knex.Config): Promise<{ secret: string; from: string }> {
  const from = env.TOKEN_SECRET === undefined ? secretFile(database) : 'TOKEN_SECRET'
  const secret = env.TOKEN_SECRET ?? (await keptSecret(from))
  if (Buffer.byteLength(secret) < SECRET_BYTES) {
    throw new TypeError(`${from} must hold a secret of at least ${SECRET_BYTES} bytes`)
  }
  return { secret, from }
}

function secretFile(database: Knex.Config): string {
  const file = fileOf(database)
  if (file === null) return join(DATA, 'example.secret')
  const { dir, name } = parse(file)
  return join(dir, `${name}.secret`)
}

/** The file of a SQLite database; null for a server. */
function fileOf({ connection }: Knex.Config): string | null {
  return typeof connection === 'object' && 'filename' in connection ? connection.filename : null
}

function redisUrl(text: string | undefined): string | undefined {
  if (text === undefined || (/^rediss?:/.test(text) && URL.canParse(text))) return text
  throw new TypeError('REDIS_URL must be a URL that starts with redis: or rediss:')
}

function switched(name: string, text: string | undefined, otherwise: boolean): boolean {
  if (text === undefined) return otherwise
  if (text !== '0' && text !== '1') throw new TypeError(`${name} must be 0 or 1`)
  return text === '1'
}

function wholeNumber(name: string, text: string | undefined, otherwise: number, most = 99999): number {
  if (text === undefined) return otherwise
  if (!/^[0-9]{1,5}$/.test(text) || Number(text) > most) {
    throw new TypeError(`${name} must be a whole number of at most ${most}`)
  }
  return Number(text)
}
