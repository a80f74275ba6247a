import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { activeUser, type Limits, memoryUsers, sealedPairs, type User } from 'koa-tokenapi'
import { link, type LinkOptions, narrow } from 'koa-tokenapi/narrow'
import type { BrowserContext } from 'playwright-core'
import { isLink, parseLimits } from '../lib/limits.js'
import { readToken } from '../lib/tokens/sealed-head.js'
import { compiledForBrowsers, hasChromium, openChromium, serveFolder } from './support/browser.js'
import { knownAnswers } from './support/vectors.js'

const NOW = 1795000000
const SECRET = 'a secret of more than thirty-two bytes'
const alice: User = { id: 1, username: 'alice', password: 'scrypt$16384$salt$8$5$alice', tokenEpoch: 0 }
const pairs = sealedPairs({ secret: SECRET, clock: () => NOW })

/** A known answer with limits, and the token from which its last limit was missing. */
interface Step {
  readonly parent: string
  readonly limits: Limits
  readonly child: string
}

/** The steps in which the known answers with limits were narrowed, from the tokens without limits on. */
async function knownSteps(): Promise<readonly Step[]> {
  // As the file is written.
  const vectors = knownAnswers('sealed_pair') as readonly {
    secret: string
    audience: string
    purpose: string
    userId: string
    boundTo: readonly unknown[]
    issuedAt: number
    loggedInAt?: number
    login?: string
    limits: readonly Limits[]
    token: string
  }[]
  const steps: Step[] = []
  for (const { secret, audience, purpose, userId, boundTo, issuedAt, loggedInAt, login, limits, token } of vectors) {
    if (limits.length === 0) continue
    const kind = sealedPairs({ secret, audience, purpose, boundTo: () => boundTo, lifetime: 1, clock: () => issuedAt })
    const claims = { ...(loggedInAt !== undefined && { loggedInAt }), ...(login !== undefined && { id: login }) }
    const tokens = await Promise.all(
      limits.map(async (_, at) => {
        const user: User = { id: userId, username: 'someone', password: null }
        return (await kind.issue(user, { ...claims, limits: limits.slice(0, at) })).token
      }),
    )
    for (const [at, one] of limits.entries())
      steps.push({ parent: tokens[at] ?? '', limits: one, child: tokens[at + 1] ?? token })
  }
  return steps
}

async function thrown(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  )
}

async function rootToken(): Promise<string> {
  return (await pairs.issue(alice, { id: '0123456789' })).token
}

async function limitsOf(user: string, token: string): Promise<readonly Limits[]> {
  const verdict = await pairs.verify({ user, token }, activeUser(memoryUsers([alice])))
  if (!verdict.ok) throw new Error(verdict.reason)
  return verdict.value.token.limits
}

describe('narrow', () => {
  it('gives the known answers, step by step', async () => {
    const steps = await knownSteps()
    expect(steps).to.have.lengthOf(50)
    for (const { parent, limits, child } of steps) expect(await narrow(parent, limits)).to.equal(child)
  })

  it('adds the limits of one object in the order e, s, m, p, sorted and without repetitions', async () => {
    const root = await rootToken()
    const limits: Limits = { path: '/a', methods: ['PUT', 'GET', 'PUT'], scopes: ['b', 'a', 'b'], expiresAt: NOW + 60 }
    const child = await narrow(root, limits)
    expect(await limitsOf('1', child)).to.deep.equal([
      { expiresAt: NOW + 60 },
      { scopes: ['a', 'b'] },
      { methods: ['GET', 'PUT'] },
      { path: '/a' },
    ])
    expect(child).to.equal((await pairs.issue(alice, { id: '0123456789', limits: [limits] })).token)
  })

  it('narrows what Bearer carries, and gives the same back', async () => {
    const root = await rootToken()
    const child = await narrow(root, { scopes: ['a'] })
    for (const id of ['1', '-5', '6f1c1b1e-4c7f-4d0a-9a58-0b6f6b1f0a11', 'top2v4', 'e1', 'x'.repeat(200)]) {
      expect(await narrow(`${id}.${root}`, { scopes: ['a'] })).to.equal(`${id}.${child}`)
      const twice = await narrow(await narrow(`${id}.${root}`, { scopes: ['a'] }), { path: '/a' })
      expect(twice).to.equal(`${id}.${await narrow(child, { path: '/a' })}`)
    }
  })

  it('takes nothing for a token that is not one', async () => {
    const root = await rootToken()
    for (const token of [
      '',
      'x',
      root.slice(1, -1),
      `${root}\n`,
      ` ${root}`,
      root.toUpperCase(),
      `Bearer 1.${root}`,
      `.${root}`,
      `1.2.${root}`,
      `1:${root}`,
      `ü.${root}`,
      `${'x'.repeat(201)}.${root}`,
      root.replace('-', '.x-'),
      root.replace('-', '.e01-'),
      root.replace('-', '.-'),
      undefined,
      null,
      1,
      {},
      [root],
    ]) {
      // What a caller without types may pass.
      const error = await thrown(narrow(token as string, { scopes: ['a'] }))
      expect(error, JSON.stringify(token)).to.be.instanceOf(TypeError).with.property('code', 'ERR_INVALID_TOKEN')
    }
  })

  it('never gives the full token back for limits that are wrong', async () => {
    const root = await rootToken()
    for (const limits of [
      {},
      { scope: ['a'] },
      { scope: [] },
      { scopes: [] },
      { scopes: 'a' },
      { expiresAt: undefined },
      { expiresAt: '60' },
      { methods: ['get'] },
      { path: '/a?b' },
      { path: 'a' },
      [],
      [{ scopes: ['a'] }],
      undefined,
      null,
      'a',
    ]) {
      // What a caller without types may pass.
      const error = await thrown(narrow(root, limits as Limits))
      expect(error, JSON.stringify(limits)).to.be.instanceOf(TypeError).with.property('code', 'ERR_INVALID_LIMITS')
    }
  })

  it('adds an eighth limit and no ninth, up to a head of 1024 characters', async () => {
    let token = await rootToken()
    const bearer = `1.${token}`
    for (let count = 0; count < 8; count += 1) token = await narrow(token, { expiresAt: NOW + 60 })
    expect(await limitsOf('1', token)).to.have.lengthOf(8)
    for (const full of [token, `1.${token}`])
      expect(await thrown(narrow(full, { expiresAt: 1 }))).to.have.property('code', 'ERR_TOO_MANY_LIMITS')
    const path = `/${'x'.repeat(511)}`
    const long = await narrow(bearer, { path })
    expect(await thrown(narrow(long, { path }))).to.have.property('code', 'ERR_TOO_MANY_LIMITS')
  })

  it('has no token in its errors', async () => {
    const root = await rootToken()
    for (const promise of [narrow(`x${root}x`, { scopes: ['a'] }), narrow(root, { scopes: ['"'] })]) {
      const error = (await thrown(promise)) as Error
      expect(error.message).not.to.include(root.slice(-32))
    }
  })
})

