import { databaseSettings } from './example-app/database.js'

/** The example's database, for the command of Knex: `NODE_OPTIONS=--import=tsx npx knex migrate:status`. */
export default databaseSettings(process.env.DATABASE_URL)
