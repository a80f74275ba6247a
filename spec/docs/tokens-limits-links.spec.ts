import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import Koa from 'koa'
import { type Limits, memoryUsers, sealedPairs, tokenApi, type User } from 'koa-tokenapi'
import { narrow } from 'koa-tokenapi/narrow'
import { runSteps, stepsOf } from '../example-app/story.js'
import { withServer } from '../support/http.js'
import { knownAnswers } from '../support/vectors.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(ROOT, 'docs/tokens-limits-links.md'), 'utf8')
const SECRET = 'a secret of the specs, long enough to be one'
const ENV = { ...process.env, TOKEN_SECRET: SECRET }
const DAY = 24 * 60 * 60

interface Session {
  readonly user: number
  readonly token: string
}

function blocksOf(language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text)
}

/** The block that starts with a text. */
function example(start: string, language = 'ts'): string {
  const found = blocksOf(language).filter((one) => one.startsWith(start))
  expect(found, start).to.have.lengthOf(1)
  return found[0] ?? ''
}

/** The limits of the known answers, each with the token that has them and the one that has none. */
async function knownChildren(): Promise<readonly { parent: string; limits: readonly Limits[]; child: string }[]> {
  // As the file is written.
  const vectors = knownAnswers('sealed_pair') as readonly (Record<
    'secret' | 'audience' | 'purpose' | 'userId',
    string
  > & {
    boundTo: readonly unknown[]
    issuedAt: number
    loggedInAt?: number
    login?: string
    limits: readonly Limits[]
    token: string
  })[]
  return Promise.all(
    vectors
      .filter(({ limits }) => limits.length > 0)
      .map(async ({ secret, audience, purpose, userId, issuedAt, loggedInAt, login, limits, token, boundTo }) => {
        const options = { secret, audience, purpose, lifetime: 1 }
        const kind = sealedPairs({ ...options, boundTo: () => boundTo, clock: () => issuedAt })
        const user: User = { id: userId, username: 'someone', password: null }
        const claims = { ...(loggedInAt !== undefined && { loggedInAt }), ...(login !== undefined && { id: login }) }
        return { parent: (await kind.issue(user, claims)).token, limits, child: token }
      }),
  )
}

/** Limits as the two recipes take them: a letter and a text, or seconds. */
function lettersOf(limits: readonly Limits[]): readonly (readonly [letter: string, value: string | number])[] {
  return limits.flatMap(({ expiresAt, scopes, methods, path }) => [
    ...(expiresAt === undefined ? [] : [['e', expiresAt] as const]),
    ...(scopes === undefined ? [] : [['s', scopes.join(' ')] as const]),
    ...(methods === undefined ? [] : [['m', methods.join(' ')] as const]),
    ...(path === undefined ? [] : [['p', path] as const]),
  ])
}

