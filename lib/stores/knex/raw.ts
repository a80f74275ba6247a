import type { Knex } from 'knex'
import { dialectOf } from './dialect.js'

/**
 * Makes the statements of the stores, on the pool or transaction of the application's Knex but not with its hooks for
 * queries: what a statement returns keeps the names that the statement gave it. Names of tables and columns pass
 * `wrapIdentifier` before, since they are the application's.
 */
export function rawOf(db: Knex): (sql: string, bindings?: readonly Knex.Value[]) => Knex.Raw {
  const isMysql = dialectOf(db) === 'mysql'
  const client = db.client as { readonly config: Knex.Config } // Knex types its client as any
  const config = { ...client.config, postProcessResponse: undefined }
  const own = Object.create(client, { config: { value: config } }) as Pick<Knex, 'raw'> // a client has `raw`, as Knex has
  // mysql2 writes values into the statement. Texts are sent as hexadecimal literals, which have no quotes to break out of in any sql_mode.
  const safe = (value: Knex.Value): Knex.Value | Knex.Raw =>
    isMysql && typeof value === 'string' ? own.raw('_utf8mb4 ?', [Buffer.from(value)]) : value
  return (sql, bindings = []) => own.raw(sql, bindings.map(safe))
}
