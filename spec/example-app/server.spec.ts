import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import knex from 'knex'
import { databases } from '../support/databases.js'
import { type Started, startServer, withFolder } from './process.js'

const LOGIN = new URLSearchParams({ username: 'demo', password: 'correct horse battery staple' })

const login = (url: string): Promise<Response> => fetch(`${url}/token/new`, { method: 'POST', body: LOGIN })

/** Starts some servers at once, for one use. */
async function withServers(
  count: number,
  env: Readonly<Record<string, string>>,
  use: (servers: readonly Started[]) => Promise<void>,
): Promise<void> {
  const starting = await Promise.allSettled(Array.from({ length: count }, () => startServer(env)))
  const servers = starting.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  try {
    for (const one of starting) if (one.status === 'rejected') throw one.reason
    await use(servers)
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

const withServer = (env: Readonly<Record<string, string>>, use: (server: Started) => Promise<void>): Promise<void> =>
  withServers(1, env, async ([server]) => use(server as Started)) // one was asked for

describe('the example server', () => {
  it('prints its address, the curl lines and where its secret is, but not the secret', () =>
    withFolder((folder) =>
      withServer({ DATABASE_URL: join(folder, 'a.sqlite3') }, async (server) => {
        expect(server.output()).to.include(`curl ${server.url}/token/new -d username=demo`)
        expect(server.output()).to.include(join(folder, 'a.secret'))
        expect((await stat(join(folder, 'a.secret'))).mode & 0o777).to.equal(0o600)
      }),
    ))

  it('seeds nobody in production', () =>
    withFolder((folder) =>
      withServer({ DATABASE_URL: join(folder, 'a.sqlite3'), NODE_ENV: 'production' }, async ({ url }) => {
        expect((await login(url)).status).to.equal(401)
      }),
    ))

  it('takes the same users, passwords and tokens after a restart', () =>
    withFolder(async (folder) => {
      const env = { DATABASE_URL: join(folder, 'a.sqlite3') }
      let pair = { user: 0, token: '' }
      await withServer(env, async ({ url }) => {
        pair = (await (await login(url)).json()) as typeof pair // a login answers both
      })
      await withServer(env, async ({ url }) => {
        const response = await fetch(`${url}/token/${pair.token}/${pair.user}`)
        expect(response.status).to.equal(200)
      })
    }))

  it('says so and ends with 1 where its port is taken', async () => {
    const taken = createServer().listen(0)
    try {
      const { port } = taken.address() as AddressInfo // it listens on TCP
      await withFolder(async (folder) => {
        const env = { DATABASE_URL: join(folder, 'a.sqlite3'), PORT: String(port) }
        const outcome = await startServer(env).catch((error: Error) => error.message)
        expect(outcome).to.include('ended with 1').and.to.include('EADDRINUSE')
      })
    } finally {
      taken.close()
    }
  })

  it('starts several times at once on one SQLite file, with one secret', () =>
    withFolder((folder) => startTogether(join(folder, 'a.sqlite3'))))

  for (const [name, variable, start] of [
    ['PostgreSQL', 'POSTGRES_URL', 'postgres://postgres@127.0.0.1:5432/test'],
    ['MariaDB', 'MARIADB_URL', 'mysql://root@127.0.0.1:3306/test'],
  ] as const) {
    if (!databases.some((database) => database.name === name)) continue
    it(`starts several times at once on one empty ${name}`, async () => {
      const admin = knex({
        client: name === 'PostgreSQL' ? 'pg' : 'mysql2',
        connection: process.env[variable] ?? start,
      })
      const database = `koa_tokenapi_${process.pid}`
      try {
        await admin.raw('create database ??', [database])
        const url = new URL(process.env[variable] ?? start)
        url.pathname = `/${database}`
        await startTogether(url.href)
      } finally {
        await admin.raw('drop database if exists ??', [database])
        await admin.destroy()
      }
    })
  }

  describe('on SIGTERM', () => {
    it('answers what is in flight, cuts no connection off under load, and ends with 0', () =>
      withFolder((folder) =>
        withServer({ DATABASE_URL: join(folder, 'a.sqlite3') }, async (server) => {
          const agent = new Agent({ keepAlive: true })
          const answers: (number | string)[] = []
          let isStopping = false
          /** Asks again and again on connections that are kept alive, until nobody listens any more. */
          const keepAsking = async (send: () => Promise<number | string>): Promise<void> => {
            for (;;) {
              const answer = await send()
              if (isStopping && answer === 'ECONNREFUSED') return
              answers.push(answer)
            }
          }
          const clients = [
            ...Array.from({ length: 4 }, () => keepAsking(() => ask(agent, `${server.url}/token/new`, String(LOGIN)))),
            ...Array.from({ length: 8 }, () => keepAsking(() => ask(agent, `${server.url}/me?user=1&token=x`))),
          ]
          while (!answers.includes(200) || !answers.includes(403)) await once(agent, 'free')
          isStopping = true
          const began = Date.now()
          expect(await server.stop()).to.equal(0)
          expect(Date.now() - began).to.be.below(10_000)
          await Promise.all(clients)
          // 429: the logins are throttled, 503: their line is full; no connection was reset.
          expect(new Set(answers)).to.satisfy((all: Set<number | string>) =>
            [...all].every((answer) => [200, 403, 429, 503].includes(Number(answer))),
          )
        }),
      ))

    it('waits for no connection that is only kept alive', () =>
      withFolder((folder) =>
        withServer({ DATABASE_URL: join(folder, 'a.sqlite3') }, async (server) => {
          const agent = new Agent({ keepAlive: true })
          await ask(agent, `${server.url}/healthz`)
          const began = Date.now()
          expect(await server.stop()).to.equal(0)
          expect(Date.now() - began).to.be.below(5000)
          agent.destroy()
        }),
      ))
  })
})

/** Three processes on one empty database: all come up, and a token of one is good at the others. */
async function startTogether(DATABASE_URL: string): Promise<void> {
  await withServers(3, { DATABASE_URL }, async (servers) => {
    const [first] = servers
    const { user, token } = (await (await login(first?.url ?? '')).json()) as { user: number; token: string } // a login
    for (const { url } of servers) {
      const response = await fetch(`${url}/token/${token}/${user}`)
      expect(response.status).to.equal(200)
    }
  })
}

/** The status of an answer that came whole, or the code of what went wrong. */
function ask(agent: Agent, url: string, body?: string): Promise<number | string> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const sent = request(url, { agent, headers, method: body === undefined ? 'GET' : 'POST' })
    sent.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name))
    sent.once('response', (response: IncomingMessage) => {
      response.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name))
      response.once('end', () => resolve(response.complete ? (response.statusCode ?? 0) : 'cut'))
      response.resume()
    })
    sent.end(body)
  })
}
