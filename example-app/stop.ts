import type { Server, ServerResponse } from 'node:http'
import { Server as Listener } from 'node:net'

const GRACE = 500 // milliseconds
const PATIENCE = 7000

/**
 * Returns the function that stops a server: no new connection is accepted, requests in flight get their response, and each
 * response closes its connection. Idle connections are closed after half a second, and the rest after 7 s.
 */
export function stopper(server: Server): () => Promise<void> {
  const open = new Set<ServerResponse>()
  let isStopping = false
  // Before the app's own listener, which may respond immediately.
  server.prependListener('request', (_request, response: ServerResponse) => {
    if (isStopping) response.setHeader('Connection', 'close')
    open.add(response)
    response.once('close', () => open.delete(response))
  })

  return async () => {
    isStopping = true
    for (const response of open) if (!response.headersSent) response.setHeader('Connection', 'close')
    // An HTTP server's own close() closes idle connections immediately, even if a request is on its way on one.
    const closed = new Promise((resolve) => Listener.prototype.close.call(server, resolve))
    const sweep = setInterval(() => server.closeIdleConnections(), GRACE)
    const end = setTimeout(() => server.closeAllConnections(), PATIENCE)
    await closed
    clearInterval(sweep)
    clearTimeout(end)
  }
}
