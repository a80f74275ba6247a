/** What the specs use of packages that bring no types. */
declare module 'connect' {
  import type { IncomingMessage, ServerResponse } from 'node:http'
  type Listener = (request: IncomingMessage, response: ServerResponse) => unknown
  interface Connect {
    (request: IncomingMessage, response: ServerResponse): void
    use(path: string, listener: Listener): Connect
  }
  export default function connect(): Connect
}

declare module 'koa-mount' {
  import type Koa from 'koa'
  export default function mount(prefix: string, app: Koa | Koa.Middleware): Koa.Middleware
}
