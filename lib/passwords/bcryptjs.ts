import { Worker } from 'node:worker_threads'
import { InternalError } from '../errors.js'

/** What the worker thread runs. As a text, so that it needs no file of its own in bundles. */
const SOURCE = `
  const { parentPort, workerData } = require('node:worker_threads')
  const bcryptjs = require(workerData)
  parentPort.on('message', ({ id, password, hash, cost }) => {
    try {
      const value = hash === undefined ? bcryptjs.hashSync(password, cost) : bcryptjs.compareSync(password, hash)
      parentPort.postMessage({ id, value })
    } catch (error) {
      parentPort.postMessage({ id, error })
    }
  })
`

/** To verify where there is a hash, else to make one. */
interface Job {
  readonly password: string
  readonly hash?: string
  readonly cost?: number
}

interface Result {
  readonly id: number
  readonly value?: string | boolean
  readonly error?: unknown
}

interface Waiting {
  readonly resolve: (value: string | boolean | undefined) => void
  readonly reject: (error: unknown) => void
}

/**
 * bcrypt in JavaScript, by the package `bcryptjs` at `path`, in a worker thread: on the event loop, a hash would delay every other
 * request. One thread is started with the first hash and stays; it keeps the process alive only while it works.
 */
export function bcryptjs(path: string) {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | undefined
  let lastId = 0

  const run = async (job: Job): Promise<unknown> => {
    worker ??= start()
    const thread = worker
    const id = (lastId += 1)
    const result = new Promise<string | boolean | undefined>((resolve, reject) => waiting.set(id, { resolve, reject }))
    thread.ref()
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    thread.postMessage({ id, ...job })
    try {
      return await result
    } finally {
      waiting.delete(id)
      if (waiting.size === 0) thread.unref()
    }
  }

  const start = (): Worker => {
    const thread = new Worker(SOURCE, { eval: true, workerData: path, execArgv: [] })
    thread.on('message', ({ id, value, error }: Result) => {
      if (error === undefined) waiting.get(id)?.resolve(value)
      else waiting.get(id)?.reject(error)
    })
    let cause: unknown = new InternalError('the worker thread of bcryptjs has ended')
    thread.once('error', (error) => (cause = error)) // the package cannot be loaded, or memory has run out
    thread.once('exit', () => {
      worker = undefined // the next hash starts another one
      for (const { reject } of waiting.values()) reject(cause)
    })
    return thread
  }

  return {
    hash: async (password: string, cost: number) => String(await run({ password, cost })),
    verify: async (password: string, hash: string) => (await run({ password, hash })) === true,
  }
}
