import { execFileSync } from 'node:child_process'
import crypto from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'

const root = new URL('..', import.meta.url).pathname
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>
  dependencies: Record<string, string>
}
const entries = Object.keys(manifest.exports).filter((name) => name !== './package.json')

describe('the package', () => {
  let folder: string
  let files: string[]

  before(function () {
    this.timeout(120_000) // it is built and packed
    folder = mkdtempSync(join(tmpdir(), 'koa-tokenapi-'))
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root, stdio: 'pipe' })
    const modules = join(folder, 'node_modules')
    mkdirSync(join(modules, 'koa-tokenapi'), { recursive: true })
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? ''
    const inside = join(modules, 'koa-tokenapi')
    files = execFileSync('tar', ['-xzvf', join(folder, tarball), '--strip-components=1', '-C', inside], {
      encoding: 'utf8',
    })
      .trim()
      .split('\n')
    // Everything else is what the project itself has installed.
    for (const name of readdirSync(join(root, 'node_modules'))) {
      if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name))
    }
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const run = (code: string, type: 'module' | 'commonjs'): string =>
    execFileSync(process.execPath, ['--no-warnings', `--input-type=${type}`, '-e', code], {
      cwd: folder,
      encoding: 'utf8',
    })

  for (const entry of entries) {
    const name = entry.replace(/^\./, 'koa-tokenapi')

    it(`gives ${name} the same names by import and by require`, async () => {
      const source = {
        '.': '../lib/index.js',
        './knex': '../lib/knex.js',
        './jwt': '../lib/jwt.js',
        './narrow': '../lib/narrow.js',
      }[entry]
      const expected = Object.keys((await import(source ?? '')) as object).toSorted()
      const imported = JSON.parse(
        run(`console.log(JSON.stringify(Object.keys(await import('${name}')).sort()))`, 'module'),
      ) as string[]
      const required = JSON.parse(
        run(`console.log(JSON.stringify(Object.keys(require('${name}')).sort()))`, 'commonjs'),
      ) as string[]
      expect(imported).to.deep.equal(expected)
      expect(required.filter((key) => key !== '__esModule')).to.deep.equal(expected)
    })
  }

  it('has types that a strict project compiles with', function () {
    this.timeout(60_000)
    const consumer = `import { tokenApi, memoryUsers } from 'koa-tokenapi'
import { knexUsers } from 'koa-tokenapi/knex'
import { jwtApi } from 'koa-tokenapi/jwt'
import { narrow } from 'koa-tokenapi/narrow'
const users = memoryUsers([{ id: 1, username: 'demo', password: 'hash', email: 'demo@example.com' }])
const api = tokenApi({ users, secret: process.env['TOKEN_SECRET'] })
export const emailOf = api.tokenRequired((ctx) => { const email: string = ctx.state.user.email; ctx.body = email })
export const others = [knexUsers, narrow, jwtApi({ users, secret: process.env['TOKEN_SECRET'] })]
`
    writeFileSync(join(folder, 'consumer.mts'), consumer)
    const options = [
      '--strict',
      '--noEmit',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--types',
      'node',
      '--skipLibCheck',
    ]
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'consumer.mts'], {
      cwd: folder,
    })
  })

  it('runs its command', () => {
    const command = join(folder, 'node_modules/koa-tokenapi/dist/cli/koa-tokenapi.js')
    expect(execFileSync(process.execPath, [command, '--help'], { encoding: 'utf8' })).to.include('import-tokens')
  })

  it('works without the optional packages, and names the one that is missing', () => {
    const bare = mkdtempSync(join(tmpdir(), 'koa-tokenapi-bare-')) // beside the other folder, whose packages it must not find
    mkdirSync(join(bare, 'node_modules'), { recursive: true })
    cpSync(join(folder, 'node_modules/koa-tokenapi'), join(bare, 'node_modules/koa-tokenapi'), { recursive: true })
    for (const name of ['koa', '@koa', 'rate-limiter-flexible']) {
      symlinkSync(join(root, 'node_modules', name), join(bare, 'node_modules', name))
    }
    const code = `const { argon2, verifyPassword } = require('koa-tokenapi')
      try { argon2() } catch (error) { console.log(error.message.split('\\n')[0]) }
      verifyPassword('password', 'pbkdf2_sha1$1$seasalt$gtaCUSzGeubktSHyowRfQlqGaMY=').then(console.log)`
    const said = execFileSync(process.execPath, ['--no-warnings', '-e', code], { cwd: bare, encoding: 'utf8' })
    rmSync(bare, { recursive: true, force: true })
    // Node.js 24.7 and later has Argon2 itself.
    const isBuiltIn = 'argon2' in crypto
    const missing = isBuiltIn ? '' : 'argon2() needs an optional package: npm install @node-rs/argon2 or argon2\n'
    expect(said).to.equal(`${missing}true\n`)
  })

  it('holds the built files, the README and the licence, and nothing else', () => {
    const outside = files.filter((file) => !/^package\/(dist\/|package\.json$|README\.md$|LICENSE$)/.test(file))
    expect(outside).to.deep.equal([])
    expect(files).to.include.members([
      'package/README.md',
      'package/LICENSE',
      'package/dist/index.js',
      'package/dist/index.d.ts',
    ])
  })

  it('depends on two packages', () => {
    expect(Object.keys(manifest.dependencies).toSorted()).to.deep.equal(['jose', 'rate-limiter-flexible'])
  })
})

describe('the lock file', () => {
  it('holds no addresses, so that it installs from anywhere', () => {
    expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.to.match(/"resolved"|https?:\/\/[^"]*registry/)
  })
})
