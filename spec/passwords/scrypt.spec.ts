import { expect } from 'chai'
import { scrypt } from '../../lib/index.js'
import { behavesLikeAHasher } from '../support/hasher.contract.js'

const KEY = Buffer.alloc(64).toString('base64')

describe('scrypt', () => {
  behavesLikeAHasher({
    cheap: () => scrypt({ cost: 2, parallelization: 1 }),
    dear: () => scrypt({ cost: 4, parallelization: 1 }),
    form: /^scrypt\$2\$[0-9A-Za-z]{22}\$8\$1\$[0-9A-Za-z+/]{86}==$/,
    unreadable: {
      'another algorithm': `Scrypt$2$salt$8$1$${KEY}`,
      'a part too few': `scrypt$2$salt$8$${KEY}`,
      'a part too many': `scrypt$2$salt$8$1$1$${KEY}`,
      'a bare name': 'scrypt',
      'empty parts': 'scrypt$$$$$',
      'an empty salt': `scrypt$2$$8$1$${KEY}`,
      'an empty digest': 'scrypt$2$salt$8$1$',
      'a short digest': `scrypt$2$salt$8$1$${Buffer.alloc(63).toString('base64')}`,
      'a long digest': `scrypt$2$salt$8$1$${Buffer.alloc(65).toString('base64')}`,
      'a digest without padding': `scrypt$2$salt$8$1$${KEY.slice(0, -2)}`,
      'a digest with bits behind its end': `scrypt$2$salt$8$1$${KEY.slice(0, -3)}B==`,
      'a digest that is no base64': `scrypt$2$salt$8$1$${'@'.repeat(88)}`,
      'a digest of wide letters': `scrypt$2$salt$8$1$${'é'.repeat(88)}`,
      'N that is no power of two': `scrypt$3$salt$8$1$${KEY}`,
      'N of 1': `scrypt$1$salt$8$1$${KEY}`,
      'N of 0': `scrypt$0$salt$8$1$${KEY}`,
      'a negative N': `scrypt$-2$salt$8$1$${KEY}`,
      'N with a leading zero': `scrypt$02$salt$8$1$${KEY}`,
      'N with a blank': `scrypt$ 2$salt$8$1$${KEY}`,
      'N as a power': `scrypt$2e3$salt$8$1$${KEY}`,
      'N in hex': `scrypt$0x2$salt$8$1$${KEY}`,
      'no N': `scrypt$$salt$8$1$${KEY}`,
      'r of 0': `scrypt$2$salt$0$1$${KEY}`,
      'p of 0': `scrypt$2$salt$8$0$${KEY}`,
      'N of more than 256 MiB': `scrypt$262144$salt$8$1$${KEY}`,
      'N of terabytes': `scrypt$4294967296$salt$8$1$${KEY}`,
      'N beyond every number': `scrypt$${'9'.repeat(400)}$salt$8$1$${KEY}`,
      'r of gigabytes': `scrypt$2$salt$4194304$1$${KEY}`,
      'p of 17': `scrypt$2$salt$8$17$${KEY}`,
      // RFC 7914 §2: N < 2^(16 r). OpenSSL throws for it.
      'N too large for r': `scrypt$65536$salt$1$1$${KEY}`,
    },
  })

  it('makes hashes with Django 5.2’s parameters by default', async () => {
    const hash = await scrypt().hash('password')
    expect(hash).to.match(/^scrypt\$16384\$[0-9A-Za-z]{22}\$8\$5\$[0-9A-Za-z+/]{86}==$/)
    expect(await scrypt().read(hash)?.verify('password')).to.equal(true)
  })

  it('computes what RFC 7914 §12 says', async () => {
    const digest =
      'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640'
    const encoded = `scrypt$1024$NaCl$8$16$${Buffer.from(digest, 'hex').toString('base64')}`
    expect(await scrypt().read(encoded)?.verify('password')).to.equal(true)
    expect(await scrypt().read(encoded)?.verify('Password')).to.equal(false)
  })

  it('goes beyond the memory that Node.js allows by default', async () => {
    const stored = scrypt().read(`scrypt$32768$salt$8$1$${KEY}`)
    expect(await stored?.verify('password')).to.equal(false)
  })

  it('finds any smaller parameter outdated, and a shorter salt', () => {
    const hasher = scrypt({ cost: 4, blockSize: 8, parallelization: 2 })
    const long = 'x'.repeat(22)
    const outdated = (encoded: string): boolean | undefined => hasher.read(encoded)?.outdated
    expect(outdated(`scrypt$4$${long}$8$2$${KEY}`)).to.equal(false)
    expect(outdated(`scrypt$8$${long}$9$3$${KEY}`)).to.equal(false)
    expect(outdated(`scrypt$2$${long}$8$2$${KEY}`)).to.equal(true)
    expect(outdated(`scrypt$4$${long}$7$2$${KEY}`)).to.equal(true)
    expect(outdated(`scrypt$4$${long}$8$1$${KEY}`)).to.equal(true)
    expect(outdated(`scrypt$4$${long.slice(1)}$8$2$${KEY}`)).to.equal(true)
  })

  it('takes no parameters that it could not read back', () => {
    const wrong: readonly object[] = [
      { cost: 0 },
      { cost: 1 },
      { cost: 3 },
      { cost: 2 ** 18 },
      { cost: NaN },
      { cost: Infinity },
      { cost: '16384' },
      { cost: null },
      { cost: 65536, blockSize: 1 },
      { blockSize: 0 },
      { blockSize: 1.5 },
      { parallelization: 0 },
      { parallelization: 17 },
    ]
    for (const options of wrong) {
      expect(() => scrypt(options), JSON.stringify(options)).to.throw(TypeError, 'cost')
    }
    expect(() => scrypt({ cost: 2 ** 17, blockSize: 8, parallelization: 16 })).not.to.throw()
    expect(() => scrypt({ cost: 32768, blockSize: 1 })).not.to.throw()
  })
})
