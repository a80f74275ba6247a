/** How long a run takes, and how often it repeats itself. */
export interface Plan {
  readonly isQuick: boolean
  /** Times that everything compared is measured, in turn; medians are told. */
  readonly rounds: number
  /** Of load on one server in one round. */
  readonly seconds: number
  /** Tokens in process, each of another user. */
  readonly tokens: number
  /** Requests before memory is looked at again. */
  readonly requests: number
  readonly tableSizes: readonly number[]
  readonly connections: readonly number[]
}

export function planOf(args: readonly string[]): Plan {
  const isQuick = args.includes('--quick')
  return isQuick
    ? {
        isQuick,
        rounds: 2,
        seconds: 1,
        tokens: 2000,
        requests: 20_000,
        tableSizes: [100, 10_000],
        connections: [1, 32, 128],
      }
    : {
        isQuick,
        rounds: 5,
        seconds: 3,
        tokens: 10_000,
        requests: 1_000_000,
        tableSizes: [100, 10_000, 1_000_000],
        connections: [1, 8, 32, 128, 512],
      }
}