describe('link', () => {
  const hour: LinkOptions = { seconds: 3600 }

  it('is a URL with an end, a path and GET as its only method', async () => {
    const before = Math.floor(Date.now() / 1000)
    const url = await link({ user: 1, token: await rootToken() }, '/files/1', hour)
    const after = Math.floor(Date.now() / 1000)
    expect(url).to.match(/^\/files\/1\?user=1&token=[0-9a-z~]+\.e[0-9a-z]+\.mR0VU\.pL2ZpbGVzLzE-[0-9a-f]{64}$/)
    const query = new URL(url, 'http://localhost').searchParams
    const limits = parseLimits(readToken(query.get('token') ?? '')?.head.limits ?? []) ?? []
    expect(isLink(limits)).to.equal(true)
    expect(limits[0]?.expiresAt).to.be.within(before + 3600, after + 3600)
  })

  it('puts the base before the path, and limits only the path', async () => {
    const url = await link({ user: 1, token: await rootToken() }, '/files/', {
      ...hour,
      base: 'https://example.org/api',
    })
    expect(url).to.match(/^https:\/\/example\.org\/api\/files\/\?user=1&token=/)
    expect(url).to.include(`.p${Buffer.from('/files/').toString('base64url')}-`)
  })

  it('keeps only the scopes that it is given', async () => {
    const url = await link({ user: 1, token: await rootToken() }, '/a', { ...hour, scopes: ['b', 'a'] })
    expect(url).to.include(`.s${Buffer.from('a b').toString('base64url')}.mR0VU.`)
  })

  it('takes any id, and the whole response of a login', async () => {
    const token = await rootToken()
    for (const [user, text] of [
      [7n, '7'],
      ['a:b&c=ü', 'a%3Ab%26c%3D%C3%BC'],
      [2 ** 53 - 1, '9007199254740991'],
    ] as const) {
      const login = { success: true, token, user }
      expect(await link(login, '/a', hour))
        .to.match(/^\/a\?user=/)
        .and.include(`?user=${text}&`)
    }
  })

  it('is a TypeError with a code for anything wrong', async () => {
    const token = await rootToken()
    const good = { user: 1, token }
    // What a caller without types may pass.
    for (const [offered, path, options] of [
      [good, '/a?b=c', hour],
      [good, '/a#b', hour],
      [good, 'a', hour],
      [good, '//example.org/a', hour],
      [good, '/a/../b', hour],
      [good, '', hour],
      [good, undefined, hour],
      [good, '/a', undefined],
      [good, '/a', {}],
      [good, '/a', { seconds: 0 }],
      [good, '/a', { seconds: -1 }],
      [good, '/a', { seconds: 1.5 }],
      [good, '/a', { seconds: '60' }],
      [good, '/a', { seconds: 2 ** 53 - 1 }],
      [good, '/a', { seconds: 60, scope: ['a'] }],
      [good, '/a', { seconds: 60, scopes: [] }],
      [good, '/a', { seconds: 60, scopes: undefined }],
      [good, '/a', { seconds: 60, base: undefined }],
      [good, '/a', { seconds: 60, base: 'https://example.org?x=' }],
      [good, '/a', { seconds: 60, base: 'https://example.org#' }],
      [good, '/a', { seconds: 60, methods: ['POST'] }],
      [{ user: 1 }, '/a', hour],
      [{ token }, '/a', hour],
      [{ user: '', token }, '/a', hour],
      [{ user: '\ud800', token }, '/a', hour],
      [{ user: 1.5, token }, '/a', hour],
      [{ user: 1, token: `1.${token}` }, '/a', hour],
      [undefined, '/a', hour],
      [token, '/a', hour],
    ] as readonly (readonly [{ user: 1; token: string }, string, LinkOptions])[]) {
      const error = await thrown(link(offered, path, options))
      expect(error, JSON.stringify([path, options]))
        .to.be.instanceOf(TypeError)
        .with.property('code')
    }
  })
})

