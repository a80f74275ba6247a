import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { argon2, bcrypt, hashPassword, needsRehash, pbkdf2, scrypt, verifyPassword } from '../../lib/index.js'

const PASSWORD = 'correct horse battery staple'

describe('hashPassword, verifyPassword and needsRehash', () => {
  it('make and read hashes of Django 5.2', async () => {
    const hash = await hashPassword(PASSWORD)
    expect(hash).to.match(/^scrypt\$16384\$[0-9A-Za-z]{22}\$8\$5\$[0-9A-Za-z+/]{86}==$/)
    expect(await verifyPassword(PASSWORD, hash)).to.equal(true)
    expect(await verifyPassword(`${PASSWORD}x`, hash)).to.equal(false)
    expect(needsRehash(hash)).to.equal(false)
  })

  it('read every format of Django but the unsalted ones', async () => {
    const others = [
      await scrypt({ cost: 2, parallelization: 1 }).hash(PASSWORD),
      await pbkdf2({ iterations: 1 }).hash(PASSWORD),
      await argon2({ memoryCost: 8, timeCost: 1, parallelism: 1 }).hash(PASSWORD),
      await bcrypt({ cost: 4 }).hash(PASSWORD),
    ]
    for (const hash of others) {
      expect(await verifyPassword(PASSWORD, hash), hash).to.equal(true)
      expect(needsRehash(hash), hash).to.equal(true)
    }
    expect(await verifyPassword('password', 'pbkdf2_sha1$1$seasalt$gtaCUSzGeubktSHyowRfQlqGaMY=')).to.equal(true)
    expect(await verifyPassword('password', 'sha1$seasalt$6292fe549ea4fd63a742ce4c58115c04e58732ea')).to.equal(true)
    expect(await verifyPassword('password', '5f4dcc3b5aa765d61d8327deb882cf99')).to.equal(false)
  })

  it('refuse every password without a stored hash', async () => {
    expect(await verifyPassword(PASSWORD, null)).to.equal(false)
    expect(await verifyPassword(PASSWORD, '!')).to.equal(false)
  })

  it('make no hash of an empty password', async () => {
    const outcome = await hashPassword('').catch((error: unknown) => error)
    expect(outcome).to.be.instanceOf(TypeError)
  })
})

describe('an optional package', () => {
  const HASHES = ['argon2', 'bcrypt'].map((name) => `${name}$x`)
  const lib = new URL('../../lib/index.ts', import.meta.url).href

  /** The output of a process in which no module that matches is found: whether a default hash and the others verify. */
  async function withoutModules(
    pattern: string,
  ): Promise<{ readonly out: string; readonly warnings: readonly string[] }> {
    const hook = `
      import Module from 'node:module'
      const resolve = Module._resolveFilename
      Module._resolveFilename = function (name, ...rest) {
        if (!new RegExp(${JSON.stringify(pattern)}).test(name)) return resolve.call(this, name, ...rest)
        throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' })
      }`
    const script = `
      import { hashPassword, verifyPassword } from ${JSON.stringify(lib)}
      const hash = await hashPassword('x')
      console.log(await verifyPassword('x', hash), ...await Promise.all(${JSON.stringify(HASHES)}.map((one) => verifyPassword('x', one))))`
    const args = ['--import', 'tsx', '--import', `data:text/javascript,${encodeURIComponent(hook)}`]
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      ...args,
      '--input-type=module',
      '-e',
      script,
    ])
    return { out: stdout.trim(), warnings: stderr.match(/@node-rs.*/g) ?? [] }
  }

  it('that is not installed is left out without a warning', async () => {
    expect(await withoutModules('^@node-rs/')).to.deep.equal({ out: 'true false false', warnings: [] })
  }).timeout(20_000)

  it('without its native binary counts as not installed, with a warning', async () => {
    const { out, warnings } = await withoutModules('^@node-rs/(argon2|bcrypt)-|[.]node$')
    expect(out).to.equal('true false false')
    expect(warnings).to.have.lengthOf(2)
    for (const [at, name] of ['argon2', 'bcrypt'].entries()) {
      expect(warnings[at]).to.match(new RegExp(`^@node-rs/${name} is installed, but its native binary`))
    }
  }).timeout(20_000)
})
