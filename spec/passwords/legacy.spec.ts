import { expect } from 'chai'
import { legacy } from '../../lib/index.js'
import { unreadableHashes } from '../support/hasher.contract.js'

const SALTED = {
  md5: 'md5$aVeryLongSalt0123456789$99e8d3067daa09f8d7451979706a4665',
  sha1: 'sha1$aVeryLongSalt0123456789$f767b1954743d3c675340897459a95539411d15c',
}
const UNSALTED = {
  'md5 with a prefix': 'md5$$f216144a92aa74c07e1e7f0ab792477d',
  'bare md5': 'f216144a92aa74c07e1e7f0ab792477d',
  sha1: 'sha1$$81c6d86804114913b5610a1d4ba834bbcbbf90a1',
}

describe('legacy', () => {
  for (const [what, encoded] of Object.entries(SALTED)) {
    it(`reads salted ${what}, and finds it outdated`, async () => {
      for (const hasher of [legacy(), legacy({ unsalted: true })]) {
        const stored = hasher.read(encoded)
        expect(await stored?.verify('GGGGGG')).to.equal(true)
        expect(await stored?.verify('GGGGGGx')).to.equal(false)
        expect(stored?.outdated).to.equal(true)
      }
    })
  }

  for (const [what, encoded] of Object.entries(UNSALTED)) {
    it(`reads unsalted ${what} only where it is asked for`, async () => {
      expect(legacy().read(encoded)).to.equal(null)
      expect(legacy({ unsalted: false }).read(encoded)).to.equal(null)
      const stored = legacy({ unsalted: true }).read(encoded)
      expect(await stored?.verify('GGGGGG')).to.equal(true)
      expect(await stored?.verify('GGGGGGx')).to.equal(false)
      expect(stored?.outdated).to.equal(true)
    })
  }

  const unreadable: Readonly<Record<string, string>> = {
    ...unreadableHashes,
    'bare sha1': '81c6d86804114913b5610a1d4ba834bbcbbf90a1',
    'md5 as long as sha1': 'md5$salt$81c6d86804114913b5610a1d4ba834bbcbbf90a1',
    'sha1 as long as md5': 'sha1$salt$f216144a92aa74c07e1e7f0ab792477d',
    'a digit too few': 'md5$salt$f216144a92aa74c07e1e7f0ab792477',
    'a digit too many': 'md5$salt$f216144a92aa74c07e1e7f0ab792477d0',
    'upper case': 'F216144A92AA74C07E1E7F0AB792477D',
    'no hex': 'g'.repeat(32),
    'a part too many': `md5$salt$more$${'0'.repeat(32)}`,
    'a line break': `${UNSALTED['bare md5']}\n`,
    'an empty digest': 'sha1$$',
    sha256: `sha256$salt$${'0'.repeat(64)}`,
    'only a salt': `$salt$${'0'.repeat(32)}`,
  }
  for (const [what, encoded] of Object.entries(unreadable)) {
    it(`does not read ${what}`, () => {
      expect(legacy({ unsalted: true }).read(encoded)).to.equal(null)
    })
  }

  it('makes no new hashes', async () => {
    const outcome = await legacy()
      .hash('password')
      .catch((error: unknown) => error)
    expect(outcome).to.be.instanceOf(TypeError)
  })

  it('has a decoy of its own', async () => {
    expect(await legacy().read(legacy().decoy)?.verify('')).to.equal(false)
  })
})
