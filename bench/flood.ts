import type { Request } from 'autocannon'
import { fill, withPlaces } from './databases.js'
import { randomIds, USERS } from './http.js'
import { generator } from './load.js'
import { grouped, percent, rounded, table } from './numbers.js'
import type { Plan } from './plan.js'
import { server } from './server.js'

/** Token checks while 32 clients log in as fast as they can. */
export interface FloodRow {
  readonly name: string
  /** Milliseconds, of 4 clients that check tokens: alone, and beside the flood. */
  readonly idle99: number
  readonly flood99: number
  readonly eventLoop99: number
  readonly checksPerSecond: number
  readonly loginsPerSecond: number
  /** Shares of all logins. */
  readonly overloaded: number
  readonly throttled: number
  readonly judged: number
  /** Checks with an answer other than 200. */
  readonly checksFailed: number
}

const CHECKERS = 4
const FLOODERS = 32

export async function flood(plan: Plan): Promise<readonly FloodRow[]> {
  return withPlaces(async (places) => {
    const rows: FloodRow[] = []
    const checks = generator()
    const logins = generator()
    try {
      for (const place of places) {
        await fill(place, USERS)
        for (const isThrottled of [false, true]) {
          const one = await server({ guard: 'knex', database: place.url, ids: randomIds(1024, USERS), isThrottled })
          const check = { url: one.url, requests: one.requests, connections: CHECKERS }
          const seconds = plan.isQuick ? 2 : 6
          const login = { url: one.url, requests: guesses(), connections: FLOODERS }
          await checks.run({ ...check, seconds: 1 }) // to warm up
          const idle = await checks.run({ ...check, seconds })
          await one.state()
          const flooding = logins.run({ ...login, seconds: seconds + 1 })
          await new Promise((resolve) => setTimeout(resolve, 500))
          const beside = await checks.run({ ...check, seconds })
          const state = await one.state()
          const { statuses, total, perSecond } = await flooding
          rows.push({
            name: `${place.name}, ${isThrottled ? 'throttled as by default' : 'without throttle'}`,
            idle99: idle.p99,
            flood99: beside.p99,
            eventLoop99: rounded(state.eventLoopDelay99, 1),
            checksPerSecond: Math.round(beside.perSecond),
            loginsPerSecond: Math.round(perSecond),
            overloaded: rounded((statuses['503'] ?? 0) / total, 4),
            throttled: rounded((statuses['429'] ?? 0) / total, 4),
            judged: rounded((statuses['401'] ?? 0) / total, 4),
            checksFailed: beside.total - (beside.statuses['200'] ?? 0),
          })
          await one.stop()
        }
      }
    } finally {
      await Promise.all([checks.stop(), logins.stop()])
    }
    console.log(
      table(
        ['login flood', 'p99 ms alone', 'p99 ms beside', 'event loop', 'checks/s', 'logins/s', '503', '429', '401'],
        rows.map((row) => [
          row.name,
          String(row.idle99),
          String(row.flood99),
          String(row.eventLoop99),
          grouped(row.checksPerSecond),
          grouped(row.loginsPerSecond),
          percent(row.overloaded, 1),
          percent(row.throttled, 1),
          percent(row.judged, 1),
        ]),
      ),
    )
    return rows
  })
}

/** Wrong passwords for many accounts. */
function guesses(): readonly Request[] {
  return randomIds(1024, USERS).map((id) => ({
    method: 'POST',
    path: '/token/new',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: `user${id}`, password: 'a wrong one' }),
  }))
}
