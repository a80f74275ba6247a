import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { expect } from 'chai'
import type { Served } from './http.js'

/** A request as it was recorded. Header values hold one byte in each character, in the order in which they were sent. */
export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body?: string | null
  readonly body_base64?: string
  readonly body_generator?: { readonly prefix: string; readonly repeat: string; readonly times: number }
}

/** A request to a recorded server and its response; `json` is there if the response was JSON. */
export interface RecordedCase {
  readonly id: string
  /** Which of the recorded servers: `main` on the package's defaults, `alt` on other settings. */
  readonly server: string
  readonly request: RecordedRequest
  readonly response: { readonly status: number; readonly json?: unknown }
  /** Paths of what is random in each run, for example `json.token`. */
  readonly varies?: readonly string[]
}

/** Our response, if it is not the recorded one: without `json`, something that is not JSON. */
export interface Difference {
  readonly id: string
  readonly reason: string
  readonly response: Outcome & { readonly varies?: readonly string[] }
}

/** A case that is not sent, and why. */
export interface LeftOut {
  readonly id: string
  readonly reason: string
}

interface Outcome {
  readonly status: number
  readonly json?: unknown
}

export interface Received extends Outcome {
  readonly headers: ReadonlyMap<string, string>
}

/** Several cases that differ for one reason and get one response. */
export function differing(reason: string, response: Difference['response'], ids: readonly string[]): Difference[] {
  return ids.map((id) => ({ id, reason, response }))
}

/** A file of `spec/fixtures/transcripts`, its integers exact. */
export function readFixture(name: string): unknown {
  return parseExact(readFileSync(new URL(`../fixtures/transcripts/${name}.json`, import.meta.url), 'utf8'))
}

export function readTranscript(name: string): readonly RecordedCase[] {
  return (readFixture(name) as { cases: RecordedCase[] }).cases // the form of every transcript in that folder
}

/** Which cases differ from what was recorded, and which are not sent. */
export interface Exceptions {
  readonly differences: readonly Difference[]
  readonly leftOut: readonly LeftOut[]
}

/** Describes the transcript of a package: checks the exceptions, then defines the specs that replay it. */
export function describeTranscript(
  ancestor: string,
  cases: readonly RecordedCase[],
  exceptions: Exceptions,
  define: () => void,
): void {
  describe(`the transcript of ${ancestor}`, function () {
    // The recorded hashes take 260 000 rounds each.
    this.timeout(60_000)
    describe('the list of differences', () => checkExceptions(cases, exceptions))
    define()
  })
}

/**
 * Defines one spec for each case: sent as recorded, its response is the recorded one, or the one of its difference. Afterwards
 * the apps must not have reported an error, except those that `isExpected` says.
 */
export function replay(
  cases: readonly RecordedCase[],
  exceptions: Exceptions,
  served: (server: string) => Served,
  isExpected: (error: unknown) => boolean = () => false,
): void {
  const differences = new Map(exceptions.differences.map((difference) => [difference.id, difference]))
  const leftOut = new Set(exceptions.leftOut.map(({ id }) => id))

  for (const recorded of cases) {
    const { id, server, request } = recorded
    const difference = differences.get(id)
    if (leftOut.has(id)) continue
    it(difference === undefined ? id : `${id}, not as recorded: ${difference.reason}`, async () => {
      const response = await send(served(server).url, request)
      const wanted = difference?.response ?? recorded.response
      const varies = [...(recorded.varies ?? []), ...(difference?.response.varies ?? [])]
      expect(comparable(response, varies)).to.deep.equal(comparable(wanted, varies))
      // Whatever was recorded: there is no internal error, and every 401 has a challenge.
      expect(response.status).to.be.below(500)
      if (response.status === 401) expect(response.headers.has('www-authenticate')).to.equal(true)
    })
  }

  it('causes no internal error', () => {
    const errors = [...new Set(cases.map(({ server }) => server))].flatMap((server) => served(server).errors)
    expect(errors.filter((error) => !isExpected(error))).to.deep.equal([])
  })
}

