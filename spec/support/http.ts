import type { AddressInfo } from 'node:net'
import type Koa from 'koa'

/** An app that listens on a free port of this machine while a spec runs. */
export interface Served {
  readonly url: string
  /** Everything that was reported to the app's error listeners. */
  readonly errors: unknown[]
  close(): Promise<void>
}

export async function serve(app: Koa): Promise<Served> {
  const errors: unknown[] = []
  app.on('error', (error) => errors.push(error))
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    errors,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeAllConnections()
      }),
  }
}

/** Serves an app for one use. */
export async function withServer<T>(app: Koa, use: (served: Served) => Promise<T>): Promise<T> {
  const served = await serve(app)
  try {
    return await use(served)
  } finally {
    await served.close()
  }
}

/** The header of HTTP Basic for a user and a token. */
export function basicHeader(user: string | number, token: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}` }
}
