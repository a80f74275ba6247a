import autocannon, { type Request } from 'autocannon'
import { answering, worker } from './worker.js'

/** A load: one sort of request over some connections, for some seconds or some requests. */
export interface Load {
  readonly url: string
  readonly connections: number
  readonly seconds?: number
  readonly amount?: number
  /** Sent in turn; each connection starts at another place, so that users differ at every moment. */
  readonly requests: readonly Request[]
}

/** What came of it. */
export interface Measured {
  readonly perSecond: number
  readonly total: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly statuses: Readonly<Record<string, number>>
  /** Connections that broke, and answers that did not come. */
  readonly errors: number
}

/** A process that makes load. */
export interface Generator {
  readonly run: (load: Load) => Promise<Measured>
  readonly stop: () => Promise<void>
}

export function generator(): Generator {
  const { ask, stop } = worker('./load.js')
  return { run: async (load) => (await ask(load)) as Measured, stop } // `generate` answers nothing else
}

async function generate(load: Load): Promise<Measured> {
  const { url, connections, seconds, amount, requests } = load
  let clients = 0
  const result = await autocannon({
    url,
    connections,
    ...(amount === undefined ? { duration: seconds ?? 1 } : { amount }),
    timeout: 30,
    requests: requests.slice(0, 1),
    setupClient(client) {
      const start = Math.floor((clients * requests.length) / connections)
      clients += 1
      const turn = [...requests.slice(start), ...requests.slice(0, start)]
      client.setRequests(turn.slice(0, 256))
    },
  })
  const statuses = Object.fromEntries(Object.entries(result.statusCodeStats).map(([code, { count }]) => [code, count]))
  const { p50, p99, max } = result.latency
  const total = result.requests.total
  return { perSecond: total / result.duration, total, p50, p99, max, statuses, errors: result.errors + result.timeouts }
}

if (process.send !== undefined) {
  answering(
    (question) => generate(question as Load), // `generator` asks nothing else
    async () => undefined,
  )
}
