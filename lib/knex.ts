export {
  knexUsers,
  type KnexUser,
  type KnexUserStore,
  type KnexUsersOptions,
  type UserColumns,
} from './stores/knex/users.js'
export type { IdColumn, IdTypes } from './stores/ids.js'
export { knexTokens, type KnexTokenStore, type KnexTokensOptions } from './stores/knex/tokens.js'
export { createTokenTable, createUserTable, type TokenTableOptions } from './stores/knex/tables.js'
export { djangoTokens, type DjangoTokensOptions } from './stores/knex/django-tokens.js'
