import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { keptSecret } from '../../example-app/secret.js'
import { withFolder } from './process.js'

describe('keptSecret', () => {
  it('makes a secret of 256 bits that only its owner can read, and keeps it', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'data', 'example.secret')
      const secret = await keptSecret(file)
      expect(Buffer.from(secret, 'base64url')).to.have.length(32)
      expect((await stat(file)).mode & 0o777).to.equal(0o600)
      expect(await keptSecret(file)).to.equal(secret)
      expect(await readFile(file, 'utf8')).to.equal(`${secret}\n`)
    })
  })

  it('gives concurrent callers the same secret, and leaves no drafts', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'example.secret')
      const secrets = await Promise.all(Array.from({ length: 50 }, () => keptSecret(file)))
      expect(new Set(secrets)).to.have.length(1)
      expect(await readdir(folder)).to.deep.equal(['example.secret'])
    })
  })

  it('uses a secret that was put there, and makes it readable only by its owner', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'example.secret')
      await writeFile(file, 'a secret that was put there by hand\n', { mode: 0o644 })
      expect(await keptSecret(file)).to.equal('a secret that was put there by hand')
      expect((await stat(file)).mode & 0o777).to.equal(0o600)
    })
  })
})
