import { availableParallelism } from 'node:os'
import { InternalError } from '../errors.js'

/** Lets a few hashes run at once and the next ones wait in a bounded line. */
export interface Gate {
  /**
   * Runs a job when a place is free; one whose `signal` is aborted while it waits is skipped.
   *
   * @throws {Overloaded} at once when the line is full; the signal's reason where it was aborted.
   */
  run<T>(job: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

/** The line of waiting hashes is full: a fault of ours, and never "wrong password". */
export class Overloaded extends InternalError {
  override readonly name = 'Overloaded'
  constructor() {
    super('too many passwords are waiting to be hashed')
  }
}

/**
 * How many hashes may run at once: hashing, SQLite and file access share libuv's threads, so that one of them, and one
 * core, is left to the rest. With UV_THREADPOOL_SIZE=1 nothing is left, and a warning says so.
 */
export function gateWidth(cores = availableParallelism(), poolSize = process.env['UV_THREADPOOL_SIZE']): number {
  const threads = Number.parseInt(poolSize ?? '', 10) || 4
  if (threads === 1) {
    process.emitWarning('UV_THREADPOOL_SIZE=1: each login blocks SQLite and file access while its password is hashed')
  }
  return Math.max(1, Math.min(cores, threads) - 1)
}

/** @param options `width` jobs at once, `line` more may wait (16 for each place). */
export function gate(options: { readonly width: number; readonly line?: number }): Gate {
  const { width, line = width * 16 } = options
  const waiting: (() => void)[] = []
  let running = 0

  /** Hands the place to the first in line, so that nobody can slip in between. */
  const leave = (): void => {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }

  return {
    async run(job, signal) {
      signal?.throwIfAborted()
      if (running >= width) {
        if (waiting.length >= line) throw new Overloaded()
        await turn(waiting, signal)
      } else {
        running += 1
      }
      try {
        return await job()
      } finally {
        leave()
      }
    },
  }
}

/** Waits until it is this job's turn, or leaves the line when its signal is aborted. */
async function turn(waiting: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const enter = (): void => {
      signal?.removeEventListener('abort', give)
      resolve()
    }
    const give = (): void => {
      waiting.splice(waiting.indexOf(enter), 1)
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', give, { once: true })
    waiting.push(enter)
  })
}
