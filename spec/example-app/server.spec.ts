import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, stat } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import knex from 'knex'
import { databases } from '../support/databases.js'
import { type Started, startServer, withFolder } from './process.js'

const LOGIN = new URLSearchParams({ username: 'demo', password: 'correct horse battery staple' })

const login = (url: string): Promise<Response> => fetch(`${url}/token/new`, { method: 'POST', body: LOGIN })

/** Starts some servers at the same time, and stops them after use. */
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

/** A new SQLite file in which the demo user is seeded, as it is in the example's own file. */
const demoIn = (folder: string): Record<string, string> => ({
  DATABASE_URL: join(folder, 'a.sqlite3'),
  SEED_DEMO: '1',
})

const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777

describe('the example server', function () {
  this.timeout(60_000) // each starts a process or three

  it('prints its address and where its secret is, but not the secret', () =>
    withFolder((folder) =>
      withServer(demoIn(folder), async (server) => {
        const file = join(folder, 'a.secret')
        expect(server.output()).to.include(`Listening on ${server.url}\n`).and.include(file)
        expect(server.output()).not.to.include((await readFile(file, 'utf8')).trim())
        expect(await modeOf(file)).to.equal(0o600)
      }),
    ))

  it('prints commands that work each time they are run', () =>
    withFolder((folder) =>
      withServer(demoIn(folder), async (server) => {
        const commands = [...server.output().matchAll(/^ {2}(?=curl |login|TOKEN=)(.*)$/gm)].map(
          ([, line = '']) => line,
        )
        expect(commands).to.have.length.above(8)
        for (const run of ['first', 'second']) {
          const { stdout } = await promisify(execFile)('sh', ['-c', commands.join('; echo\n')], {
            env: { ...process.env, NO_PROXY: '*' },
          })
          const bodies = stdout.split('\n').filter((line) => line !== '')
          expect(bodies, run).to.have.length(commands.filter((line) => line.startsWith('curl ')).length)
          for (const body of bodies) expect(JSON.parse(body), run).to.include({ success: true })
        }
      }),
    ))

  it('keeps its SQLite file and the files beside it readable only by their owner', () =>
    withFolder((folder) =>
      withServer(demoIn(folder), async ({ url }) => {
        expect((await login(url)).status).to.equal(200)
        for (const file of ['a.sqlite3', 'a.sqlite3-wal', 'a.sqlite3-shm']) {
          expect(await modeOf(join(folder, file)), file).to.equal(0o600)
        }
      }),
    ))

  it('leaves the mode of a database that was there before', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'a.sqlite3')
      const theirs = knex({ client: 'sqlite3', connection: { filename: file }, useNullAsDefault: true })
      await theirs.schema.createTable('things', (columns) => void columns.increments('id'))
      await theirs.destroy()
      await chmod(file, 0o640)
      await withServer({ DATABASE_URL: file }, async () => {
        expect(await modeOf(file)).to.equal(0o640)
      })
    }))

  it('has no user that was not asked for, and suggests no login, in a database that is not its own', () =>
    withFolder((folder) =>
      withServer({ DATABASE_URL: join(folder, 'a.sqlite3') }, async (server) => {
        expect((await login(server.url)).status).to.equal(401)
        expect(server.output()).not.to.include('demo')
      }),
    ))

  it('ends with 1 and one line that names the column that a table lacks', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'a.sqlite3')
      await withServer(demoIn(folder), async () => undefined)
      const theirs = knex({ client: 'sqlite3', connection: { filename: file }, useNullAsDefault: true })
      await theirs.raw('alter table users rename column token_epoch to epoch')
      await theirs.destroy()
      const message = await startServer(demoIn(folder)).catch((error: Error) => error.message)
      expect(message)
        .to.match(/^the server ended with 1:\nCannot start: [^\n]+\n$/)
        .and.include('token_epoch')
    }))

  describe('ends with 1 and one line that says what is wrong', () => {
    const wrong: Readonly<Record<string, readonly [env: Readonly<Record<string, string>>, includes: string]>> = {
      'for a port that is not a number': [{ PORT: 'http' }, 'PORT'],
      'for a secret that is too short': [{ TOKEN_SECRET: 'short' }, 'TOKEN_SECRET'],
      'for a database of an unknown kind': [{ DATABASE_URL: 'oracle://localhost/x' }, 'DATABASE_URL'],
      'for a URL that cannot be read': [{ DATABASE_URL: 'postgres://user:pass#word@host:port/d' }, 'DATABASE_URL'],
      'for a database that refuses connections': [{ DATABASE_URL: 'postgres://u@127.0.0.1:1/d' }, 'ECONNREFUSED'],
      'for a SQLite file that is a folder': [{ DATABASE_URL: tmpdir() }, 'SQLITE_CANTOPEN'],
      'for a SQLite file that is something else': [{ DATABASE_URL: fileURLToPath(import.meta.url) }, 'SQLITE_NOTADB'],
      'for a Redis that is not a URL': [{ REDIS_URL: 'localhost' }, 'REDIS_URL'],
      'for a switch that is neither on nor off': [{ SEED_DEMO: 'yes' }, 'SEED_DEMO'],
      'for a number of proxies that is not one': [{ TRUST_PROXY: 'true' }, 'TRUST_PROXY'],
    }
    for (const [what, [env, includes]] of Object.entries(wrong)) {
      it(what, () =>
        withFolder(async (folder) => {
          const ended = startServer({ ...demoIn(folder), TOKEN_SECRET: 'x'.repeat(32), ...env })
          const message = await ended.then(
            async (server) => expect.fail(`it started, and ended with ${await server.stop()}`),
            (error: Error) => error.message,
          )
          expect(message)
            .to.match(/^the server ended with 1:\nCannot start: [^\n]+\n$/)
            .and.include(includes)
          expect(message).not.to.match(/pass|word|short/)
        }),
      )
    }
  })

  it('takes the same users, passwords and tokens after a restart', () =>
    withFolder(async (folder) => {
      const env = demoIn(folder)
      let pair = { user: 0, token: '' }
      await withServer(env, async ({ url }) => {
        pair = (await (await login(url)).json()) as typeof pair // a login returns both
      })
      await withServer(env, async ({ url }) => {
        const response = await fetch(`${url}/token/${pair.token}/${pair.user}`)
        expect(response.status).to.equal(200)
      })
    }))

  it('says so and ends with 1 if its port is taken', async () => {
    const taken = createServer().listen(0)
    try {
      const { port } = taken.address() as AddressInfo // it listens on TCP
      await withFolder(async (folder) => {
        const env = { ...demoIn(folder), PORT: String(port) }
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
    it('responds to what is in flight, resets no connection under load, and ends with 0', () =>
      withFolder((folder) =>
        withServer(demoIn(folder), async (server) => {
          const agent = new Agent({ keepAlive: true })
          const outcomes: (number | string)[] = []
          let isStopping = false
          /** Sends requests on connections that are kept alive, until the server no longer listens. */
          const keepSending = async (send: () => Promise<number | string>): Promise<void> => {
            for (;;) {
              const outcome = await send()
              if (isStopping && outcome === 'ECONNREFUSED') return
              outcomes.push(outcome)
            }
          }
          const clients = [
            ...Array.from({ length: 4 }, () =>
              keepSending(() => statusOf(agent, `${server.url}/token/new`, String(LOGIN))),
            ),
            ...Array.from({ length: 8 }, () => keepSending(() => statusOf(agent, `${server.url}/me?user=1&token=x`))),
          ]
          while (!outcomes.includes(200) || !outcomes.includes(403)) await once(agent, 'free')
          isStopping = true
          const began = Date.now()
          expect(await server.stop()).to.equal(0)
          expect(Date.now() - began).to.be.below(10_000)
          await Promise.all(clients)
          // 429: the logins are throttled, 503: their queue is full; no connection was reset.
          expect(new Set(outcomes)).to.satisfy((all: Set<number | string>) =>
            [...all].every((outcome) => [200, 403, 429, 503].includes(Number(outcome))),
          )
        }),
      ))

    it('does not wait for connections that are only kept alive', () =>
      withFolder((folder) =>
        withServer(demoIn(folder), async (server) => {
          const agent = new Agent({ keepAlive: true })
          await statusOf(agent, `${server.url}/healthz`)
          const began = Date.now()
          expect(await server.stop()).to.equal(0)
          expect(Date.now() - began).to.be.below(5000)
          agent.destroy()
        }),
      ))
  })
})

/** Three processes on one empty database: all start, and a token of one is valid at the others. */
async function startTogether(DATABASE_URL: string): Promise<void> {
  await withServers(3, { DATABASE_URL, SEED_DEMO: '1' }, async (servers) => {
    const [first] = servers
    const { user, token } = (await (await login(first?.url ?? '')).json()) as { user: number; token: string } // a login
    for (const { url } of servers) {
      const response = await fetch(`${url}/token/${token}/${user}`)
      expect(response.status).to.equal(200)
    }
  })
}

/** The status of a response that came whole, or the code of what went wrong. */
function statusOf(agent: Agent, url: string, body?: string): Promise<number | string> {
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
