import { join, parse } from 'node:path'
import type { Knex } from 'knex'
import { DATA, databaseSettings } from '../knexfile.js'
import { keptSecret } from './secret.js'

/** What the environment says. */
export interface Settings {
  readonly port: number
  readonly database: Knex.Config
  readonly isProduction: boolean
  readonly redisUrl: string | undefined
  readonly proxies: number
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws {TypeError} that names the variable which is wrong. */
export function readSettings(env: Environment): Settings {
  return {
    port: wholeNumber('PORT', env['PORT'], 3000, 65535),
    database: databaseSettings(env['DATABASE_URL']),
    isProduction: env['NODE_ENV'] === 'production',
    redisUrl: env['REDIS_URL'],
    proxies: wholeNumber('TRUST_PROXY', env['TRUST_PROXY'], 0),
  }
}

/** TOKEN_SECRET, or the secret that is kept beside the SQLite file, or in the example's data for a database server. */
export async function secretOf(env: Environment, database: Knex.Config): Promise<{ secret: string; from: string }> {
  const given = env['TOKEN_SECRET']
  if (given !== undefined) return { secret: given, from: 'TOKEN_SECRET' }
  const { connection } = database
  const beside = typeof connection === 'object' && 'filename' in connection ? parse(connection.filename) : null
  const file = beside === null ? join(DATA, 'example.secret') : join(beside.dir, `${beside.name}.secret`)
  return { secret: await keptSecret(file), from: file }
}

function wholeNumber(name: string, text: string | undefined, otherwise: number, most = 99999): number {
  if (text === undefined) return otherwise
  if (!/^[0-9]{1,5}$/.test(text) || Number(text) > most) {
    throw new TypeError(`${name} must be a whole number of at most ${most}`)
  }
  return Number(text)
}