describe('narrow outside Node.js', function () {
  this.timeout(60_000) // it is compiled
  let folder: string
  let steps: readonly Step[]

  before(async () => {
    folder = compiledForBrowsers('narrow.ts')
    steps = await knownSteps()
  })
  after(() => rmSync(dirname(folder), { recursive: true, force: true }))

  it('gives the known answers in a worker thread', async () => {
    const code = `
      const { parentPort, workerData } = require('node:worker_threads')
      import(workerData.url)
        .then(({ narrow }) => Promise.all(workerData.steps.map(({ parent, limits }) => narrow(parent, limits))))
        .then((tokens) => parentPort.postMessage(tokens))`
    const workerData = { url: pathToFileURL(`${folder}/narrow.js`).href, steps }
    const worker = new Worker(code, { eval: true, workerData })
    const tokens: unknown = await new Promise((resolve, reject) => {
      worker.on('message', resolve)
      worker.on('error', reject)
    })
    await worker.terminate()
    expect(tokens).to.deep.equal(steps.map(({ child }) => child))
  })

  if (!hasChromium()) return

  describe('in Chromium', () => {
    let browser: BrowserContext
    let closeBrowser: (() => Promise<void>) | undefined
    let port: number
    let closeServer: () => void

    before(async () => {
      ;({ port, close: closeServer } = await serveFolder(folder))
      ;({ browser, close: closeBrowser } = await openChromium())
    })
    after(async () => {
      await closeBrowser?.() // not there if it could not be opened
      closeServer()
    })

    /** Runs the body of an async function of `input` in a page of a host. */
    async function inPage(host: string, body: string, input: unknown): Promise<unknown> {
      const page = await browser.newPage()
      try {
        await page.goto(`http://${host}:${port}/`)
        return await page.evaluate(`(async (input) => { ${body} })(${JSON.stringify(input)})`)
      } finally {
        await page.close()
      }
    }

    it('gives the known answers in a page', async () => {
      const body = `const { narrow } = await import('/narrow.js')
        return Promise.all(input.map(({ parent, limits }) => narrow(parent, limits)))`
      expect(await inPage('localhost', body, steps)).to.deep.equal(steps.map(({ child }) => child))
    })

    it('gives the known answers in a worker', async () => {
      const code = `import { narrow } from '/narrow.js'
        onmessage = async ({ data }) => postMessage(await Promise.all(data.map(({ parent, limits }) => narrow(parent, limits))))`
      const body = `const code = ${JSON.stringify(code)}.replace("'/narrow.js'", "'" + location.origin + "/narrow.js'")
        const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), { type: 'module' })
        return new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data)
          worker.onerror = ({ message }) => reject(new Error(message))
          worker.postMessage(input)
        })`
      expect(await inPage('localhost', body, steps)).to.deep.equal(steps.map(({ child }) => child))
    })

    it('makes links', async () => {
      const body = `const { link } = await import('/narrow.js')
        return link(input, '/files/1', { seconds: 60, base: location.origin })`
      const url = await inPage('localhost', body, { user: 1, token: await rootToken() })
      expect(url).to.match(new RegExp(`^http://localhost:${port}/files/1\\?user=1&token=[^&]+\\.mR0VU\\.pL2ZpbGVzLzE-`))
    })

    it('has the same errors, by their codes', async () => {
      const body = `const { narrow } = await import('/narrow.js')
        const codeOf = (error) => [error instanceof TypeError, error.code]
        return Promise.all(input.map(([token, limits]) => narrow(token, limits).catch(codeOf)))`
      const token = await rootToken()
      const wrong = [
        [token, { scope: ['a'] }],
        ['x', { scopes: ['a'] }],
        [await narrow(token, { path: `/${'x'.repeat(511)}` }), { path: `/${'x'.repeat(511)}` }],
      ]
      expect(await inPage('localhost', body, wrong)).to.deep.equal([
        [true, 'ERR_INVALID_LIMITS'],
        [true, 'ERR_INVALID_TOKEN'],
        [true, 'ERR_TOO_MANY_LIMITS'],
      ])
    })

    it('says with a code that plain http has no WebCrypto', async () => {
      const body = `const { narrow } = await import('/narrow.js')
        return narrow(input, { scopes: ['a'] }).then(() => 'narrowed', (error) => error.code)`
      expect(await inPage('insecure.example', body, await rootToken())).to.equal('ERR_INSECURE_CONTEXT')
    })
  })
})
