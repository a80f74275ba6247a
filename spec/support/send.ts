import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'

/** A response as it was received. */
export interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body, if it says that it is JSON. */
  readonly json: unknown
}

export interface Sent {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
}

/** Sends a request as it is written: unlike fetch, this normalizes no path and allows a body with any method. */
export function send(base: string, path: string, sent: Sent = {}): Promise<Received> {
  const { method = 'GET', headers = {}, body } = sent
  const { hostname, port } = new URL(base)
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, method, headers: { ...length, ...headers }, agent: false })
    outgoing.once('error', reject)
    outgoing.once('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString()
        const isJson = response.headers['content-type']?.startsWith('application/json') === true && text !== ''
        const json: unknown = isJson ? JSON.parse(text) : undefined
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json })
      })
    })
    outgoing.end(body)
  })
}

/** A request with a JSON body. */
export function asJson(data: unknown): Sent {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(data) }
}

/** A request with a form, given as it is sent. */
export function asForm(form: string): Sent {
  return { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form }
}
