import { type DatabaseName, fill, type Place, withPlaces } from './databases.js'
import type { GuardName } from './guards.js'
import { generator } from './load.js'
import { grouped, median, percent, rounded, table } from './numbers.js'
import type { Plan } from './plan.js'
import { type BenchServer, OPEN, server } from './server.js'

/** One line of the table. */
export interface HttpRow {
  readonly name: string
  readonly perSecond: number
  readonly p99: number
  /** Requests per second over those of the open route. */
  readonly toOpen: number
  /** Statements for each request. */
  readonly reads: number
  readonly writes: number
}

interface Contender {
  readonly name: string
  readonly guard: GuardName
  readonly on?: DatabaseName
  readonly isOpen?: true
}

const CONTENDERS: readonly Contender[] = [
  { name: 'open route', guard: 'memory', isOpen: true },
  { name: 'tokenApi, users in memory', guard: 'memory' },
  { name: 'tokenApi, SQLite', guard: 'knex', on: 'SQLite' },
  { name: 'by hand, SQLite', guard: 'byHand', on: 'SQLite' },
  { name: 'tokenApi, PostgreSQL', guard: 'knex', on: 'PostgreSQL' },
  { name: 'by hand, PostgreSQL', guard: 'byHand', on: 'PostgreSQL' },
  { name: 'tokenApi, MariaDB', guard: 'knex', on: 'MariaDB' },
  { name: 'by hand, MariaDB', guard: 'byHand', on: 'MariaDB' },
  { name: 'koa-jwt, secret as text', guard: 'koaJwt' },
  { name: 'koa-jwt, key object', guard: 'koaJwtKeyObject' },
  { name: 'koa-passport bearer, SQLite', guard: 'passportBearer', on: 'SQLite' },
  { name: 'timedTokenApi, SQLite', guard: 'timedTokenApi', on: 'SQLite' },
  { name: 'expiringTokenApi, SQLite', guard: 'expiringTokenApi', on: 'SQLite' },
  { name: 'signedTokenApi, SQLite', guard: 'signedTokenApi', on: 'SQLite' },
  { name: 'jwtApi, SQLite', guard: 'jwtApi', on: 'SQLite' },
]

export const USERS = 10_000
const POOL = 2048
export const CONNECTIONS = 32

/** Requests over HTTP: each contender in a process of its own, all in turn, the load in another process. */
export async function http(plan: Plan): Promise<readonly HttpRow[]> {
  return withPlaces(async (places) => {
    for (const place of places) await fill(place, USERS)
    const isHere = ({ on }: Contender): boolean => on === undefined || places.some(({ name }) => name === on)
    const contenders = CONTENDERS.filter(isHere)
    const rows = await measure(contenders, places, plan)
    console.log(tableOf(rows))
    return rows
  })
}

async function measure(
  contenders: readonly Contender[],
  places: readonly Place[],
  { rounds, seconds }: Plan,
): Promise<readonly HttpRow[]> {
  const load = generator()
  const servers: BenchServer[] = []
  try {
    for (const { guard, on } of contenders) {
      const database = places.find(({ name }) => name === on)?.url
      servers.push(
        await server({ guard, ids: randomIds(POOL, USERS), ...(database === undefined ? {} : { database }) }),
      )
    }
    const results = contenders.map(() => ({ perSecond: [] as number[], p99: [] as number[] }))
    for (let round = 0; round <= rounds; round += 1) {
      for (const [at, { name, isOpen }] of contenders.entries()) {
        const { url, requests } = servers[at] as BenchServer // one was started for each
        const turn = { url, requests: isOpen ? OPEN : requests, connections: CONNECTIONS, seconds }
        const { perSecond, p99, statuses, errors } = await load.run(turn)
        if (errors > 0 || Object.keys(statuses).join() !== '200') {
          throw new Error(`${name}: ${JSON.stringify(statuses)}, ${errors} errors`)
        }
        if (round === 0) continue // to warm up
        results[at]?.perSecond.push(perSecond)
        results[at]?.p99.push(p99)
      }
    }
    const rows: HttpRow[] = []
    const open = median(results[0]?.perSecond ?? [])
    for (const [at, { name, isOpen }] of contenders.entries()) {
      const { url, requests, count, state } = servers[at] as BenchServer // as above
      const perSecond = median(results[at]?.perSecond ?? [])
      // Once through all users before: a sliding token slides at most once a minute.
      const turn = { url, requests: isOpen ? OPEN : requests, connections: CONNECTIONS }
      await load.run({ ...turn, amount: requests.length })
      await count()
      const { total } = await load.run({
        url,
        requests: isOpen ? OPEN : requests,
        connections: CONNECTIONS,
        seconds: 1,
      })
      const { reads, writes } = await state()
      rows.push({
        name,
        perSecond: Math.round(perSecond),
        p99: median(results[at]?.p99 ?? []),
        toOpen: rounded(perSecond / open, 3),
        reads: rounded(reads / total, 3),
        writes: rounded(writes / total, 4),
      })
    }
    return rows
  } finally {
    await Promise.all([load.stop(), ...servers.map((one) => one.stop())])
  }
}

/** Distinct ids from 1 to `most`, in no order. */
export function randomIds(count: number, most: number): readonly number[] {
  const ids = new Set<number>()
  while (ids.size < Math.min(count, most)) ids.add(1 + Math.floor(Math.random() * most))
  return [...ids]
}

function tableOf(rows: readonly HttpRow[]): string {
  const perSecondOf = (name: string): number => rows.find((row) => row.name === name)?.perSecond ?? Number.NaN
  return table(
    ['32 connections', 'requests/s', 'p99 ms', 'of open', 'to by hand', 'reads each', 'writes each'],
    rows.map(({ name, perSecond, p99, toOpen, reads, writes }) => {
      const byHand = perSecond / perSecondOf(name.replace('tokenApi', 'by hand'))
      const ratio = name.startsWith('tokenApi, ') && Number.isFinite(byHand) ? byHand.toFixed(2) : ''
      return [name, grouped(perSecond), String(p99), percent(toOpen, 1), ratio, reads.toFixed(3), writes.toFixed(4)]
    }),
  )
}
