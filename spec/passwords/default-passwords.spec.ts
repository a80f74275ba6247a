import { expect } from 'chai'
import { argon2, bcrypt, hashPassword, needsRehash, pbkdf2, scrypt, verifyPassword } from '../../lib/index.js'

const PASSWORD = 'correct horse battery staple'

describe('hashPassword, verifyPassword and needsRehash', () => {
  it('make and know hashes of Django 5.2', async () => {
    const hash = await hashPassword(PASSWORD)
    expect(hash).to.match(/^scrypt\$16384\$[0-9A-Za-z]{22}\$8\$5\$[0-9A-Za-z+/]{86}==$/)
    expect(await verifyPassword(PASSWORD, hash)).to.equal(true)
    expect(await verifyPassword(`${PASSWORD}x`, hash)).to.equal(false)
    expect(needsRehash(hash)).to.equal(false)
  })

  it('know every format of Django but the unsalted ones', async () => {
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

  it('know nothing of nobody', async () => {
    expect(await verifyPassword(PASSWORD, null)).to.equal(false)
    expect(await verifyPassword(PASSWORD, '!')).to.equal(false)
  })

  it('make no hash of an empty password', async () => {
    const outcome = await hashPassword('').catch((error: unknown) => error)
    expect(outcome).to.be.instanceOf(TypeError)
  })
})
