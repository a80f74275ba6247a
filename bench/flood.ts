import type { Request } from 'autocannon'
import { hashPassword } from 'koa-tokenapi'
import { fill, once, withPlaces } from './databases.js'
import { randomIds, USERS } from './http.js'
import { generator } from './load.js'
import { grouped, median, percent, rounded, table } from './numbers.js'
import type { Plan } from './plan.js'
import { server } from './server.js'

/** Token checks while 32 clients log in as fast as they can. */
export interface FloodRow {
  readonly name: string
  /** Milliseconds, of 4 clients that check tokens: without a flood, and beside it. */
  readonly idle99: number
  readonly flood99: number
  readonly eventLoop99: number
  readonly checksPerSecond: number
  readonly loginsPerSecond: number
  /** Shares of all logins. */
  readonly overloaded: number
  readonly throttled: number
  readonly verified: number
  /** Checks with another response than 200. */
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
            verified: rounded((statuses['401'] ?? 0) / total, 4),
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
        ['login flood', 'p99 ms without', 'p99 ms beside', 'event loop', 'checks/s', 'logins/s', '503', '429', '401'],
        rows.map((row) => [
          row.name,
          String(row.idle99),
          String(row.flood99),
          String(row.eventLoop99),
          grouped(row.checksPerSecond),
          grouped(row.loginsPerSecond),
          percent(row.overloaded, 1),
          percent(row.throttled, 1),
          percent(row.verified, 1),
        ]),
      ),
    )
    return rows
  })
}

/** Wrong passwords for many accounts. */
function guesses(): readonly Request[] {
  return randomIds(1024, USERS).map((id) => ({
    path: '/token/new',
    ...loginOf(`user${id}`, 'a wrong one', '198.51.100.1'),
  }))
}

/** One honest login a second while others guess as fast as they can, through the default gate. */
export interface HonestRow {
  readonly name: string
  /** Honest logins, and how many of them succeeded. */
  readonly honest: number
  readonly passed: number
  readonly share: number
  /** Milliseconds until those that succeeded had their token. */
  readonly p50: number
  readonly max: number
  readonly guessesPerSecond: number
  readonly guessesVerified: number
}

const PASSWORD = 'the password of the honest user'

const FLOODS = [
  { name: '40 clients of one address', addresses: 1, clients: 40 },
  { name: '20 addresses with 10 clients each', addresses: 20, clients: 200 },
] as const

/** Whether a flood of logins, from one address or from many, closes the login for others. */
export async function honest(plan: Plan): Promise<readonly HonestRow[]> {
  return withPlaces(async (places) => {
    const place = places.find(({ name }) => name === 'SQLite') // the gate knows no database
    if (place === undefined) return []
    await fill(place, USERS)
    const password = await hashPassword(PASSWORD)
    await once(place.url, (db) => db('users').where({ id: 1 }).update({ password }))
    const rows: HonestRow[] = []
    const load = generator()
    try {
      for (const { name, addresses, clients } of FLOODS) {
        for (const isThrottled of [false, true]) {
          const one = await server({ guard: 'knex', database: place.url, ids: [1], isThrottled })
          const seconds = plan.isQuick ? 6 : 30
          const requests = Array.from({ length: clients }, (_, at) =>
            guessesFrom(`198.51.100.${at % addresses}`),
          ).flat()
          const flooding = load.run({ url: one.url, connections: clients, seconds: seconds + 3, requests })
          await new Promise((resolve) => setTimeout(resolve, 2000))
          const times = await honestLogins(one.url, seconds)
          const passed = times.filter((time) => time !== null)
          const { statuses, perSecond } = await flooding
          await one.stop()
          rows.push({
            name: `${name}, ${isThrottled ? 'throttled as by default' : 'without throttle'}`,
            honest: times.length,
            passed: passed.length,
            share: rounded(passed.length / times.length, 3),
            p50: Math.round(median(passed)),
            max: Math.round(Math.max(...passed)),
            guessesPerSecond: Math.round(perSecond),
            guessesVerified: statuses['401'] ?? 0,
          })
        }
      }
    } finally {
      await load.stop()
    }
    console.log(
      table(
        ['honest logins beside', 'passed', 'p50 ms', 'max ms', 'guesses/s', 'of them verified'],
        rows.map((row) => [
          row.name,
          `${row.passed} of ${row.honest}`,
          grouped(row.p50),
          grouped(row.max),
          grouped(row.guessesPerSecond),
          grouped(row.guessesVerified),
        ]),
      ),
    )
    return rows
  })
}

/** A login a second, all from one address: how long each took, or null if it failed. */
async function honestLogins(url: string, count: number): Promise<readonly (number | null)[]> {
  const logins: Promise<number | null>[] = []
  for (let login = 0; login < count; login += 1) {
    logins.push(honestLogin(url))
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  return Promise.all(logins)
}

async function honestLogin(url: string): Promise<number | null> {
  const start = performance.now()
  const response = await fetch(`${url}/token/new`, loginOf('user1', PASSWORD, '203.0.113.1'))
  await response.arrayBuffer()
  return response.status === 200 ? performance.now() - start : null
}

/** As many as a connection sends before it starts again. */
function guessesFrom(address: string): readonly Request[] {
  return randomIds(256, USERS).map((id) => ({ path: '/token/new', ...loginOf(`user${id}`, 'a wrong one', address) }))
}

function loginOf(username: string, password: string, address: string) {
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': address }
  return { method: 'POST', headers, body: JSON.stringify({ username, password }) } as const
}
