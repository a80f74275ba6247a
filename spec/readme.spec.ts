import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import Koa from 'koa'
import { memoryUsers, tokenApi } from 'koa-tokenapi'
import { runSteps, stepsOf } from './example-app/story.js'
import { withServer } from './support/http.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const LISTENS = 'listens on '
/** What the examples read, and nothing that leads anywhere. */
const ENV = {
  ...process.env,
  TOKEN_SECRET: 'a secret of the specs, long enough to be one',
  DJANGO_SECRET_KEY: 'another secret of the specs, long enough',
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
}

describe('the README', function () {
  this.timeout(60_000) // each example is a process

  let folder: string
  let readme: string
  let files: string[]

  before(async () => {
    readme = await readFile(join(ROOT, 'README.md'), 'utf8')
    // Inside the project, so that 'koa-tokenapi' is found there as a user finds it.
    await mkdir(join(ROOT, '.tmp'), { recursive: true })
    folder = await mkdtemp(join(ROOT, '.tmp', 'readme-'))
    const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block = '']) => block)
    files = blocks.map((_, at) => join(folder, `example-${at + 1}.ts`))
    for (const [at, file] of files.entries()) await writeFile(file, blocks[at] ?? '')
  })
  after(() => rm(folder, { recursive: true }))

  it('has examples that compile', async () => {
    expect(files).to.have.length.above(3)
    const config = { extends: '../../tsconfig.json', include: ['.'] }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(ROOT, 'node_modules/.bin/tsc')
    const { stdout } = await promisify(execFile)(tsc, ['-p', folder]).catch((error: { stdout: string }) => error)
    expect(stdout).to.equal('')
  })

  describe('has a quick start', () => {
    let source: string
    let child: ChildProcess
    let url: string
    let output = ''

    before(async () => {
      source = await readFile(files[0] ?? '', 'utf8')
      const listen = `const server = app.listen(0, () => console.log('${LISTENS}' + JSON.stringify(server.address())))`
      const file = join(folder, 'quick-start.ts')
      await writeFile(file, source.replace('app.listen(3000)', listen))
      child = spawn(process.execPath, ['--import', 'tsx', file], { cwd: ROOT, env: ENV })
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
      }
      url = `http://localhost:${await portOf(child)}`
    })
    after(() => child.kill())

    it('of about 20 lines', () => {
      expect(source.split('\n').length).to.be.below(24)
    })

    it('that responds as its curl lines show', async () => {
      const steps = stepsOf(readme)
      expect(steps).to.have.length.above(2)
      await runSteps(steps, url)
    })

    it('that logs nothing of a body that cannot be read', async () => {
      const body = '{"username":"ann","password":"open sesame"'
      const headers = { 'content-type': 'application/json' }
      const { status } = await fetch(`${url}/token/new`, { method: 'POST', body, headers })
      expect(status).to.equal(400)
      expect(output)
        .to.include(LISTENS)
        .and.not.match(/sesame|password|JSON at|Unexpected/)
    })
  })

  it('has further examples that start', async function () {
    this.timeout(120_000) // each is a process
    for (const file of files.slice(1)) {
      await promisify(execFile)(process.execPath, ['--import', 'tsx', file], { cwd: ROOT, env: ENV })
    }
  })

  it('lists all options of tokenApi', async () => {
    const [section = ''] = /^## Options$.*?^## /ms.exec(readme) ?? []
    const listed = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)
    const sources = await Promise.all(
      ['lib/apis/token-api-contract.ts', 'lib/apis/token-api.ts'].map((path) => readFile(join(ROOT, path), 'utf8')),
    )
    const options = sources.flatMap((source) => {
      const bodies = [...source.matchAll(/^export interface \w+Options<.*?^}/gms)].map(([body]) => body).join('\n')
      return [...bodies.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name)
    })
    expect(listed).to.have.members([...new Set(options)])
  })

  it('is right about CORS before the guard', async () => {
    const api = tokenApi({ users: memoryUsers([]), secret: ENV.TOKEN_SECRET })
    const app = new Koa()
    app.use(async (ctx, next) => {
      ctx.set('Access-Control-Allow-Origin', 'https://app.example')
      if (ctx.method === 'OPTIONS') ctx.status = 204
      else await next()
    })
    app.use(api.tokenRequired())
    await withServer(app, async ({ url }) => {
      expect((await fetch(url, { method: 'OPTIONS' })).status).to.equal(204)
      const refused = await fetch(url)
      expect(refused.status).to.equal(401)
      expect(refused.headers.get('access-control-allow-origin')).to.equal('https://app.example')
    })
  })
})

/** The port of a server, from the line that says it listens. */
async function portOf(child: ChildProcess): Promise<number> {
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const gone = once(child, 'exit')
  while (!output.includes('}')) {
    if (child.stdout === null) throw new Error('it has no output')
    const [ended] = await Promise.race([once(child.stdout, 'data').then(() => [false]), gone.then(() => [true])])
    if (ended === true) throw new Error(`the example ended:\n${output}`)
  }
  const { port } = JSON.parse(output.slice(output.indexOf(LISTENS) + LISTENS.length)) as { port: number } // as written above
  return port
}
