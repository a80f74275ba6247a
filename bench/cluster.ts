import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { places, REDIS_URL } from './databases.js'
import { generator } from './load.js'
import { grouped, median, table } from './numbers.js'
import type { Plan } from './plan.js'

/** The example app in one process or two, on PostgreSQL, with logins counted in Redis. */
export interface ClusterRow {
  readonly processes: number
  readonly guesses: number
  /** Guesses that were judged and not answered with 429, in each round. The limit of the example is 10. */
  readonly judged: readonly number[]
  readonly limit: number
  /** Guarded requests, all processes together. */
  readonly perSecond: number
}

const LIMIT = 10
const GUESSES = 100
const DEMO = { username: 'demo', password: 'correct horse battery staple' }

/** Null where PostgreSQL or Redis cannot be reached. */
export async function cluster(plan: Plan): Promise<readonly ClusterRow[] | null> {
  const { places: all } = await places()
  try {
    const place = all.find(({ name }) => name === 'PostgreSQL')
    const missing = [...(place === undefined ? ['PostgreSQL'] : []), ...((await hasRedis()) ? [] : ['Redis'])]
    if (place === undefined || missing.length > 0) {
      console.log(`cluster: left out, since it cannot be reached: ${missing.join(', ')}`)
      return null
    }
    const rows: ClusterRow[] = []
    for (const processes of [1, 2]) rows.push(await measure(processes, place.url, plan))
    console.log(
      table(
        ['cluster', 'guesses', 'judged', 'limit', 'exact', 'guarded requests/s'],
        rows.map(({ processes, guesses, judged, limit, perSecond }) => [
          `${processes} process${processes === 1 ? '' : 'es'}`,
          String(guesses),
          judged.join(' '),
          String(limit),
          judged.every((one) => one === limit) ? 'yes' : 'NO',
          grouped(perSecond),
        ]),
      ),
    )
    return rows
  } finally {
    for (const { remove } of all) await remove()
  }
}

async function measure(processes: number, database: string, { rounds, seconds }: Plan): Promise<ClusterRow> {
  const secret = randomBytes(32).toString('hex')
  const apps: App[] = []
  const load = Array.from({ length: processes }, () => generator())
  try {
    for (let at = 0; at < processes; at += 1) apps.push(await start(database, secret))
    const urls = apps.map(({ url }) => url)
    const judged: number[] = []
    for (let round = 0; round < rounds; round += 1) judged.push(await guess(urls))

    const token = await logIn(urls[0] ?? '')
    const authorization = `Basic ${Buffer.from(token).toString('base64')}`
    const requests = [{ path: '/me', headers: { authorization } }]
    const perSecond: number[] = []
    for (let round = 0; round <= Math.min(rounds, 3); round += 1) {
      const turn = await Promise.all(
        load.map(({ run }, at) => run({ url: urls[at] ?? '', requests, seconds, connections: 32 / processes })),
      )
      if (turn.some(({ statuses }) => Object.keys(statuses).join() !== '200')) {
        throw new Error(`cluster: ${turn.map(({ statuses }) => JSON.stringify(statuses)).join(' ')}`)
      }
      if (round > 0) perSecond.push(turn.reduce((sum, one) => sum + one.perSecond, 0))
    }
    return { processes, guesses: GUESSES, judged, limit: LIMIT, perSecond: Math.round(median(perSecond)) }
  } finally {
    await Promise.all([...apps.map(({ stop }) => stop()), ...load.map(({ stop }) => stop())])
  }
}

/** All at once, over all processes, on one account and from one address that nobody has guessed from before. */
async function guess(urls: readonly string[]): Promise<number> {
  const username = `nobody-${randomBytes(6).toString('hex')}`
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': newAddress() }
  const body = JSON.stringify({ username, password: 'a wrong one' })
  const statuses = await Promise.all(
    Array.from({ length: GUESSES }, async (_, at) => {
      const answer = await fetch(`${urls[at % urls.length]}/token/new`, { method: 'POST', headers, body })
      await answer.text()
      return answer.status
    }),
  )
  const others = statuses.filter((status) => status !== 429)
  if (others.some((status) => status !== 401)) console.log(`cluster: guesses were answered with ${others.join(' ')}`)
  return others.length
}

async function logIn(url: string): Promise<string> {
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': newAddress() }
  const answer = await fetch(`${url}/token/new`, { method: 'POST', headers, body: JSON.stringify(DEMO) })
  const { user, token } = (await answer.json()) as { user: number; token: string } // as django-tokenapi answers
  return `${user}:${token}`
}

/** Of the network that RFC 2544 sets aside for benchmarks. */
function newAddress(): string {
  return `198.18.${randomInt(256)}.${randomInt(256)}`
}

interface App {
  readonly url: string
  readonly stop: () => Promise<void>
}

async function start(database: string, secret: string): Promise<App> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../example-app/server.js', import.meta.url))], {
    env: { ...process.env, PORT: '0', DATABASE_URL: database, TOKEN_SECRET: secret, REDIS_URL, TRUST_PROXY: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return {
    url: await addressOf(child),
    async stop() {
      child.kill('SIGTERM')
      await gone
    },
  }
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const port = /Listening on http:\/\/localhost:(\d+)/.exec(said)?.[1]
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    })
    child.once('exit', (code) => reject(new Error(`the example app has ended (${code})`)))
  })
}

async function hasRedis(): Promise<boolean> {
  const redis = new Redis(REDIS_URL, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null })
  redis.on('error', () => undefined) // the rejection of ping says it
  try {
    await redis.ping()
    return true
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}
