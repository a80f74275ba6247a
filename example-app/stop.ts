import type { Server, ServerResponse } from 'node:http'
import { Server as Listener } from 'node:net'

const GRACE = 500 // milliseconds
const PATIENCE = 7000

/**
 * Makes the function that stops a server: nothing new is accepted, what was sent is answered, and each answer closes its
 * connection. Connections that stay idle are closed after half a second, and what is not answered after 7 s is cut off.
 */
export function stopper(server: Server): () => Promise<void> {
  const open = new Set<ServerResponse>()
  let isStopping = false
  // Before the app's own listener, which may answer at once.
  server.prependListener('request', (_request, response: ServerResponse) => {
    if (isStopping) response.setHeader('Connection', 'close')
    open.add(response)
    response.once('close', () => open.delete(response))
  })

  return async () => {
    isStopping = true
    for (const response of open) if (!response.headersSent) response.setHeader('Connection', 'close')
    // An HTTP server's own close() cuts idle connections off at once, also one on which a request is under way.
    const closed = new Promise((resolve) => Listener.prototype.close.call(server, resolve))
    const sweep = setInterval(() => server.closeIdleConnections(), GRACE)
    const end = setTimeout(() => server.closeAllConnections(), PATIENCE)
    await closed
    clearInterval(sweep)
    clearTimeout(end)
  }
}
