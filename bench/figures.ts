import { readFile } from 'node:fs/promises'
import { grouped } from './numbers.js'
import { ofProject, type Results, writeMarkdown } from './results.js'

const PAGES = ['README.md', 'docs/scaling.md']
const FIGURE = /<!-- bench (.+?) -->.*?<!-- \/bench -->/gs

/** Rewrites the figures that pages show between `<!-- bench part > row > property -->` and `<!-- /bench -->`. */
export async function writeFigures(results: Results): Promise<void> {
  for (const page of PAGES) {
    const text = await readPage(page)
    if (text === null || !text.includes('<!-- bench ')) continue
    const written = text.replaceAll(FIGURE, (all, path: string) => {
      const value = figure(results, path)
      return value === null ? all : `<!-- bench ${path} -->${value}<!-- /bench -->`
    })
    await writeMarkdown(page, written)
  }
}

/** `http > tokenApi, SQLite > perSecond`: part, row and property; or a path of properties. Null where a run has it not. */
function figure(results: Results, path: string): string | null {
  const steps = path.split('>').map((step) => step.trim())
  let at: unknown = results
  for (const step of steps) {
    if (Array.isArray(at)) at = (at as readonly unknown[]).find((row) => isNamed(row, step))
    else at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[step] : undefined
  }
  if (typeof at === 'string') return at
  if (typeof at !== 'number') return null
  if (steps.at(-1) === 'toOpen') return `${Math.round(at * 100)} %`
  return Number.isInteger(at) || at >= 1000 ? grouped(at) : String(at)
}

/** A row is named by its `name`; by name and number where several have one name. */
function isNamed(row: unknown, wanted: string): boolean {
  if (typeof row !== 'object' || row === null) return false
  const { name, users, connections, processes } = row as Record<string, unknown>
  const words = [name, users, connections, processes].filter((word) => ['string', 'number'].includes(typeof word))
  return wanted === words.join(' ')
}

async function readPage(page: string): Promise<string | null> {
  try {
    return await readFile(ofProject(page), 'utf8')
  } catch {
    return null // not written yet
  }
}
