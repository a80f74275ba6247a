export { knexUsers, type KnexUser, type KnexUsersOptions, type UserColumns } from './knex-users.js'
export type { IdColumn, IdTypes } from './knex-ids.js'
export { createUserTable } from './knex-tables.js'
