/** What the bench uses of packages that bring no types. */
declare module 'autocannon' {
  export interface Client {
    setRequests(requests: readonly Request[]): void
  }
  export interface Request {
    readonly method?: string
    readonly path?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
  }
  export interface Options {
    readonly url: string
    readonly connections: number
    readonly duration?: number
    readonly amount?: number
    readonly timeout?: number
    readonly requests?: readonly Request[]
    readonly setupClient?: (client: Client) => void
  }
  export interface Result {
    readonly duration: number
    readonly errors: number
    readonly timeouts: number
    readonly requests: { readonly total: number }
    readonly latency: { readonly p50: number; readonly p99: number; readonly max: number }
    readonly statusCodeStats: Readonly<Record<string, { readonly count: number }>>
  }
  export default function autocannon(options: Options): Promise<Result>
}

declare module 'koa-passport' {
  import type { Middleware } from 'koa'
  const passport: {
    use(strategy: object): void
    initialize(): Middleware
    authenticate(name: string, options: { readonly session: boolean }): Middleware
  }
  export default passport
}

declare module 'passport-http-bearer' {
  type Done = (error: unknown, user?: object | false) => void
  export const Strategy: new (verify: (token: string, done: Done) => void) => object
}
