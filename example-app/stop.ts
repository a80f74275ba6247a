import type { Server } from 'node:http'

const PATIENCE = 7000 // milliseconds
const LOOK_AGAIN = 50

/**
 * Stops a server: nothing new is accepted, requests in flight are answered, and connections that are kept alive close once
 * they are idle. What is not answered after 7 s is cut off.
 */
export async function stop(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  const sweep = setInterval(() => server.closeIdleConnections(), LOOK_AGAIN)
  const end = setTimeout(() => server.closeAllConnections(), PATIENCE)
  await closed
  clearInterval(sweep)
  clearTimeout(end)
}
