import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import type { ClusterRow } from './cluster.js'
import type { FloodRow, HonestRow } from './flood.js'
import type { HttpRow } from './http.js'
import type { MicroRow } from './micro.js'
import type { Scale } from './scale.js'

/** What `bench/results.json` holds: the last run of each part. */
export interface Results {
  readonly machine?: { readonly cores: number; readonly node: string }
  /** Whether a part was run with --quick since the last whole run. */
  readonly isQuick?: boolean
  readonly micro?: readonly MicroRow[]
  readonly http?: readonly HttpRow[]
  readonly scale?: Scale
  readonly flood?: readonly FloodRow[]
  readonly honest?: readonly HonestRow[]
  readonly cluster?: readonly ClusterRow[]
}

const FILE = ofProject('bench/results.json')

/** A file of the project: this one runs from bench/build/bench. */
export function ofProject(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url))
}

export function machine(): NonNullable<Results['machine']> {
  return { cores: availableParallelism(), node: process.version }
}

export async function readResults(): Promise<Results> {
  try {
    return JSON.parse(await readFile(FILE, 'utf8')) as Results // this file writes it
  } catch {
    return {} // none yet
  }
}

export async function writeResults(results: Results): Promise<void> {
  await writeFile(FILE, `${JSON.stringify(results, null, 2)}\n`)
}

/** Writes Markdown as the project formats it. */
export async function writeMarkdown(path: string, text: string): Promise<void> {
  const file = ofProject(path)
  const options = await resolveConfig(file)
  await writeFile(file, await format(text, { ...options, filepath: file }))
}
