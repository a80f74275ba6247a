import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DatabaseName, fill, type Place, withPlaces } from './databases.js'
import type { GuardName } from './guards.js'
import { randomIds, USERS } from './http.js'
import { generator } from './load.js'
import { percent } from './numbers.js'
import type { Plan } from './plan.js'
import { OPEN, server } from './server.js'

/** What is used of a profile of V8. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

interface Subject {
  readonly name: string
  readonly guard: GuardName
  readonly on?: DatabaseName
  readonly isOpen?: true
}

const SUBJECTS: readonly Subject[] = [
  { name: 'open route', guard: 'memory', isOpen: true },
  { name: 'tokenApi, users in memory', guard: 'memory' },
  { name: 'tokenApi, SQLite', guard: 'knex', on: 'SQLite' },
  { name: 'tokenApi, PostgreSQL', guard: 'knex', on: 'PostgreSQL' },
  { name: 'tokenApi, MariaDB', guard: 'knex', on: 'MariaDB' },
]

/** Where a guarded request's time goes: self time by package and by function, as Markdown. */
export async function profile(plan: Plan): Promise<string> {
  return withPlaces(async (places) => {
    for (const place of places) await fill(place, USERS)
    const parts: string[] = []
    for (const subject of SUBJECTS) {
      const place = places.find(({ name }) => name === subject.on)
      if (subject.on === undefined || place !== undefined) parts.push(await profiled(subject, place, plan))
    }
    return `# Where the time goes

Written by \`npm run bench -- profile\`: self time of the server's main thread under 32 connections (\`node --cpu-prof\`),
without the time in which it waits. Microseconds are for each request. SQLite's own work is in other threads, and a
database server's in another process.

${parts.join('\n')}`
  })
}

async function profiled({ name, guard, isOpen }: Subject, place: Place | undefined, plan: Plan): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'koa-tokenapi-profile-'))
  const load = generator()
  try {
    const database = place === undefined ? {} : { database: place.url }
    const plans = { guard, ids: randomIds(2048, USERS), ...database }
    const one = await server(plans, ['--cpu-prof', `--cpu-prof-dir=${folder}`])
    const requests = isOpen ? OPEN : one.requests
    const { total } = await load.run({ url: one.url, requests, connections: 32, seconds: plan.isQuick ? 3 : 8 })
    await one.stop()
    const [file = ''] = await readdir(folder)
    return summary(name, JSON.parse(await readFile(join(folder, file), 'utf8')) as Profile, total) // node wrote it
  } finally {
    await load.stop()
    await rm(folder, { recursive: true })
  }
}

function summary(name: string, { nodes, samples, timeDeltas }: Profile, requests: number): string {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const byPackage = new Map<string, number>()
  const byFunction = new Map<string, number>()
  let all = 0
  for (const [at, id] of samples.entries()) {
    const { functionName = '', url = '' } = frames.get(id) ?? {}
    if (functionName === '(idle)') continue
    const time = timeDeltas[at] ?? 0
    const owner = packageOf(functionName, url)
    if (owner === null) continue
    all += time
    add(byPackage, owner, time)
    add(byFunction, `${functionName || '(anonymous)'} | ${owner}`, time)
  }
  const line = (label: string, time: number): string =>
    `| ${label} | ${percent(time, all)} | ${(time / requests).toFixed(1)} |`
  return `## ${name}

| part | share | µs |
| --- | --: | --: |
${largest(byPackage, 12)
  .map(([label, time]) => line(label, time))
  .join('\n')}

| function | of | share | µs |
| --- | --- | --: | --: |
${largest(byFunction, 15)
  .map(([label, time]) => line(label, time))
  .join('\n')}
`
}

/** Whose a function is; null for what only a start costs. */
function packageOf(functionName: string, url: string): string | null {
  if (functionName === '(garbage collector)') return 'garbage collection'
  if (functionName === '(program)' || functionName === '(root)') return 'native code without a frame'
  const modules = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)
  if (modules !== null) return modules[1] ?? ''
  if (url.includes('/dist/')) return `koa-tokenapi: ${url.slice(url.indexOf('/dist/') + 6)}`
  if (url.includes('/bench/')) return 'the bench'
  if (/^node:internal\/(modules|bootstrap|main|vm|process\/(esm|pre))/.test(url)) return null
  if (url.startsWith('node:internal/crypto')) return 'node: crypto'
  if (url.startsWith('node:')) return `node: ${/http|stream|net|timers/.exec(url)?.[0] ?? 'the rest'}`
  if (functionName.startsWith('RegExp')) return 'regular expressions'
  if (functionName === 'writev' || functionName === 'writeUtf8String' || functionName === 'writeLatin1String')
    return 'system calls that write'
  return 'native code'
}

function largest(map: ReadonlyMap<string, number>, count: number): readonly (readonly [string, number])[] {
  return [...map].toSorted(([, a], [, b]) => b - a).slice(0, count)
}

function add(map: Map<string, number>, key: string, time: number): void {
  map.set(key, (map.get(key) ?? 0) + time)
}
