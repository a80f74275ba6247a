import { expect } from 'chai'
import { scrypt } from '../../lib/index.js'
import { behavesLikeAHasher } from '../support/hasher.contract.js'

const KEY = Buffer.alloc(64).toString('base64')

/** A PHC string of scrypt with these parameters. */
function phcOf(parameters: string): string {
  return `$scrypt$${parameters}$${'A'.repeat(22)}$${'A'.repeat(43)}`
}

describe('scrypt', () => {
  behavesLikeAHasher({
    cheap: () => scrypt({ cost: 2, parallelization: 1 }),
    costly: () => scrypt({ cost: 4, parallelization: 1 }),
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
      'a PHC string with a version': phcOf('v=1$ln=4,r=8,p=1'),
      'a PHC string with N instead of its logarithm': phcOf('n=16,r=8,p=1'),
      'a PHC string without ln': phcOf('r=8,p=1'),
      'a PHC string with ln twice': phcOf('ln=4,ln=4,r=8,p=1'),
      'a PHC string with one more parameter': phcOf('ln=4,r=8,p=1,x=1'),
      'a PHC string with ln=0': phcOf('ln=0,r=8,p=1'),
      'a PHC string with a leading zero': phcOf('ln=04,r=8,p=1'),
      'a PHC string with a sign': phcOf('ln=+4,r=8,p=1'),
      'a PHC string with a blank': phcOf('ln=4, r=8,p=1'),
      'a PHC string of more than 256 MiB': phcOf('ln=18,r=8,p=1'),
      'a PHC string with N beyond every number': phcOf('ln=2048,r=8,p=1'),
      'a PHC string with p of 17': phcOf('ln=4,r=8,p=17'),
      'a PHC string with N too large for r': phcOf('ln=16,r=1,p=1'),
      'a PHC string with padding': `${phcOf('ln=4,r=8,p=1')}=`,
      'a PHC string without a key': phcOf('ln=4,r=8,p=1').slice(0, -44),
      'a PHC string with a short key': phcOf('ln=4,r=8,p=1').slice(0, -22),
      'a PHC string in the alphabet of URLs': phcOf('ln=4,r=8,p=1').replace(/A$/, '-'),
      'a PHC string in upper case': phcOf('LN=4,R=8,P=1'),
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

  it('reads PHC strings, with their parameters in any order, and finds cheaper ones and short salts outdated', async () => {
    const hasher = scrypt({ cost: 4, blockSize: 8, parallelization: 2 })
    // RFC 7914 §12, with the salt in base64.
    const key = '/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfosGLQA'
    for (const list of ['ln=10,r=8,p=16', 'p=16,r=8,ln=10', 'r=8,ln=10,p=16']) {
      const encoded = `$scrypt$${list}$TmFDbE5hQ2w$`
      expect(hasher.read(encoded + key.slice(0, 43))?.outdated, list).to.equal(true)
    }
    const long = phcOf('ln=2,r=8,p=2')
    expect(hasher.read(long)?.outdated).to.equal(false)
    expect(hasher.read(long)?.cost).to.equal(hasher.read(hasher.decoy)?.cost)
    for (const cheaper of ['ln=1,r=8,p=2', 'ln=2,r=7,p=2', 'ln=2,r=8,p=1']) {
      expect(hasher.read(phcOf(cheaper))?.outdated, cheaper).to.equal(true)
    }
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
