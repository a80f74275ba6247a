import { connect } from 'node:net'

/** Sends bytes as they are and returns all that comes back until the connection ends. */
export function rawly(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes))
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.once('end', () => resolve(text))
    socket.once('error', reject)
  })
}
