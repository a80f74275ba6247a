import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import knex, { type Knex } from 'knex'

/** A connection to a server that can be cut and opened again. */
export interface Proxy {
  readonly port: number
  /** Breaks all connections, and refuses new ones. */
  cut(): Promise<void>
  /** Resets all connections (RST), as a host that has crashed does: reads and writes fail with ECONNRESET. New ones are taken. */
  reset(): void
  /** Takes connections again, at the same port. */
  open(): Promise<void>
}

/** A proxy on this machine to a host and port. */
export async function proxyTo(target: { readonly host: string; readonly port: number }): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()) // the other side sees the end of the connection
    socket.on('close', () => sockets.delete(socket))
  }
  const listen = async (port: number): Promise<Server> => {
    const server = createServer((near) => {
      const far = connect(target)
      keep(near)
      keep(far)
      near.pipe(far).pipe(near)
      near.on('close', () => far.destroy())
      far.on('close', () => near.destroy())
    })
    server.listen(port, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    return server
  }

  let server = await listen(0)
  const { port } = server.address() as AddressInfo // it listens on TCP
  return {
    port,
    async cut() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
    reset() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    async open() {
      server = await listen(port)
    },
  }
}

/** Knex logs each connection that it cannot make. */
export const SILENT = { warn: () => undefined, error: () => undefined }

/** What is used of the settings of a connection, which Knex has read from its URL. */
interface Address {
  readonly host?: string
  readonly port?: number | string
}

/** The same database, whose server is reached through a proxy. */
export async function throughProxy(db: Knex): Promise<{ db: Knex; proxy: Proxy }> {
  const config = db.client.config as Knex.Config // Knex types its client as any
  const settings = db.client.connectionSettings as Address // what Knex has made of the URL
  const port = Number(settings.port ?? (config.client === 'pg' ? 5432 : 3306))
  const proxy = await proxyTo({ host: settings.host ?? '127.0.0.1', port })
  const connection = { ...settings, host: '127.0.0.1', port: proxy.port }
  return {
    proxy,
    db: knex({ ...config, connection, acquireConnectionTimeout: 500, log: SILENT, pool: { min: 0, max: 4 } }),
  }
}
