import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'

const END = '--- end of a command ---'

/** A command of a document, and what it prints; "…" stands for anything. */
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

/** Runs the commands in one shell, in a folder, against a server that is not on port 3000, and compares what each prints. */
export async function runSteps(steps: readonly Step[], url: string, folder = process.cwd()): Promise<void> {
  const script = steps.map(({ command }) => `${command}\necho '${END}'\n`).join('')
  const { stdout } = await promisify(execFile)('sh', ['-c', script.replaceAll('localhost:3000', new URL(url).host)], {
    cwd: folder,
    env: { ...process.env, NO_PROXY: '*' },
  })
  const outputs = stdout.split(`${END}\n`)
  for (const [at, { command, expected }] of steps.entries()) {
    expect(outputs[at]?.trimEnd(), command).to.match(patternOf(expected))
  }
}
