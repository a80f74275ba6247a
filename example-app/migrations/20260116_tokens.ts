import type { Knex } from 'knex'
import { createTokenTable } from 'koa-tokenapi/knex'

export async function up(db: Knex): Promise<void> {
  await createTokenTable(db)
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('tokens')
}
