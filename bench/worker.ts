import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A process of the bench's own, that answers questions. */
export interface Worker {
  readonly ask: (question: object) => Promise<unknown>
  readonly stop: () => Promise<void>
}

interface Letter {
  readonly id: number
  readonly question: unknown
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** Starts a file of this folder as a process. */
export function worker(file: string, execArgv: readonly string[] = []): Worker {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [], { execArgv: [...execArgv] })
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let last = 0
  let isGone = false
  const gone = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      isGone = true
      for (const { reject } of waiting.values()) reject(new Error(`${file} has ended (${code ?? signal})`))
      resolve()
    })
  })
  child.on('message', (message) => {
    const { id, value, error } = message as Answer // `answering` sends nothing else
    const asked = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) asked?.resolve(value)
    else asked?.reject(new Error(`${file}: ${error}`))
  })

  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (isGone) return reject(new Error(`${file} has ended`))
        last += 1
        waiting.set(last, { resolve, reject })
        child.send({ id: last, question } satisfies Letter)
      }),
    async stop() {
      if (!isGone) child.disconnect() // the process ends by itself then
      const late = setTimeout(() => child.kill('SIGKILL'), 5000)
      await gone
      clearTimeout(late)
    },
  }
}

/** The other side: answers each question, and ends with the process that asks. */
export function answering(answer: (question: unknown) => Promise<unknown>, end: () => Promise<void>): void {
  const reply = async ({ id, question }: Letter): Promise<void> => {
    try {
      process.send?.({ id, value: await answer(question) } satisfies Answer)
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  }
  process.on('message', (message) => void reply(message as Letter)) // `worker` sends nothing else
  const leave = async (): Promise<void> => {
    await end()
    process.exit(0)
  }
  process.once('disconnect', () => void leave())
}
