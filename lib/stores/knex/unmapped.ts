import type { Knex } from 'knex'

/** What the stores use of Knex. */
export type Unmapped = Pick<Knex, 'raw'> & { from(table: string): Knex.QueryBuilder }

/**
 * The application's Knex, on the same pool or transaction, without its `postProcessResponse`: what a statement returns keeps
 * the names that the statement gave it. Names of tables and columns still pass `wrapIdentifier`, since they are the
 * application's.
 */
export function unmapped(db: Knex): Unmapped {
  const client: Client = db.client // Knex types its client as any
  const config = { ...client.config, postProcessResponse: undefined }
  const own: Client = Object.create(client, { config: { value: config } }) // whatever is not its own it has from the client
  return {
    raw: ((...statement: Parameters<Knex['raw']>) => own.raw(...statement)) as Knex['raw'],
    from: (table) => own.queryBuilder().from(table),
  }
}

interface Client {
  readonly config: Knex.Config
  raw(...statement: readonly unknown[]): Knex.Raw
  queryBuilder(): Knex.QueryBuilder
}
