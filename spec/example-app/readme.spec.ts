import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { startServer, withFolder } from './process.js'

const README = new URL('../../example-app/README.md', import.meta.url)
const END = '--- end of a command ---'

/** A command of the story, and what it prints; "…" stands for anything. */
interface Step {
  readonly command: string
  readonly expected: string
}

function stepsOf(markdown: string): Step[] {
  const blocks = [...markdown.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...expected] = step.trimEnd().split('\n')
        return { command, expected: expected.join('\n') }
      }),
  )
}

function patternOf(expected: string): RegExp {
  const literal = expected.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literal.join('[^"]+')}$`)
}

describe("the example's README", () => {
  it('tells what the server answers, line by line', async () => {
    const steps = stepsOf(await readFile(README, 'utf8'))
    expect(steps).to.have.length.above(10)

    await withFolder(async (folder) => {
      const server = await startServer({ DATABASE_URL: `sqlite:${join(folder, 'story.sqlite3')}` })
      try {
        const host = new URL(server.url).host
        const script = steps.map(({ command }) => `${command}\necho '${END}'\n`).join('')
        const { stdout } = await promisify(execFile)('sh', ['-c', script.replaceAll('localhost:3000', host)], {
          env: { ...process.env, NO_PROXY: '*' },
        })
        const answers = stdout.split(`${END}\n`)
        for (const [at, { command, expected }] of steps.entries()) {
          expect(answers[at]?.trimEnd(), command).to.match(patternOf(expected))
        }
      } finally {
        await server.stop()
      }
    })
  })
})
