/** A store did not answer in time: a fault of ours. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded'
  constructor(seconds: number) {
    super(`a store did not answer within ${seconds} s`)
  }
}

/** What a call may read to stop its work early. The signal is made when it is first asked for. */
export interface Cancellable {
  readonly signal: AbortSignal
}

/**
 * Runs a call that must answer within some seconds.
 *
 * @throws {DeadlineExceeded} when it does not; its signal is aborted then. Whatever the call itself throws or rejects with.
 */
export function withDeadline<T>(seconds: number, call: (options: Cancellable) => T | Promise<T>): Promise<Awaited<T>> {
  return new Promise<Awaited<T>>((resolve, reject) => {
    let controller: AbortController | undefined
    const timer = setTimeout(() => {
      const late = new DeadlineExceeded(seconds)
      controller?.abort(late)
      reject(late)
    }, seconds * 1000)
    const options: Cancellable = {
      get signal() {
        controller ??= new AbortController()
        return controller.signal
      },
    }
    const settle = async (): Promise<void> => {
      try {
        resolve(await call(options))
      } catch (error) {
        reject(error)
      } finally {
        clearTimeout(timer)
      }
    }
    void settle()
  })
}
