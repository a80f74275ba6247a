import { expect } from 'chai'
import { pbkdf2, type Pbkdf2Options } from '../../lib/index.js'
import { behavesLikeAHasher } from '../support/hasher.contract.js'

const KEY = Buffer.alloc(32).toString('base64')
const KEY_SHA1 = Buffer.alloc(20).toString('base64')
const UNPADDED = KEY.slice(0, -1)
const SALT = 'A'.repeat(22)
const LONG = 'x'.repeat(22)

describe('pbkdf2', () => {
  behavesLikeAHasher({
    cheap: () => pbkdf2({ iterations: 1 }),
    costly: () => pbkdf2({ iterations: 2 }),
    form: /^pbkdf2_sha256\$1\$[0-9A-Za-z]{22}\$[0-9A-Za-z+/]{43}=$/,
    unreadable: {
      'another digest': `pbkdf2_sha512$1$salt$${KEY}`,
      'a name in upper case': `PBKDF2_SHA256$1$salt$${KEY}`,
      'a bare name': 'pbkdf2_sha256',
      'empty parts': 'pbkdf2_sha256$$$',
      'an empty salt': `pbkdf2_sha256$1$$${KEY}`,
      'an empty digest': 'pbkdf2_sha256$1$salt$',
      'a part too many': `pbkdf2_sha256$1$salt$${KEY}$extra`,
      'a digest of another length': `pbkdf2_sha256$1$salt$${KEY_SHA1}`,
      'a sha1 digest of another length': `pbkdf2_sha1$1$salt$${KEY}`,
      'a digest without padding': `pbkdf2_sha256$1$salt$${KEY.slice(0, -1)}`,
      'a digest with bits behind its end': `pbkdf2_sha256$1$salt$${KEY.slice(0, -2)}B=`,
      'a digest in the alphabet of URLs': `pbkdf2_sha256$1$salt$${'-'.repeat(43)}=`,
      'a digest of wide letters': `pbkdf2_sha256$1$salt$${'é'.repeat(44)}`,
      'no iterations': `pbkdf2_sha256$0$salt$${KEY}`,
      'negative iterations': `pbkdf2_sha256$-1$salt$${KEY}`,
      'iterations with a leading zero': `pbkdf2_sha256$01$salt$${KEY}`,
      'iterations with blanks': `pbkdf2_sha256$ 1 $salt$${KEY}`,
      'iterations and a half': `pbkdf2_sha256$1.5$salt$${KEY}`,
      'iterations as a power': `pbkdf2_sha256$1e3$salt$${KEY}`,
      'Arabic iterations': `pbkdf2_sha256$١$salt$${KEY}`,
      'more iterations than the ceiling': `pbkdf2_sha256$5000001$salt$${KEY}`,
      'a PHC string without iterations': `$pbkdf2-sha256$${SALT}$${UNPADDED}`,
      'a PHC string of too many iterations': `$pbkdf2-sha256$i=5000001$${SALT}$${UNPADDED}`,
      'too many iterations as passlib writes them': `$pbkdf2-sha256$5000001$${SALT}$${UNPADDED}`,
      'a leading zero as passlib would write it': `$pbkdf2-sha256$01$${SALT}$${UNPADDED}`,
      'a PHC string with another length than its key': `$pbkdf2-sha256$i=1,l=31$${SALT}$${UNPADDED}`,
      'a PHC string with a length of 0': `$pbkdf2-sha256$i=1,l=0$${SALT}$${UNPADDED}`,
      'a PHC string with an unknown parameter': `$pbkdf2-sha256$i=1,x=1$${SALT}$${UNPADDED}`,
      'a PHC string with a version': `$pbkdf2-sha256$v=1$i=1$${SALT}$${UNPADDED}`,
      'a PHC string with an unknown digest': `$pbkdf2-md5$i=1$${SALT}$${UNPADDED}`,
      'a PHC string whose key costs its rounds twice': `$pbkdf2-sha1$i=1$${SALT}$${UNPADDED}`,
      'a PHC string in passlib’s alphabet': `$pbkdf2-sha256$i=1$${SALT}$.${UNPADDED.slice(1)}`,
      'passlib’s form in the alphabet of PHC strings': `$pbkdf2-sha256$1$${SALT}$+${UNPADDED.slice(1)}`,
      'iterations beyond every number': `pbkdf2_sha256$${'9'.repeat(400)}$salt$${KEY}`,
    },
  })

  it('makes hashes with Django 5.2’s iterations by default', async () => {
    expect(pbkdf2().decoy).to.match(/^pbkdf2_sha256\$1000000\$/)
  })

  it('reads salts of any characters but a dollar', async () => {
    for (const salt of ['s', 'sälty', ' ', 'a/b+c=', '\0', '\ud800']) {
      const stored = pbkdf2({ iterations: 1 }).read(`pbkdf2_sha256$1$${salt}$${KEY}`)
      expect(await stored?.verify('password'), JSON.stringify(salt)).to.equal(false)
    }
  })

  it('finds SHA-1, fewer iterations and a shorter salt outdated', () => {
    const hasher = pbkdf2({ iterations: 10 })
    const outdated = (encoded: string): boolean | undefined => hasher.read(encoded)?.outdated
    expect(outdated(`pbkdf2_sha256$10$${LONG}$${KEY}`)).to.equal(false)
    expect(outdated(`pbkdf2_sha256$11$${LONG}$${KEY}`)).to.equal(false)
    expect(outdated(`pbkdf2_sha256$9$${LONG}$${KEY}`)).to.equal(true)
    expect(outdated(`pbkdf2_sha256$10$${LONG.slice(1)}$${KEY}`)).to.equal(true)
    expect(outdated(`pbkdf2_sha1$10$${LONG}$${KEY_SHA1}`)).to.equal(true)
  })

  it('reads PHC strings and those of passlib, and finds them outdated, since new hashes are Django’s', () => {
    const hasher = pbkdf2({ iterations: 10 })
    for (const parameters of ['i=10', 'i=10,l=32', 'l=32,i=10', '10']) {
      const stored = hasher.read(`$pbkdf2-sha256$${parameters}$${SALT}$${UNPADDED}`)
      expect(stored?.outdated, parameters).to.equal(true)
      expect(stored?.cost, parameters).to.equal('pbkdf2_sha256 10')
    }
    expect(hasher.read(`$pbkdf2-sha512$10$${SALT}$${'A'.repeat(86)}`)?.cost).to.equal('pbkdf2_sha512 10')
    expect(hasher.read(`$pbkdf2$10$${SALT}$${'A'.repeat(27)}`)?.cost).to.equal('pbkdf2_sha1 10')
  })

  it('takes no iterations that it could not read back', () => {
    for (const iterations of [0, -1, 0.5, NaN, Infinity, 5_000_001, '1', null]) {
      const options = { iterations } as Pbkdf2Options // wrong on purpose
      expect(() => pbkdf2(options), String(iterations)).to.throw(TypeError, 'iterations')
    }
    expect(() => pbkdf2({ iterations: 5_000_000 })).not.to.throw()
  })
})
