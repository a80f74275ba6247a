export { knexUsers, type KnexUser, type KnexUsersOptions, type UserColumns } from './knex-users.js'
export type { IdColumn, IdTypes } from './knex-ids.js'
export { knexTokens, type KnexTokensOptions } from './knex-tokens.js'
export { createTokenTable, createUserTable } from './knex-tables.js'
