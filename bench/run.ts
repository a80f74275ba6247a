import { writeFile } from 'node:fs/promises'
import { chart } from './chart.js'
import { cluster } from './cluster.js'
import { writeFigures } from './figures.js'
import { flood, honest } from './flood.js'
import { http } from './http.js'
import { micro } from './micro.js'
import { planOf } from './plan.js'
import { profile } from './profile.js'
import { machine, ofProject, readResults, type Results, writeMarkdown, writeResults } from './results.js'
import { scale } from './scale.js'
import { targetsTable } from './targets.js'

const args = process.argv.slice(2)
const plan = planOf(args)
const [wanted] = args.filter((arg) => !arg.startsWith('--'))

/** In the order in which they run; `figures` only writes what was measured into the pages again. */
const PARTS: Readonly<Record<string, () => Promise<Results>>> = {
  micro: async () => ({ micro: await micro(plan) }),
  http: async () => ({ http: await http(plan) }),
  scale: async () => ({ scale: await scale(plan) }),
  flood: async () => ({ flood: await flood(plan) }),
  honest: async () => ({ honest: await honest(plan) }),
  async cluster() {
    const rows = await cluster(plan)
    return rows === null ? {} : { cluster: rows }
  },
  async profile() {
    await writeMarkdown('bench/profile.md', await profile(plan))
    console.log('The profile is in bench/profile.md.')
    return {}
  },
  figures: async () => ({}),
}

if (wanted !== undefined && !Object.hasOwn(PARTS, wanted)) {
  console.error(`There are the parts ${Object.keys(PARTS).join(', ')}; none of them is ${wanted}.`)
  process.exit(1)
}

let results: Results = wanted === undefined ? {} : await readResults()
const { cores, node } = machine()
console.log(`${cores} cores, Node.js ${node}${plan.isQuick ? ', quick: too short for figures that hold' : ''}`)
for (const [name, run] of Object.entries(PARTS)) {
  if (wanted !== undefined && wanted !== name) continue
  if (name !== 'figures') console.log(`\n## ${name}`)
  const found = await run()
  const isQuick = results.isQuick === true || plan.isQuick
  results = {
    ...results,
    ...found,
    machine: { cores, node },
    isQuick: name === 'figures' ? results.isQuick === true : isQuick,
  }
  await writeResults(results)
}

if (results.http !== undefined) await writeFile(ofProject('bench/chart.svg'), chart(results.http))
if (!plan.isQuick) await writeFigures(results)
console.log(`\n## targets\n${targetsTable(results)}`)
