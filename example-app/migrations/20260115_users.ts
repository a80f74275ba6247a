import type { Knex } from 'knex'
import { createUserTable } from 'koa-tokenapi/knex'

export async function up(db: Knex): Promise<void> {
  await createUserTable(db)
}

export async function down(db: Knex): Promise<void> {
  await db.schema.dropTable('users')
}
