import { readFileSync } from 'node:fs'

/** A file of spec/fixtures/vectors, whose README says where the values are from. */
export function knownAnswers(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../fixtures/vectors/${name}.json`, import.meta.url), 'utf8'))
}
