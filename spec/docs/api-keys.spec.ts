import { execFile } from 'node:child_process'
import { createCipheriv } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import type Koa from 'koa'
import { apiKeys, type ApiKeys, memoryTokens, memoryUsers, type User } from 'koa-tokenapi'
import { startServer, withFolder } from '../example-app/process.js'
import { runSteps, stepsOf } from '../example-app/story.js'
import { withServer } from '../support/http.js'
import { send } from '../support/send.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(ROOT, 'docs/api-keys.md'), 'utf8')
const TEXTS = 1_000_000
const KEYS = 10_000
const ALIKE = 100_000

/** Random texts, the same in every run: AES in counter mode under a fixed key. */
function randomTexts(count: number, length: number, seed: number): string[] {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16))
  const text = cipher.update(Buffer.alloc(Math.ceil((count * length * 3) / 4))).toString('base64url')
  return Array.from({ length: count }, (_, at) => text.slice(at * length, (at + 1) * length))
}

/** A key as it leaks: in a setting, in code, in a URL, in JSON, by itself. */
function leaksOf(key: string): readonly string[] {
  return [
    key,
    `KEY=${key}\n`,
    `const key = '${key}'`,
    `https://api.example.org/?key=${key}&x=1`,
    `{"key":"${key}"}`,
    `Authorization: Bearer ${key}`,
  ]
}

/** The page's patterns. */
function rules(): readonly RegExp[] {
  const [, regex = ''] = /^```regex\n(.*)\n```$/m.exec(page) ?? []
  const [, gitleaks = ''] = /^regex = '''(.*)'''$/m.exec(page) ?? []
  const cell = (name: string): string =>
    (new RegExp(`^\\| ${name} +\\| \`(.*?)\` +\\|$`, 'm').exec(page)?.[1] ?? '')
      .replaceAll('\\|', '|')
      .replace('\\A', '^')
      .replace('\\z', '$') // as Go and Ruby write them
  const [secret, before, after] = ['secret format', 'before it', 'after it'].map(cell)
  return [new RegExp(regex), new RegExp(gitleaks), new RegExp(`(?:${before})${secret}(?:${after})`)]
}

describe('docs/api-keys.md', function () {
  this.timeout(60_000)
  let folder: string
  let examples: string[]
  let keys: string[]

  before(async () => {
    // Inside the project, so that 'koa-tokenapi' is found there as a user finds it.
    await mkdir(join(ROOT, '.tmp'), { recursive: true })
    folder = await mkdtemp(join(ROOT, '.tmp', 'api-keys-'))
    const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block = '']) => block)
    examples = blocks.map((_, at) => join(folder, `example-${at + 1}.ts`))
    for (const [at, file] of examples.entries()) await writeFile(file, blocks[at] ?? '')
    const api = apiKeys({ users: memoryUsers<User>([]), store: memoryTokens() })
    keys = []
    for (let id = 1; id <= KEYS; id += 1) keys.push((await api.issue({ id, username: 'ann', password: null })).token)
  })
  after(() => rm(folder, { recursive: true }))

  it('has examples that compile', async () => {
    expect(examples).to.have.lengthOf(3)
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['.'] }))
    const tsc = join(ROOT, 'node_modules/.bin/tsc')
    const { stdout } = await promisify(execFile)(tsc, ['-p', folder]).catch((error: { stdout: string }) => error)
    expect(stdout).to.equal('')
  })

  it('has an example that takes a key in both headers', async () => {
    const { app, keys: api } = (await import(pathToFileURL(examples[0] ?? '').href)) as {
      readonly app: Koa
      readonly keys: ApiKeys<User>
    } // as the page has it
    const ann = { id: 1, username: 'ann', password: null }
    const { token } = await api.issue(ann, { name: 'CI', limits: [{ scopes: ['deploy'] }] })
    expect(token).to.match(/^acme_live_/)
    await withServer(app, async ({ url }) => {
      for (const headers of [{ authorization: `Bearer ${token}` }, { 'x-api-key': token }]) {
        const { json } = await send(url, '/deployments', { method: 'POST', headers })
        expect(json).to.deep.equal({ success: true, user: 'ann', key: 'CI' })
      }
    })
  })

  it('has a story that the example app tells, line by line', async () => {
    const steps = stepsOf(page)
    expect(steps).to.have.lengthOf(9)
    await withFolder(async (data) => {
      const server = await startServer({ DATABASE_URL: `sqlite:${join(data, 'story.sqlite3')}`, SEED_DEMO: '1' })
      try {
        await runSteps(steps, server.url)
      } finally {
        await server.stop()
      }
    })
  })

  describe('the rules for scanners', () => {
    it('find every key, in whatever it stands', () => {
      expect(rules().map(String).join()).to.include('key_[0-9A-Za-z]{49}')
      for (const rule of rules()) {
        const missed = keys.filter((key) => !leaksOf(key).every((text) => rule.test(text)))
        expect(missed, String(rule)).to.deep.equal([])
      }
      expect(page).to.include('keywords = ["key_"]')
      expect(keys.every((key) => key.includes('key_'))).to.equal(true)
    })

    it('find nothing in a million random texts', () => {
      const texts = randomTexts(TEXTS, 64, 1)
      expect(new Set(texts.slice(0, 1000))).to.have.property('size', 1000)
      for (const rule of rules())
        expect(
          texts.filter((text) => rule.test(text)),
          String(rule),
        ).to.deep.equal([])
    })

    it('are followed by a checksum that no text which only looks like a key passes', async () => {
      const { isKey } = (await import(pathToFileURL(examples[2] ?? '').href)) as {
        readonly isKey: (text: string) => boolean
      } // as the page has it
      expect(keys.filter((key) => !isKey(key))).to.deep.equal([])
      const alike = randomTexts(ALIKE, 52, 2).map((text) => `key_${text.replaceAll(/[-_]/g, '').slice(0, 49)}`)
      expect(alike.filter((text) => isKey(text))).to.deep.equal([])
      expect(alike.filter((text) => rules()[0]?.test(text)).length).to.be.above(ALIKE / 2)
    })
  })
})
