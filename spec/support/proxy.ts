import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A road to a server that can be cut and opened again. */
export interface Proxy {
  readonly port: number
  /** Breaks all connections, and refuses new ones. */
  cut(): Promise<void>
  /** Takes connections again, at the same port. */
  open(): Promise<void>
}

/** A proxy on this machine to a host and port. */
export async function proxyTo(target: { readonly host: string; readonly port: number }): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy()) // the other side learns of it by the end of the connection
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
    async open() {
      server = await listen(port)
    },
  }
}
