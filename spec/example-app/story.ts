import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'

const END = '--- end of a command ---'

/** A command of the story, and what it prints; "…" stands for anything. */
interface Step {
  readonly command: string
  readonly expected: string
}

/** The commands of a document's `sh` blocks: lines that start with "$ ", each before what it prints. */
export function stepsOf(markdown: string): Step[] {
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

/** Runs a story in one shell, in a folder, on a server elsewhere than on port 3000, and compares what each command prints. */
export async function tell(steps: readonly Step[], url: string, folder = process.cwd()): Promise<void> {
  const script = steps.map(({ command }) => `${command}\necho '${END}'\n`).join('')
  const { stdout } = await promisify(execFile)('sh', ['-c', script.replaceAll('localhost:3000', new URL(url).host)], {
    cwd: folder,
    env: { ...process.env, NO_PROXY: '*' },
  })
  const answers = stdout.split(`${END}\n`)
  for (const [at, { command, expected }] of steps.entries()) {
    expect(answers[at]?.trimEnd(), command).to.match(patternOf(expected))
  }
}
