import type { Knex } from 'knex'
import { batch } from '../batch.js'
import { timeoutOption } from '../../deadline.js'
import { asText, dialectOf, exactly, identifier, isTimeout, oneOf, quoted, retried, rowsOf } from './dialect.js'
import {
  complete,
  LISTED,
  type NewStoredToken,
  type StoredToken,
  type TokenOwner,
  type TokenStore,
} from '../token-store.js'

export interface KnexTokensOptions {
  /** 'tokens'. */
  readonly table?: string
  /** Seconds that a query may take before its connection is given up; 5. */
  readonly timeout?: number
}

type Row = Record<string, unknown>

/** Rows of one statement: Knex writes an insert for SQLite as a compound select, which may have 500 terms. */
const BATCH = 400
/** Property → column. */
const COLUMNS = {
  id: 'id',
  digest: 'digest',
  purpose: 'purpose',
  userId: 'user_id',
  createdAt: 'created_at',
  lastUsedAt: 'last_used_at',
  expiresAt: 'expires_at',
  loggedInAt: 'logged_in_at',
  bound: 'bound',
  limits: 'limits',
  name: 'name',
} as const satisfies Readonly<Record<keyof StoredToken, string>>
const DECIMAL = /^[1-9][0-9]{0,9}$/

/**
 * Stored tokens in a table of `createTokenTable`, through Knex on PostgreSQL, MySQL, MariaDB or SQLite. Look-ups of one turn
 * go out as one query. Rows are removed by their ids, so that concurrent logins do not lock each other's ranges; where two
 * statements wait for each other nevertheless, the one that the database ends is sent again.
 */
