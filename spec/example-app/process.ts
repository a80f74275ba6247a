import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A started `npm start`, without npm. */
export interface Started {
  readonly url: string
  readonly process: ChildProcess
  /** Everything it has printed so far. */
  output(): string
  /** Sends SIGTERM, and returns the exit code. */
  stop(): Promise<number | null>
}

/** Starts the example's server on a free port, and waits for the line with its address. */
export async function startServer(env: Readonly<Record<string, string>>): Promise<Started> {
  const { DATABASE_URL: _, REDIS_URL: __, TOKEN_SECRET: ___, SEED_DEMO: ____, ...inherited } = process.env
  const child = spawn(process.execPath, ['--import', 'tsx', 'example-app/server.ts'], {
    env: { ...inherited, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const url = await new Promise<string>((resolve, reject) => {
    const listen = (chunk: Buffer): void => {
      output += chunk.toString()
      const line = /^Listening on (\S+)$/m.exec(output)
      if (line?.[1] !== undefined) resolve(line[1])
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${output}`)))
  })
  return {
    url,
    process: child,
    output: () => output,
    async stop() {
      if (child.exitCode !== null) return child.exitCode
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      const [code] = (await exit) as [number | null] // what Node.js emits
      return code
    },
  }
}

/** A temporary folder. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'koa-tokenapi-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
