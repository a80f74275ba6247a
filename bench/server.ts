import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { bodyParser } from '@koa/bodyparser'
import { Router } from '@koa/router'
import type { Knex } from 'knex'
import Koa from 'koa'
import { open } from './databases.js'
import { type Ground, GUARDS, type GuardName } from './guards.js'
import { answering, worker } from './worker.js'

/** What a server is started with. */
export interface ServerPlan {
  readonly guard: GuardName
  /** The address of its database; none for guards that ask none. */
  readonly database?: string
  readonly table?: string
  /** The users who will come. */
  readonly ids: readonly number[]
  readonly isThrottled?: boolean
}

/** What a server tells of itself. */
export interface ServerState {
  /** Bytes, after a garbage collection. */
  readonly rss: number
  readonly heapUsed: number
  /** Milliseconds since the last time it was asked. */
  readonly eventLoopDelay99: number
  /** Seconds of processor time since it was started. */
  readonly cpu: number
  /** Statements since counting was switched on. */
  readonly reads: number
  readonly writes: number
}

/** An app in a process of its own, with an open route and a guarded one. */
export interface BenchServer {
  readonly url: string
  /** One for each user. */
  readonly requests: readonly { readonly path: string; readonly headers: { readonly authorization: string } }[]
  readonly state: () => Promise<ServerState>
  /** Counts statements from now on, which costs a little time. */
  readonly count: () => Promise<void>
  readonly stop: () => Promise<void>
}

export const OPEN = [{ path: '/open' }]

export async function server(plan: ServerPlan, execArgv: readonly string[] = []): Promise<BenchServer> {
  const { ask, stop } = worker('./server.js', ['--expose-gc', ...execArgv])
  const { port, authorizations } = (await ask({ start: plan })) as { port: number; authorizations: string[] } // see below
  return {
    url: `http://127.0.0.1:${port}`,
    requests: authorizations.map((authorization) => ({ path: '/guarded', headers: { authorization } })),
    state: async () => (await ask({ state: true })) as ServerState,
    count: async () => void (await ask({ count: true })),
    stop,
  }
}

type Question = { readonly start: ServerPlan } | { readonly state: true } | { readonly count: true }

function serve(): void {
  let listening: Server | undefined
  let db: Knex | undefined
  let reads = 0
  let writes = 0
  const delay = monitorEventLoopDelay({ resolution: 10 })

  const start = async (plan: ServerPlan): Promise<object> => {
    if (plan.database !== undefined) db = open(plan.database)
    const { table = 'users', ids, isThrottled = true } = plan
    // Guards without a database never touch it.
    const made = GUARDS[plan.guard]({ db: db as Knex, table, ids, isThrottled } satisfies Ground)
    listening = appOf(made).listen(0, '127.0.0.1')
    const authorizations: string[] = []
    for (const id of ids) authorizations.push(await made.authorizationOf(id))
    delay.enable()
    return { port: (listening.address() as AddressInfo).port, authorizations } // it listens on TCP
  }
  const state = (): ServerState => {
    globalThis.gc?.()
    const { rss, heapUsed } = process.memoryUsage()
    const eventLoopDelay99 = delay.percentile(99) / 1e6
    delay.reset()
    const { user, system } = process.cpuUsage()
    return { rss, heapUsed, eventLoopDelay99, cpu: (user + system) / 1e6, reads, writes }
  }
  const count = (): void => {
    db?.on('query', ({ sql }: { sql: string }) => {
      if (/^(select|with)/i.test(sql)) reads += 1
      else writes += 1
    })
  }

  answering(
    async (asked) => {
      const question = asked as Question // `server` asks nothing else
      if ('start' in question) return start(question.start)
      if ('state' in question) return state()
      return count()
    },
    async () => {
      listening?.closeAllConnections()
      await db?.destroy()
    },
  )
}

/** Open and guarded routes differ in nothing but the guard. */
function appOf({ guard, routes }: ReturnType<(typeof GUARDS)[GuardName]>): Koa {
  const app = new Koa()
  app.silent = true
  app.proxy = true // floods come from many addresses
  const router = new Router()
  router.get('/open', (ctx) => {
    ctx.body = { answer: 42 }
  })
  router.get('/guarded', guard, (ctx) => {
    ctx.body = { answer: 42 }
  })
  app.use(router.routes())
  if (routes !== undefined) app.use(bodyParser()).use(routes)
  return app
}

if (process.send !== undefined) serve()
