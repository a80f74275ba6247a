import type { Knex } from 'knex'

/** A statement as it went to the database, and how many rows it returned or changed. */
export interface Statement {
  readonly sql: string
  readonly rows: number
}

/** Runs something and returns which statements were sent meanwhile; one that failed has no rows. */
export async function statementsOf<T>(
  db: Knex,
  work: () => Promise<T>,
): Promise<{ result: T; statements: readonly Statement[] }> {
  const sent = new Map<string, { sql: string; rows: number }>()
  const sending = ({ __knexQueryUid: uid, sql }: Query): void => void sent.set(uid, { sql, rows: 0 })
  const returned = (response: unknown, { __knexQueryUid: uid }: Query): void => {
    const statement = sent.get(uid)
    if (statement !== undefined) statement.rows = rowsIn(response)
  }
  db.on('query', sending)
  db.on('query-response', returned)
  try {
    const result = await work()
    return { result, statements: [...sent.values()] }
  } finally {
    db.removeListener('query', sending)
    db.removeListener('query-response', returned)
  }
}

/** How many statements a database gets while something runs. */
export async function queriesOf(db: Knex, work: () => Promise<unknown>): Promise<number> {
  return (await statementsOf(db, work)).statements.length
}

interface Query {
  readonly __knexQueryUid: string
  readonly sql: string
}

/** Knex returns rows, a count, or for a raw query what the driver returned; mysql2 rows or a header, and the fields. */
function rowsIn(response: unknown): number {
  if (typeof response === 'number') return response
  if (Array.isArray(response)) {
    const first: unknown = response[0]
    if (Array.isArray(first)) return first.length
    return first !== null && typeof first === 'object' && 'affectedRows' in first
      ? Number(first.affectedRows)
      : response.length
  }
  return response !== null && typeof response === 'object' && 'rowCount' in response ? Number(response.rowCount) : 0
}
