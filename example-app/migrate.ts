import type { Knex } from 'knex'
import { migrations } from './database.js'

const LOCK = 'koa-tokenapi example'

/**
 * Brings the tables up to date. Processes that start at the same time wait for each other: with only Knex's own lock the
 * second one fails, and two that create that lock's table together leave it locked for ever.
 */
export async function migrate(db: Knex): Promise<void> {
  await db.transaction(async (transaction) => {
    const lock = lockOn(db, transaction)
    await lock.acquire()
    try {
      await lock.migrator.migrate.latest(migrations)
    } finally {
      await lock.release()
    }
  })
}

interface Lock {
  acquire(): Promise<unknown>
  release(): Promise<unknown>
  /** What the migrations run on. */
  readonly migrator: Knex
}

function lockOn(db: Knex, transaction: Knex.Transaction): Lock {
  switch (dialectOf(db)) {
    case 'postgresql':
      return {
        acquire: () => transaction.raw('select pg_advisory_xact_lock(hashtext(?))', [LOCK]),
        release: async () => undefined, // the end of the transaction does it
        migrator: db,
      }
    case 'mysql':
      // MySQL creates tables outside any transaction, so the connection holds the lock.
      return {
        acquire: () => transaction.raw('select get_lock(?, 60)', [LOCK]),
        release: () => transaction.raw('select release_lock(?)', [LOCK]),
        migrator: db,
      }
    default:
      // SQLite has one writer: the first write of a transaction waits for it, and the migrations run in that transaction.
      return {
        acquire: () => transaction.raw('pragma user_version = 0'),
        release: async () => undefined,
        migrator: transaction,
      }
  }
}

function dialectOf(db: Knex): string {
  return (db.client as { dialect: string }).dialect // Knex types its client as any
}
