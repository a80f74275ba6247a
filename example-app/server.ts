import type { AddressInfo } from 'node:net'
import knex from 'knex'
import { knexTokens } from 'koa-tokenapi/knex'
import { createApp } from './app.js'
import { DATA } from './database.js'
import { limiters } from './limiters.js'
import { migrate } from './migrate.js'
import { readSettings, secretOf } from './settings.js'
import { stopper } from './stop.js'
import { usersOf } from './users.js'

const DEMO = { username: 'demo', password: 'correct horse battery staple' }

const settings = await orExit(() => readSettings(process.env), messageOf)
const { secret, from } = await orExit(() => secretOf(process.env, settings.database), messageOf)
const db = knex({ ...settings.database, log: { warn } })
const users = usersOf(db)
await orExit(
  () => db.raw('select 1'),
  (error) => `the database cannot be used: ${messageOf(error)}`,
)
// From here on a driver's message may hold the values of a query.
await orExit(
  () => migrate(db),
  (error) => `the tables cannot be brought up to date: ${codeOf(error)}`,
)
// The library writes these messages itself: they name the table or column, and hold no value.
await orExit(() => Promise.all([users.check(), knexTokens(db).check()]), messageOf)
const demoId = settings.seedDemo ? await orExit(seedDemo, (error) => `no user can be added: ${codeOf(error)}`) : null

const counts = limiters(settings.redisUrl)
const app = createApp({ db, secret, throttle: counts.throttle, proxies: settings.proxies })
const server = app.listen(settings.port)
const stop = stopper(server)
server.once('listening', () => {
  const { port } = server.address() as AddressInfo // it listens on TCP
  const url = `http://localhost:${port}`
  console.log(`The secret is that of ${from}; all processes that serve one database need the same one.`)
  console.log(`Listening on ${url}`)
  if (demoId !== null) console.log(requestsToTry(url, demoId))
})
server.once('error', (error) => exit(`port ${settings.port} cannot be listened on: ${codeOf(error)}`))

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void leave())

let leaving = false
async function leave(): Promise<void> {
  if (leaving) return
  leaving = true
  // Whatever hangs below, the process ends before it is killed.
  setTimeout(() => process.exit(0), 9000).unref()
  await stop()
  counts.close()
  await db.destroy()
}

/** Adds the demo user, unless it is there already, and returns its id. */
async function seedDemo(): Promise<string> {
  await users.add(DEMO.username, DEMO.password)
  const demo = await users.findByUsername(DEMO.username)
  if (demo === null) throw new Error('the user that was just added is not there')
  return String(demo.id)
}

/** The result of a step of the start; what it throws ends the process with one line. */
async function orExit<T>(step: () => T | PromiseLike<T>, describe: (error: unknown) => string): Promise<T> {
  try {
    return await step()
  } catch (error) {
    return exit(describe(error))
  }
}

function exit(reason: string): never {
  console.error(`Cannot start: ${reason}`)
  process.exit(1)
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  // Node.js gives no message to an error that stands for several addresses.
  return message === '' ? codeOf(error) : (message.split('\n')[0] ?? '')
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  return 'code' in error ? String(error.code) : error.name
}

/** Knex warns of each connection that fails, with a stack; the query that needed it rejects with the same error. */
function warn(message: unknown): void {
  if (!String(message).startsWith('Acquire connection error')) console.warn(message)
}

function requestsToTry(url: string, id: string): string {
  const password = `'password=${DEMO.password}'`
  return `
Try, as often as you like (the new password is the old one, but ends every token as any other would):
  curl ${url}/token/new -d username=demo -d ${password}
  login() { curl -s ${url}/token/new -d username=demo -d ${password} | sed 's/.*"token":"\\([^"]*\\)".*/\\1/'; }
  TOKEN=$(login)
  curl -u "${id}:$TOKEN" ${url}/me
  curl "${url}/me?user=${id}&token=$TOKEN"
  curl ${url}/index.json -d user=${id} -d "token=$TOKEN"
  curl "${url}/token/$TOKEN/${id}.json"
  curl -u "${id}:$TOKEN" ${url}/password -d ${password} -d 'new_${password.slice(1)}
  TOKEN=$(login)
  curl -u "${id}:$TOKEN" -X POST ${url}/logout-all

To start afresh, stop the server and delete ${DATA}
`
}
