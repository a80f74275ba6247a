import { parseArgs } from 'node:util'
import { connect } from '../stores/knex/connect.js'
import { djangoTokens, type DjangoTokensOptions } from '../stores/knex/django-tokens.js'
import type { IdColumn } from '../stores/ids.js'
import { knexTokens } from '../stores/knex/tokens.js'
import { expiringTokens } from '../tokens/expiring.js'
import { isPresentable } from '../tokens/opaque.js'
import { slidingTokens } from '../tokens/sliding.js'

export const usage = `koa-tokenapi import-tokens --database URL --from TABLE [options]

Takes over the tokens that a Django application has stored, so that the keys in clients' hands go on working.
Only digests are written; a key that no client could present is skipped and counted as unusable. It can be run again at any time: tokens that are there already are left alone.

  --database URL    postgres://…, mysql://… or a SQLite file; the token table (createTokenTable) must be there
  --from TABLE      authtoken_token (for expiringTokenApi) or timed_auth_token_timedauthtoken (for timedTokenApi)
  --source URL      the Django application's database, if it is another one
  --to TABLE        the token table; tokens
  --id TYPE         integer, bigint, uuid or text: how the user table keeps its ids; integer
  --lifetime N      seconds that a token of authtoken_token is good for; 2592000
  --audience NAME   the audience option of the API that takes the tokens over
`

/**
 * Runs the command, one progress line for each batch.
 *
 * @throws {TypeError} for wrong arguments; it is a `ContractViolation` where only the data showed it.
 */
export async function importTokens(args: readonly string[], print: (line: string) => void): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      database: { type: 'string' },
      from: { type: 'string' },
      source: { type: 'string' },
      to: { type: 'string', default: 'tokens' },
      id: { type: 'string', default: 'integer' },
      lifetime: { type: 'string' },
      audience: { type: 'string', default: '' },
    },
  })
  const { database, from, source = database, to, id, lifetime, audience } = values
  if (database === undefined || source === undefined) throw new TypeError('--database is missing')
  if (from !== 'authtoken_token' && from !== 'timed_auth_token_timedauthtoken') {
    throw new TypeError('--from must be authtoken_token or timed_auth_token_timedauthtoken')
  }
  if (lifetime !== undefined && from !== 'authtoken_token') {
    throw new TypeError('--lifetime is for authtoken_token: the other table says of each token when it ends')
  }
  const db = connect(database)
  const django = source === database ? db : connect(source)
  try {
    const options = { store: knexTokens(db, { table: to }), audience }
    const span = lifetime === undefined ? {} : { lifetime: Number(lifetime) }
    const kind = from === 'authtoken_token' ? expiringTokens({ ...options, ...span }) : slidingTokens(options)
    const reading: DjangoTokensOptions = { table: from, id: id as IdColumn } // djangoTokens refuses another one
    let [read, added, unusable] = [0, 0, 0]
    const skipped = (): string => (unusable === 0 ? '' : `, ${unusable} unusable`)
    for await (const batch of djangoTokens(django, reading)) {
      const usable = batch.filter(isPresentable)
      read += batch.length
      unusable += batch.length - usable.length
      added += await kind.adopt(usable)
      print(`${from}: ${read} read, ${added} new${skipped()}`)
    }
    print(`done: ${read} tokens read from ${from}, ${added} new in ${to}${skipped()}`)
  } finally {
    await Promise.all([db.destroy(), django === db ? undefined : django.destroy()])
  }
}