export function knexTokens(db: Knex, options: KnexTokensOptions = {}): TokenStore {
  const { table = 'tokens' } = options
  const timeout = timeoutOption(options)
  identifier('table', table)
  const dialect = dialectOf(db)
  const columns = Object.values(COLUMNS)
    .map((column) => {
      const name = quoted(db, column)
      // With a foreign key it has the type of the user table's ids.
      return column === 'user_id' ? `${asText(dialect, name)} as ${name}` : name
    })
    .join(', ')
  const select = `select ${columns} from ${quoted(db, table)} where `
  const rows = (): Knex.QueryBuilder => db(table).timeout(timeout * 1000)
  /** A condition that compares bytes: on MySQL and MariaDB 'ann ' is 'ann' in a column of utf8mb4_bin too. */
  const ownedBy = (of: Pick<TokenOwner, 'purpose'> & Partial<TokenOwner>) => (query: Knex.QueryBuilder) => {
    void query.whereRaw(...exactly(dialect, quoted(db, 'purpose'), of.purpose))
    if (of.userId !== undefined) void query.whereRaw(...exactly(dialect, quoted(db, 'user_id'), of.userId))
  }
  /** How many tokens were inserted, and not there already. */
  const insertMissing = async (tokens: readonly NewStoredToken[]): Promise<number> => {
    const insert = rows().insert(tokens.map(rowOf)).onConflict('digest').ignore()
    if (dialect !== 'mysql') return (await insert.returning('id')).length // a row of each
    // Knex answers an id alone, and the driver how many rows there were.
    const { sql, bindings } = insert.toSQL()
    const [{ affectedRows }] = (await db.raw(sql, bindings).timeout(timeout * 1000)) as [{ affectedRows: number }]
    return affectedRows
  }
  const removeByIds = async (ids: readonly unknown[]): Promise<void> => {
    if (ids.length === 0) return
    await retried(() =>
      rows()
        .whereIn('id', ids as readonly number[]) // ids that this table has just answered
        .delete(),
    )
  }
  // The ids of `createTokenTable` are unsigned on MySQL alone, and PostgreSQL fails at what no column of its type can hold.
  const maxId = dialect === 'mysql' ? 2 ** 32 - 1 : 2 ** 31 - 1

  const byDigest = batch(async (digests) => {
    const [condition, bindings] = oneOf(dialect, quoted(db, 'digest'), digests, false)
    const found = rowsOf(dialect, await db.raw(select + condition, bindings).timeout(timeout * 1000))
    return new Map(found.map((row) => [String(row['digest']), present(row)]))
  }, isTimeout)

  return {
    async add(token) {
      const insert = (): Knex.QueryBuilder => rows().insert(rowOf(token))
      // MySQL answers the id itself, the others the columns that are asked for.
      const answered = await retried(() => (dialect === 'mysql' ? insert() : insert().returning('id')))
      const [first] = answered as [number | { id: number }]
      return String(typeof first === 'object' ? first.id : first)
    },

    async addMissing(tokens) {
      const byDigests = [...new Map(tokens.map((token) => [token.digest, token])).values()]
      let added = 0
      for (let at = 0; at < byDigests.length; at += BATCH) {
        const some = byDigests.slice(at, at + BATCH)
        const digests = some.map(({ digest }) => digest)
        const there: Row[] = await rows().select('digest').whereIn('digest', digests)
        const known = new Set(there.map((row) => row['digest']))
        const missing = some.filter(({ digest }) => !known.has(digest))
        if (missing.length === 0) continue
        // Somebody else may be adding the same ones.
        added += await retried(() => insertMissing(missing))
      }
      return added
    },

    find: (digest) => byDigest(digest),

    async slide(digest, { expiresAt, lastUsedAt, unusedSince, latest }) {
      await retried(() =>
        rows()
          .where({ digest })
          .where((row) => {
            void row.where('expires_at', '<=', expiresAt)
            if (latest !== undefined) void row.orWhere('expires_at', '>', latest)
          })
          .where((row) => void row.whereNull('last_used_at').orWhere('last_used_at', '<=', unusedSince))
          .update({ expires_at: expiresAt, last_used_at: lastUsedAt }),
      )
    },

    remove: async (digest) => (await retried(() => rows().where({ digest }).delete())) > 0,

    async removeOne(owner, id) {
      if (!DECIMAL.test(id) || Number(id) > maxId) return false
      return (await retried(() => rows().modify(ownedBy(owner)).where({ id }).delete())) > 0
    },

    async removeAll(owner) {
      await retried(() => rows().modify(ownedBy(owner)).delete())
    },

    async removeSurplus(owner, keep, now) {
      let surplus: Row[]
      do {
        surplus = await rows()
          .select('id')
          .modify(ownedBy(owner))
          .where('expires_at', '>', now)
          .orderBy('id', 'desc')
          .offset(keep)
          .limit(BATCH)
        await removeByIds(surplus.map((row) => row['id']))
      } while (surplus.length === BATCH)
    },

    async removeExpired(of, now, most) {
      const expired: Row[] = await rows().select('id').modify(ownedBy(of)).where('expires_at', '<=', now).limit(most)
      await removeByIds(expired.map((row) => row['id']))
      return expired.length
    },

    async list(owner, now, most = LISTED) {
      const live = rows().select(db.raw(columns)).modify(ownedBy(owner)).where('expires_at', '>', now)
      const found: Row[] = await live.orderBy('id', 'desc').limit(most)
      return found.map(present)
    },
  }
}

function rowOf(given: NewStoredToken): Row {
  const token = complete(given)
  return {
    digest: token.digest,
    purpose: token.purpose,
    user_id: token.userId,
    created_at: token.createdAt,
    last_used_at: token.lastUsedAt,
    expires_at: token.expiresAt,
    logged_in_at: token.loggedInAt,
    bound: token.bound,
    limits: token.limits,
    name: token.name,
  }
}

/** pg returns 64-bit integers as text. */
function present(row: Row): StoredToken {
  return {
    id: String(row['id']),
    digest: String(row['digest']),
    purpose: String(row['purpose']),
    userId: String(row['user_id']),
    createdAt: Number(row['created_at']),
    lastUsedAt: orNull(row['last_used_at'], Number),
    expiresAt: Number(row['expires_at']),
    loggedInAt: orNull(row['logged_in_at'], Number),
    bound: orNull(row['bound'], String),
    limits: orNull(row['limits'], String),
    name: orNull(row['name'], String),
  }
}

function orNull<T>(value: unknown, convert: (value: unknown) => T): T | null {
  return value === null || value === undefined ? null : convert(value)
}