/** Defines the specs that keep the lists exact: every name is a case's, every difference differs, what is left out is what cannot be sent. */
function checkExceptions(cases: readonly RecordedCase[], { differences, leftOut }: Exceptions): void {
  const byId = new Map(cases.map((recorded) => [recorded.id, recorded]))

  it('names each exception once, and each is a case', () => {
    const ids = [...differences, ...leftOut].map(({ id }) => id)
    expect(ids).to.deep.equal([...new Set(ids)])
    expect(ids.filter((id) => !byId.has(id))).to.deep.equal([])
  })

  it('lists only real differences', () => {
    const same = differences.filter(({ id, response }) => {
      const recorded = byId.get(id)
      if (recorded === undefined) return false
      return alike(comparable(response, recorded.varies), comparable(recorded.response, recorded.varies))
    })
    expect(same.map(({ id }) => id)).to.deep.equal([])
  })

  it('leaves out exactly the multipart bodies', () => {
    const multipart = cases.filter(({ request }) =>
      request.headers.some(([name, value]) => name.toLowerCase() === 'content-type' && value.startsWith('multipart/')),
    )
    expect(leftOut.map(({ id }) => id)).to.have.members(multipart.map(({ id }) => id))
  })
}

const EXACT = 'an integer above 2^53: '
const TEXTS_AND_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** JSON.parse, but an integer that a double would round comes out as a bigint. */
export function parseExact(text: string): unknown {
  const marked = text.replace(TEXTS_AND_NUMBERS, (found) =>
    /^-?\d+$/.test(found) && !Number.isSafeInteger(Number(found)) ? `"${EXACT}${found}"` : found,
  )
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(EXACT) ? BigInt(value.slice(EXACT.length)) : value,
  )
}

/** Status and JSON, where what varies is only known by its type. */
function comparable(outcome: Outcome, varies: readonly string[] = []): Outcome {
  if (!Object.hasOwn(outcome, 'json')) return { status: outcome.status }
  const json = structuredClone(outcome.json)
  for (const path of varies) {
    const key = path.replace(/^json\./, '')
    if (key !== path && isRecord(json) && Object.hasOwn(json, key)) json[key] = `some ${typeof json[key]}`
  }
  return { status: outcome.status, json }
}

function alike(one: Outcome, other: Outcome): boolean {
  try {
    expect(one).to.deep.equal(other)
    return true
  } catch {
    return false
  }
}

/**
 * Sends a request over a socket, byte for byte: Node's own client would change the case of a method, merge headers and
 * refuse some bytes. Host and Content-Length, which were not recorded, are added.
 */
export function send(url: string, request: RecordedRequest): Promise<Received> {
  const { hostname, port, host } = new URL(url)
  const body = bodyOf(request)
  const framing = body === null ? [] : [`Content-Length: ${body.length}`]
  const lines = [`${request.method} ${request.path} HTTP/1.1`, `Host: ${host}`, ...framing]
  for (const [name, value] of request.headers) lines.push(`${name}: ${value}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')

  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const socket = connect(Number(port), hostname, () => socket.write(Buffer.concat([head, body ?? Buffer.alloc(0)])))
    const settle = (isOver: boolean): void => {
      const response = readResponse(received, request.method === 'HEAD', isOver)
      if (response === null) return
      resolve(response)
      socket.destroy()
    }
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      settle(false)
    })
    socket.on('end', () => {
      settle(true)
      reject(new Error(`no whole response: ${received.toString('latin1')}`))
    })
    socket.on('error', reject)
  })
}

function bodyOf(request: RecordedRequest): Buffer | null {
  if (request.body_base64 !== undefined) return Buffer.from(request.body_base64, 'base64')
  if (request.body_generator !== undefined) {
    const { prefix, repeat, times } = request.body_generator
    return Buffer.from(prefix + repeat.repeat(times))
  }
  return request.body === undefined || request.body === null ? null : Buffer.from(request.body)
}

/** Null while something is still to come. A response without Content-Length lasts until the connection ends. */
function readResponse(received: Buffer, isHead: boolean, isOver: boolean): Received | null {
  const end = received.indexOf('\r\n\r\n')
  if (end === -1) return null
  const [statusLine = '', ...fields] = received.subarray(0, end).toString('latin1').split('\r\n')
  const headers = new Map(
    fields.map((field) => {
      const colon = field.indexOf(':')
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()]
    }),
  )
  const status = Number(statusLine.split(' ')[1])
  const length = isHead ? '0' : headers.get('content-length')
  const body = received.subarray(end + 4)
  if (length === undefined ? !isOver : body.length < Number(length)) return null

  const isJson = headers.get('content-type')?.startsWith('application/json') === true && body.length > 0
  return isJson ? { status, headers, json: parseExact(body.toString('utf8')) } : { status, headers }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
