import { parseArgs } from 'node:util'
import { connect } from '../stores/knex/connect.js'
import { djangoTokens, type DjangoTokensOptions } from '../stores/knex/django-tokens.js'
import { type IdColumn, idsOf } from '../stores/ids.js'
import { knexTokens } from '../stores/knex/tokens.js'
import type { TokenStore } from '../stores/token-store.js'
import { expiringTokens } from '../tokens/expiring.js'
import { isPresentable } from '../tokens/opaque.js'
import { slidingTokens } from '../tokens/sliding.js'

export const usage = `koa-tokenapi import-tokens --from TABLE [options]

Takes over the tokens that a Django application has stored, so that the keys of its clients go on working.
Only digests are written. A key that no client could present is skipped and counted as unusable. The command can be run
again at any time: tokens that are there already are left alone.

  --from TABLE      authtoken_token (for expiringTokenApi) or timed_auth_token_timedauthtoken (for timedTokenApi)
  --database URL    postgres://…, mysql://… or a SQLite file; it must have the token table (createTokenTable). By default
                    the environment variable DATABASE_URL, which other users of the machine do not see in the process list
  --source URL      the Django application's database, if it is another one; by default SOURCE_DATABASE_URL, else --database
  --to TABLE        the token table; tokens
  --id TYPE         integer, bigint, uuid or text: how the user table keeps its ids; integer
  --lifetime N      seconds that a token of authtoken_token is valid for; 2592000
  --audience NAME   the audience option of the API that takes the tokens over
  --dry-run         reads and counts everything, and writes nothing
`

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Runs the command, and prints one progress line for each batch.
 *
 * @param env where DATABASE_URL and SOURCE_DATABASE_URL are read from.
 * @throws {TypeError} for wrong arguments; a `ContractViolation` if only the data showed it.
 * @throws {InternalError} that names the table or column that is missing. Other errors of a database reject as they are, and
 *   their messages may hold keys.
 */
export async function importTokens(
  args: readonly string[],
  print: (line: string) => void,
  env: Environment = {},
): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      database: { type: 'string', default: env.DATABASE_URL },
      from: { type: 'string' },
      source: { type: 'string', default: env.SOURCE_DATABASE_URL },
      to: { type: 'string', default: 'tokens' },
      id: { type: 'string', default: 'integer' },
      lifetime: { type: 'string' },
      audience: { type: 'string', default: '' },
      'dry-run': { type: 'boolean', default: false },
    },
  })
  const { database, from, source = database, to, id, lifetime, audience, 'dry-run': isDryRun } = values
  if (!database || !source) throw new TypeError('--database is missing, and DATABASE_URL too')
  if (from !== 'authtoken_token' && from !== 'timed_auth_token_timedauthtoken') {
    throw new TypeError('--from must be authtoken_token or timed_auth_token_timedauthtoken')
  }
  if (lifetime !== undefined && from !== 'authtoken_token') {
    throw new TypeError('--lifetime is for authtoken_token: each token of the other table has an end of its own')
  }
  const db = connect(database)
  const django = source === database ? db : connect(source)
  try {
    const table = knexTokens(db, { table: to })
    const options = { store: isDryRun ? unwritten(table) : table, audience }
    const span = lifetime === undefined ? {} : { lifetime: Number(lifetime) }
    const kind = from === 'authtoken_token' ? expiringTokens({ ...options, ...span }) : slidingTokens(options)
    const reading = { table: from, id: id as IdColumn } satisfies DjangoTokensOptions // idsOf throws for another one
    idsOf(reading.id)
    await table.check()
    let [read, added, unusable] = [0, 0, 0]
    const skipped = (): string => (unusable === 0 ? '' : `, ${unusable} unusable`)
    for await (const batch of djangoTokens(django, reading)) {
      const usable = batch.filter(isPresentable)
      read += batch.length
      unusable += batch.length - usable.length
      added += await kind.adopt(usable)
      print(`${from}: ${read} read, ${added} new${skipped()}`)
    }
    const done = isDryRun ? 'dry run, nothing written' : 'done'
    print(`${done}: ${read} tokens read from ${from}, ${added} new in ${to}${skipped()}`)
  } finally {
    await Promise.all([db.destroy(), django === db ? undefined : django.destroy()])
  }
}

/** The store, except that it only counts the tokens it would add. */
function unwritten(store: TokenStore): TokenStore {
  return {
    ...store,
    async addMissing(tokens) {
      const digests = new Set(tokens.map(({ digest }) => digest))
      const found = await Promise.all([...digests].map((digest) => store.find(digest)))
      return found.filter((token) => token === null).length
    },
  }
}
