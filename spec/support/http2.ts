import { connect, createServer, type OutgoingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type Koa from 'koa'

export interface Http2Response {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly json: unknown
}

export interface Http2Request {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  /** Sent in DATA frames, without a content-length unless the headers have one. */
  readonly body?: string
}

/** Serves an app over HTTP/2 without TLS (h2c) for one use. */
export async function withHttp2Server<T>(
  app: Koa,
  use: (send: (path: string, request?: Http2Request) => Promise<Http2Response>, authority: string) => Promise<T>,
): Promise<T> {
  const callback = app.callback()
  const server = createServer((request, response) => void callback(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  const authority = `127.0.0.1:${port}`
  const client = connect(`http://${authority}`)
  try {
    return await use(async (path, { method = 'GET', headers = {}, body } = {}) => {
      const stream = client.request({ ':method': method, ':path': path, ...headers }, { endStream: body === undefined })
      if (body !== undefined) stream.end(body)
      const response = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
        stream.once('response', resolve)
        stream.once('error', reject)
      })
      const received = await response
      let text = ''
      for await (const chunk of stream) text += String(chunk)
      return {
        status: Number(received[':status']),
        headers: received,
        json: text === '' ? undefined : JSON.parse(text),
      }
    }, authority)
  } finally {
    client.close()
    await new Promise((resolve) => server.close(resolve))
  }
}
