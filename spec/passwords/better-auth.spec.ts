import { expect } from 'chai'
import { betterAuth, passwords, scrypt } from '../../lib/index.js'
import { unreadableHashes } from '../support/hasher.contract.js'

/** "correct horse battery staple", hashed by better-auth 1.7.25. */
const STORED =
  'cf8f473da0f20678d06900a45366c590:04182149849946ccbb4f6ff90e2f018202ed0f9182a71d2a7ccb841b79bda5ea957cb62c0330701c549aef5eaa7c9a1c9769cffd4d71f7f45edd2d7d61791dc8'
const PASSWORD = 'correct horse battery staple'
const SALT = '0'.repeat(32)
const KEY = '0'.repeat(128)

describe('betterAuth', () => {
  it('makes hashes of better-auth’s form and verifies them', async () => {
    const hasher = betterAuth()
    const [one, other] = [await hasher.hash('pässwörd'), await hasher.hash('pässwörd')]
    expect(one).to.match(/^[0-9a-f]{32}:[0-9a-f]{128}$/)
    expect(other).not.to.equal(one)
    expect(await hasher.read(one)?.verify('pässwörd')).to.equal(true)
    expect(await hasher.read(one)?.verify('pässwörd ')).to.equal(false)
    expect(hasher.read(one)?.outdated).to.equal(false)
  })

  it('verifies what better-auth made', async () => {
    expect(await betterAuth().read(STORED)?.verify(PASSWORD)).to.equal(true)
    expect(await betterAuth().read(STORED)?.verify(`${PASSWORD}x`)).to.equal(false)
  })

  it('does not verify with another character in salt or key', async () => {
    for (const at of [0, 31, 33, 100, STORED.length - 1]) {
      const other = STORED.slice(0, at) + (STORED[at] === '0' ? '1' : '0') + STORED.slice(at + 1)
      expect(await betterAuth().read(other)?.verify(PASSWORD), String(at)).to.equal(false)
    }
  })

  it('takes composed and decomposed letters for one password, as better-auth does', async () => {
    const stored = betterAuth().read(await betterAuth().hash('café ﬁ'))
    for (const same of ['café ﬁ', 'cafe\u0301 ﬁ', 'café fi']) expect(await stored?.verify(same), same).to.equal(true)
    expect(await stored?.verify('cafe fi')).to.equal(false)
  })

  it('labels the cost as scrypt() does, and has a decoy of that cost', async () => {
    const decoy = betterAuth().read(betterAuth().decoy)
    expect(decoy?.cost).to.equal('scrypt 16384 16 1')
    for (const password of ['', 'password']) expect(await decoy?.verify(password)).to.equal(false)
    const costs = { cost: 16384, blockSize: 16, parallelization: 1 }
    expect(scrypt(costs).read(scrypt(costs).decoy)?.cost).to.equal(decoy?.cost)
  })

  const unreadable: Readonly<Record<string, string>> = {
    ...unreadableHashes,
    'a short salt': `${SALT.slice(1)}:${KEY}`,
    'a long salt': `0${SALT}:${KEY}`,
    'no salt': `:${KEY}`,
    'a short key': `${SALT}:${KEY.slice(1)}`,
    'a long key': `${SALT}:${KEY}0`,
    'no key': `${SALT}:`,
    'upper case': `${SALT}:${'A'.repeat(128)}`,
    'another separator': `${SALT}.${KEY}`,
    'a part too many': `${SALT}:${KEY}:`,
    'a prefix': `scrypt:${SALT}:${KEY}`,
    'a line break': `${SALT}:${KEY}\n`,
  }
  for (const [what, encoded] of Object.entries(unreadable)) {
    it(`does not read ${what}`, () => {
      expect(betterAuth().read(encoded)).to.equal(null)
    })
  }

  it('reads only where it is named, since other programs write the same form at other costs', async () => {
    expect(await passwords().verify(PASSWORD, STORED)).to.equal(false)
    expect(await passwords({ hashers: [scrypt(), betterAuth()] }).verify(PASSWORD, STORED)).to.equal(true)
  })
})
