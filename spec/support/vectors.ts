import { readFileSync } from 'node:fs'

/** Known answers of spec/fixtures/vectors, whose README says where they are from. */
export function knownAnswers<T>(name: string): T {
  const text = readFileSync(new URL(`../fixtures/vectors/${name}.json`, import.meta.url), 'utf8')
  return JSON.parse(text) as T // the file is part of the repository, and its shape is what the caller says
}
