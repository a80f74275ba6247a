import type { Knex } from 'knex'
import { migrations } from '../knexfile.js'

const LOCK = 'koa-tokenapi example'

/**
 * Brings the database up to date. Processes that start at once take turns: Knex's own lock makes the second one fail, and
 * two that create that lock's table together leave it locked for good.
 */
export async function migrate(db: Knex): Promise<void> {
  await db.transaction(async (turn) => {
    const turns = turnsOn(db, turn)
    await turns.take()
    try {
      await turns.migrator.migrate.latest(migrations)
    } finally {
      await turns.leave()
    }
  })
}

interface Turns {
  take(): Promise<unknown>
  leave(): Promise<unknown>
  /** Where the migrations run. */
  readonly migrator: Knex
}

function turnsOn(db: Knex, turn: Knex.Transaction): Turns {
  switch (dialectOf(db)) {
    case 'postgresql':
      return {
        take: () => turn.raw('select pg_advisory_xact_lock(hashtext(?))', [LOCK]),
        leave: async () => undefined, // with the transaction
        migrator: db,
      }
    case 'mysql':
      // Its tables are created outside any transaction, so that the lock is the connection's.
      return {
        take: () => turn.raw('select get_lock(?, 60)', [LOCK]),
        leave: () => turn.raw('select release_lock(?)', [LOCK]),
        migrator: db,
      }
    default:
      // SQLite has one writer: the first write of a transaction waits for it, and the migrations are the same transaction.
      return {
        take: () => turn.raw('pragma user_version = 0'),
        leave: async () => undefined,
        migrator: turn,
      }
  }
}

function dialectOf(db: Knex): string {
  return (db.client as { dialect: string }).dialect // Knex types its client as any
}