describe('docs/tokens-limits-links.md', function () {
  this.timeout(60_000) // it compiles and starts processes
  let folder: string

  before(() => {
    // Inside the project, so that 'koa-tokenapi' is found there as a user finds it.
    mkdirSync(join(ROOT, '.tmp'), { recursive: true })
    folder = mkdtempSync(join(ROOT, '.tmp', 'docs-'))
    for (const [at, code] of blocksOf('ts').entries()) writeFileSync(join(folder, `example-${at + 1}.ts`), code)
    writeFileSync(join(folder, 'narrow.py'), example('import base64', 'python'))
    writeFileSync(join(folder, 'narrow.sh'), example('base36()', 'sh'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('has examples that compile', async () => {
    expect(blocksOf('ts')).to.have.lengthOf(4)
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['.'] }))
    const tsc = join(ROOT, 'node_modules/.bin/tsc')
    const { stdout } = await promisify(execFile)(tsc, ['-p', folder]).catch((error: { stdout: string }) => error)
    expect(stdout).to.equal('')
  })

  it('narrows by 15 lines of Python as the known answers say', async () => {
    expect(example('import base64', 'python').trimEnd().split('\n')).to.have.length.at.most(16) // two of them are empty
    const children = await knownChildren()
    expect(children).to.have.lengthOf(26)
    const cases = children.map(({ parent, limits }) => [parent, ...lettersOf(limits)])
    const code =
      'import json, sys; from narrow import narrow; print(json.dumps([narrow(*one) for one in json.load(sys.stdin)]))'
    const output = execFileSync('python3', ['-c', code], {
      cwd: folder,
      input: JSON.stringify(cases),
      encoding: 'utf8',
    })
    expect(JSON.parse(output)).to.deep.equal(children.map(({ child }) => child))
  })

  it('narrows by 16 lines of shell as the known answers say', async () => {
    expect(example('base36()', 'sh').trimEnd().split('\n')).to.have.length.at.most(17)
    const children = (await knownChildren()).slice(0, 13) // each of them takes some thirty processes
    expect(children.at(-1)?.limits).to.have.lengthOf(8)
    const lines = children.map(({ parent, limits }) => {
      const quoted = lettersOf(limits).map((limit) => `'${limit.join('=').replaceAll("'", `'\\''`)}'`)
      return `narrow ${parent} ${quoted.join(' ')}`
    })
    const script = `. ./narrow.sh\n${lines.join('\n')}\nnarrow ${children[0]?.parent} || echo refused\n`
    const output = execFileSync('sh', ['-c', script], { cwd: folder, encoding: 'utf8' })
    expect(output.trimEnd().split('\n')).to.deep.equal([...children.map(({ child }) => child), 'refused'])
  })

  it('narrows and links as its examples say', async () => {
    const { forScript } = (await import(join(folder, 'example-2.ts'))) as {
      forScript: (token: string) => Promise<string>
    }
    const { downloadLink } = (await import(join(folder, 'example-3.ts'))) as {
      downloadLink: (session: Session) => Promise<string>
    }
    const [{ parent } = { parent: '' }] = await knownChildren()
    expect(await forScript(parent)).to.match(/\.e[0-9a-z]+\.sb3JkZXJzOnJlYWQ\.mR0VU-[0-9a-f]{64}$/)
    const url = new URL(await downloadLink({ user: 1, token: parent }))
    expect(url.href).to.match(/^http:\/\/localhost:3000\/files\/readme\?user=1&token=/)
    const linked = url.searchParams.get('token') ?? ''
    expect(await narrow(linked, { expiresAt: 1 })).to.match(/\.pL2ZpbGVzL3JlYWRtZQ\.e1-/)
  })

  it('renews past half of the life of a token, and not before', async () => {
    let time = Math.floor(Date.now() / 1000)
    const now = time
    const user: User = { id: 1, username: 'ann', password: 'scrypt$16384$salt$8$5$ann' }
    const api = tokenApi({ users: memoryUsers([user]), secret: SECRET, renewDays: 90, clock: () => time })
    await withServer(new Koa().use(api.routes()), async ({ url }) => {
      const file = join(folder, 'renewing-client.ts')
      writeFileSync(file, example('export interface Session').replace('http://localhost:3000', url))
      const { fresh } = (await import(file)) as { fresh: (session: Session) => Promise<Session> }
      const aged = async (days: number): Promise<Session> => {
        time = now - days * DAY
        const { token } = await api.issue(user, { loggedInAt: time })
        time = now
        return { user: 1, token }
      }
      const young = await aged(3)
      expect(await fresh(young)).to.equal(young)
      const renewed = await fresh(await aged(4))
      expect(renewed).to.include({ success: true, user: 1 })
      const verdict = await api.verify(renewed)
      expect(verdict.ok && verdict.value.token).to.include({ issuedAt: now, loggedInAt: now - 4 * DAY })
      const over = await aged(8)
      expect(await fresh(over), 'one that has expired').to.equal(over)
    })
  })

  it('has a server that responds as its story says', async () => {
    const steps = stepsOf(page)
    expect(steps).to.have.length.above(15)
    const port = await freePort()
    const file = join(folder, 'server.ts')
    const server = example('import { createReadStream }').replace(
      'app.listen(3000)',
      `app.listen(${port}, () => console.log('listens'))`,
    )
    writeFileSync(file, server)
    const child = spawn(process.execPath, ['--import', 'tsx', file], { cwd: ROOT, env: ENV })
    try {
      await started(child)
      await runSteps(steps, `http://localhost:${port}`, folder)
      expect(readFileSync(join(folder, 'copy.md'), 'utf8')).to.equal(readFileSync(join(ROOT, 'README.md'), 'utf8'))
    } finally {
      child.kill()
    }
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  const { port } = server.address() as { port: number } // it listens on TCP
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function started(child: ChildProcess): Promise<void> {
  let output = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => resolve())
    child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.once('exit', () => reject(new Error(`the example ended:\n${output}`)))
  })
}
