import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'

const ROOT = new URL('../../', import.meta.url)
const HERE = new URL('./', import.meta.url)

interface Row {
  readonly number: number
  readonly elsewhere: string
}

/** The rows of the list: number, input, result, and where it is specified if not here. */
const rows: readonly Row[] = readFileSync(new URL('README.md', HERE), 'utf8')
  .split('\n')
  .filter((line) => /^\| *\d/.test(line))
  .map((line) => {
    const [, number = '', , , elsewhere = ''] = line.split(/(?<!\\)\|/)
    return { number: Number(number), elsewhere: elsewhere.trim() }
  })

/** The numbers at the start of the titles in this folder, and of the lists that titles are made from. */
function citedIn(source: string): number[] {
  const titles = [...source.matchAll(/['`](\d+(?:, \d+)*): /g)].flatMap(([, numbers = '']) => numbers.split(', '))
  const keys = [...source.matchAll(/^ {2}(\d+): \[/gm)].map(([, number = '']) => number)
  return [...titles, ...keys].map(Number)
}

const cited = new Set(
  readdirSync(HERE)
    .filter((name) => name.endsWith('.spec.ts') && name !== 'list.spec.ts')
    .flatMap((name) => citedIn(readFileSync(new URL(name, HERE), 'utf8'))),
)

describe('the list of attacks', () => {
  it('has each row once', () => {
    const numbers = rows.map(({ number }) => number)
    expect(numbers).to.have.length.above(150)
    expect(numbers).to.deep.equal([...new Set(numbers)])
  })

  it('has every row that a title in this folder cites', () => {
    const numbers = new Set(rows.map(({ number }) => number))
    expect(cited.size).to.be.above(60)
    expect([...cited].filter((number) => !numbers.has(number))).to.deep.equal([])
  })

  it('says of every other row where it is specified, or why it is not', () => {
    const silent = rows.filter(({ number, elsewhere }) => !cited.has(number) && elsewhere === '')
    expect(silent).to.deep.equal([])
    const twice = rows.filter(({ number, elsewhere }) => cited.has(number) && elsewhere !== '')
    expect(twice).to.deep.equal([])
  })

  it('names only files that exist, or a reason', () => {
    for (const { number, elsewhere } of rows.filter((row) => row.elsewhere !== '')) {
      const files = [...elsewhere.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file)
      if (files.length === 0) expect(elsewhere, String(number)).to.match(/^Not .{20,}\.$/)
      for (const file of files) expect(existsSync(new URL(file, ROOT)), `${number}: ${file}`).to.equal(true)
    }
  })
})
