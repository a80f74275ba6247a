import type { AddressInfo } from 'node:net'
import knex from 'knex'
import { createApp } from './app.js'
import { limiters } from './limiters.js'
import { migrate } from './migrate.js'
import { readSettings, secretOf } from './settings.js'
import { stopper } from './stop.js'
import { usersOf } from './users.js'

const DEMO = { username: 'demo', password: 'correct horse battery staple' }

const settings = readSettings(process.env)
const { secret, from } = await secretOf(process.env, settings.database)
const db = knex(settings.database)
await migrate(db)
if (!settings.isProduction) await usersOf(db).add(DEMO.username, DEMO.password)

const counts = limiters(settings.redisUrl)
const app = createApp({ db, secret, throttle: counts.throttle, proxies: settings.proxies })
const server = app.listen(settings.port)
const stop = stopper(server)
server.once('listening', () => {
  const { port } = server.address() as AddressInfo // it listens on TCP
  console.log(`The secret is that of ${from}; processes and machines that serve one database need the same one.`)
  console.log(welcome(`http://localhost:${port}`))
})
server.once('error', (error: NodeJS.ErrnoException) => {
  console.error(`Cannot listen on port ${settings.port}: ${error.code ?? error.name}`)
  process.exit(1)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void leave())

let leaving = false
async function leave(): Promise<void> {
  if (leaving) return
  leaving = true
  // Whatever hangs below, the process is gone before anybody kills it.
  setTimeout(() => process.exit(0), 9000).unref()
  await stop()
  counts.close()
  await db.destroy()
}

function welcome(url: string): string {
  return `Listening on ${url}

Try:
  curl ${url}/token/new -d username=demo -d 'password=correct horse battery staple'
  curl '${url}/me?user=1&token=TOKEN'
  curl ${url}/index.json -d user=1 -d token=TOKEN
  curl -u 1:TOKEN ${url}/me
  curl ${url}/token/TOKEN/1.json
  curl -u 1:TOKEN ${url}/password -d 'password=correct horse battery staple' -d 'new_password=a better one'
  curl -u 1:TOKEN -X POST ${url}/logout-all
`
}
