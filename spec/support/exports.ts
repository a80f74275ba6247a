import { readFileSync } from 'node:fs'

/** What the package's doors export as values, with the file of lib where it is made. */
const EXPORTED: readonly (readonly [name: string, file: string])[] = ['index', 'jwt'].flatMap((door) => {
  const text = readFileSync(new URL(`../../lib/${door}.ts`, import.meta.url), 'utf8')
  return [...text.matchAll(/^export \{([^}]*)\} from '\.\/([^']+)\.js'/gm)].flatMap(([, names = '', file = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && !name.startsWith('type '))
      .map((name) => [name, file] as const),
  )
})

function madeIn(folder: string): readonly string[] {
  return EXPORTED.filter(([, file]) => file.startsWith(folder)).map(([name]) => name)
}

/** The names of all ready-made APIs: what is exported from lib/apis. */
export const exportedApis = madeIn('apis/')

/** The names of all kinds of token: what is exported from lib/tokens, except `anyOf`, which joins kinds. */
export const exportedKinds = madeIn('tokens/').filter((name) => name !== 'anyOf')

/** The file of lib where something is made, without its ending. */
export function fileOf(name: string): string {
  return EXPORTED.find(([exported]) => exported === name)?.[1] ?? ''
}
