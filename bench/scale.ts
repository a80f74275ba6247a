import { fill, type Place, withPlaces } from './databases.js'
import { randomIds, USERS } from './http.js'
import { type Generator, generator, type Load } from './load.js'
import { grouped, median, rounded, table } from './numbers.js'
import type { Plan } from './plan.js'
import { type BenchServer, OPEN, server } from './server.js'

/** What `scale` found. */
export interface Scale {
  readonly connections: readonly ConnectionsRow[]
  readonly tables: readonly TableRow[]
  readonly memory: MemoryFigures
}

export interface ConnectionsRow {
  readonly name: string
  readonly connections: number
  readonly perSecond: number
  readonly p99: number
}

/** Time of a guarded request, with so many users in the table and random ids. */
export interface TableRow {
  readonly name: string
  readonly users: number
  readonly perSecond: number
  /** Microseconds between two answers. */
  readonly each: number
  /** Of the time with the smallest table. */
  readonly ratio: number
}

export interface MemoryFigures {
  readonly name: string
  /** Bytes of the heap for each idle connection, all of Node.js and Koa included. */
  readonly eachConnection: number
  readonly requests: number
  /** MB, after a garbage collection. */
  readonly heapBefore: number
  readonly heapAfter: number
  readonly rssBefore: number
  readonly rssAfter: number
}

const POOL = 8192
const MB = 1024 * 1024

export async function scale(plan: Plan): Promise<Scale> {
  return withPlaces(async (places) => {
    const load = generator()
    try {
      for (const place of places) await fill(place, USERS)
      const connections = await byConnections(places, load, plan)
      const tables = await byTable(places, load, plan)
      const memory = await byMemory(places, load, plan)
      return { connections, tables, memory }
    } finally {
      await load.stop()
    }
  })
}

/** Runs all loads in turn, `rounds` times after one to warm up; the medians. */
async function inTurn(
  turns: readonly { readonly of: BenchServer; readonly load: Omit<Load, 'url'> }[],
  generate: Generator,
  rounds: number,
): Promise<readonly { perSecond: number; p99: number }[]> {
  const all = turns.map(() => ({ perSecond: [] as number[], p99: [] as number[] }))
  for (let round = 0; round <= rounds; round += 1) {
    for (const [at, { of, load }] of turns.entries()) {
      const { perSecond, p99, statuses, errors } = await generate.run({ url: of.url, ...load })
      if (errors > 0 || Object.keys(statuses).join() !== '200')
        throw new Error(`${JSON.stringify(statuses)}, ${errors}`)
      if (round === 0) continue
      all[at]?.perSecond.push(perSecond)
      all[at]?.p99.push(p99)
    }
  }
  return all.map(({ perSecond, p99 }) => ({ perSecond: Math.round(median(perSecond)), p99: median(p99) }))
}

async function byConnections(
  places: readonly Place[],
  load: Generator,
  plan: Plan,
): Promise<readonly ConnectionsRow[]> {
  const named: { name: string; of: BenchServer }[] = []
  try {
    for (const { name, url } of places) {
      if (name === 'MariaDB') continue // it behaves as the other server does
      named.push({
        name: `tokenApi, ${name}`,
        of: await server({ guard: 'knex', database: url, ids: randomIds(2048, USERS) }),
      })
    }
    const of = await server({ guard: 'memory', ids: [1] })
    named.push({ name: 'open route', of })
    const turns = named.flatMap((one) => plan.connections.map((connections) => ({ ...one, connections })))
    const seconds = Math.min(plan.seconds, 2)
    const measured = await inTurn(
      turns.map((one) => ({
        of: one.of,
        load: { connections: one.connections, seconds, requests: one.of === of ? OPEN : one.of.requests },
      })),
      load,
      Math.min(plan.rounds, 3),
    )
    const rows = turns.map(({ name, connections }, at) => ({
      name,
      connections,
      perSecond: measured[at]?.perSecond ?? Number.NaN,
      p99: measured[at]?.p99 ?? Number.NaN,
    }))
    console.log(
      table(
        ['by connections', 'connections', 'requests/s', 'p99 ms'],
        rows.map((row) => [row.name, String(row.connections), grouped(row.perSecond), String(row.p99)]),
      ),
    )
    return rows
  } finally {
    await Promise.all(named.map(({ of }) => of.stop()))
  }
}

async function byTable(places: readonly Place[], load: Generator, plan: Plan): Promise<readonly TableRow[]> {
  const turns: { name: string; users: number; of: BenchServer }[] = []
  try {
    for (const place of places) {
      for (const users of plan.tableSizes) {
        const name = `users_${users}`
        await fill(place, users, { users: name, tokens: `tokens_${users}` })
        const ids = randomIds(POOL, users)
        turns.push({
          name: place.name,
          users,
          of: await server({ guard: 'knex', database: place.url, table: name, ids }),
        })
      }
    }
    const measured = await inTurn(
      turns.map(({ of }) => ({ of, load: { connections: 32, seconds: plan.seconds, requests: of.requests } })),
      load,
      Math.min(plan.rounds, 3),
    )
    const perSecondOf = (at: number): number => measured[at]?.perSecond ?? Number.NaN
    const rows = turns.map(({ name, users }, at) => {
      const smallest = turns.findIndex((one) => one.name === name)
      return {
        name,
        users,
        perSecond: perSecondOf(at),
        each: rounded(1e6 / perSecondOf(at), 1),
        ratio: rounded(perSecondOf(smallest) / perSecondOf(at), 2),
      }
    })
    console.log(
      table(
        ['by users in the table', 'users', 'requests/s', 'µs each', 'of the smallest'],
        rows.map((row) => [
          row.name,
          grouped(row.users),
          grouped(row.perSecond),
          row.each.toFixed(1),
          row.ratio.toFixed(2),
        ]),
      ),
    )
    return rows
  } finally {
    await Promise.all(turns.map(({ of }) => of.stop()))
  }
}

async function byMemory(places: readonly Place[], load: Generator, plan: Plan): Promise<MemoryFigures> {
  const place = places.find(({ name }) => name === 'PostgreSQL') ?? places[0]
  if (place === undefined) throw new Error('there is no database')
  const one = await server({ guard: 'knex', database: place.url, ids: randomIds(2048, USERS) })
  try {
    const turn = { url: one.url, requests: one.requests, connections: 32 }
    await load.run({ ...turn, amount: 20_000 }) // to warm up
    const before = await one.state()
    const connections = Math.max(...plan.connections)
    const crowd = load.run({ ...turn, connections, seconds: 3 })
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const crowded = await one.state()
    await crowd
    const start = await one.state()
    await load.run({ ...turn, amount: plan.requests })
    const end = await one.state()
    const memory = {
      name: `tokenApi, ${place.name}`,
      eachConnection: Math.round((crowded.heapUsed - before.heapUsed) / connections),
      requests: plan.requests,
      heapBefore: rounded(start.heapUsed / MB, 1),
      heapAfter: rounded(end.heapUsed / MB, 1),
      rssBefore: rounded(start.rss / MB, 1),
      rssAfter: rounded(end.rss / MB, 1),
    }
    console.log(
      `memory, ${memory.name}: ${grouped(memory.eachConnection)} bytes of heap for each of ${connections} busy connections; ` +
        `heap ${memory.heapBefore} MB before and ${memory.heapAfter} MB after ${grouped(memory.requests)} requests ` +
        `(resident ${memory.rssBefore} and ${memory.rssAfter} MB)`,
    )
    return memory
  } finally {
    await one.stop()
  }
}
