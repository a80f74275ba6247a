import { InternalError } from './errors.js'

/** A store or a limiter did not respond in time: an internal error. */
export class DeadlineExceeded extends InternalError {
  override readonly name = 'DeadlineExceeded'
  constructor(seconds: number) {
    super(`a store or a limiter did not respond within ${seconds} s`, 'ERR_TIMEOUT')
  }
}

/** What a call may read to stop its work early. The signal is made when it is first read. */
export interface Cancellable {
  readonly signal: AbortSignal
}

/**
 * Runs a call that must respond within some seconds.
 *
 * @throws {DeadlineExceeded} when it does not; its signal is aborted then. Whatever the call itself throws or rejects with.
 */
export function withDeadline<T>(seconds: number, call: (options: Cancellable) => T | Promise<T>): Promise<Awaited<T>> {
  return new Promise<Awaited<T>>((resolve, reject) => {
    const running = new Running()
    const timer = setTimeout(end, seconds * 1000, running, seconds, reject)
    const settle = async (): Promise<void> => {
      try {
        resolve(await call(running))
      } catch (error) {
        reject(error)
      } finally {
        clearTimeout(timer)
      }
    }
    void settle()
  })
}

/** A class, since an object with a getter of its own costs as much to make as all the rest of a call. */
class Running implements Cancellable {
  #controller: AbortController | undefined
  #late: Error | undefined
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.isLate) this.#controller.abort(this.#late)
    return this.#controller.signal
  }
  get isLate(): boolean {
    return this.#late !== undefined
  }
  abort(reason: Error): void {
    this.#late = reason
    this.#controller?.abort(reason)
  }
}

/**
 * Whether the caller who passed these options has stopped waiting. It makes no signal for a deadline that has none yet: that
 * costs some 10 µs, as much as a hundred lookups in a map.
 */
export function isAbandoned(options: Partial<Cancellable> | undefined): boolean {
  return options instanceof Running ? options.isLate : options?.signal?.aborted === true
}

function end(running: Running, seconds: number, reject: (late: Error) => void): void {
  const late = new DeadlineExceeded(seconds)
  running.abort(late)
  reject(late)
}

/** Seconds that a store or a limiter may take, unless the application says otherwise. */
export const DEFAULT_TIMEOUT = 5

// Above it Node.js sets a timer to one millisecond.
const MAX_TIMEOUT = (2 ** 31 - 1) / 1000

/** The option `timeout` of whatever waits for a store: seconds, 5 by default. @throws {TypeError} as `timeLimit` does. */
export function timeoutOption({ timeout = 5 }: { readonly timeout?: number }): number {
  return timeLimit('timeout', timeout)
}

/** A time limit in seconds, fractions allowed. @throws {TypeError} that names the option unless it is above 0 and at most 24 days. */
function timeLimit(name: string, value: unknown): number {
  if (typeof value !== 'number' || !(value > 0 && value <= MAX_TIMEOUT)) {
    throw new TypeError(`${name} must be a number of seconds above 0 and of at most ${Math.floor(MAX_TIMEOUT)}`)
  }
  return value
}
