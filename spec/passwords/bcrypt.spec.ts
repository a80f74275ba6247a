import { expect } from 'chai'
import { bcrypt, type BcryptOptions } from '../../lib/index.js'
import { behavesLikeAHasher } from '../support/hasher.contract.js'

const ZEROS = '.'.repeat(53)
/** Of 72 times "x", made by Python's bcrypt. */
const OF_72 = 'bcrypt$$2b$04$CmKGUihSgY9AfBDwxbqGaey.dZXzRflVcW9WelQjaHTcEpRNGu7.C'

describe('bcrypt', () => {
  behavesLikeAHasher({
    cheap: () => bcrypt({ cost: 4 }),
    dear: () => bcrypt({ cost: 5 }),
    form: /^bcrypt_sha256\$\$2b\$04\$[./0-9A-Za-z]{53}$/,
    unreadable: {
      'a hash without its prefix': `$2b$04$${ZEROS}`,
      'another prefix': `bcrypt_sha512$$2b$04$${ZEROS}`,
      'another version': `bcrypt$$2x$04$${ZEROS}`,
      'the very first version': `bcrypt$$2$04$${ZEROS}`,
      'a bare name': 'bcrypt$',
      'a name with a version': 'bcrypt$$2b$04$',
      'a short digest': 'bcrypt$$2b$04$short',
      'a digit too few': `bcrypt$$2b$04$${ZEROS.slice(1)}`,
      'a digit too many': `bcrypt$$2b$04$${ZEROS}.`,
      'a wrong alphabet': `bcrypt$$2b$04$${ZEROS.slice(1)}+`,
      'a cost of 3': `bcrypt$$2b$03$${ZEROS}`,
      'a cost of 17': `bcrypt$$2b$17$${ZEROS}`,
      'a cost of 31': `bcrypt_sha256$$2b$31$${ZEROS}`,
      'a cost of one digit': `bcrypt$$2b$4$${ZEROS}`,
      'a cost of three digits': `bcrypt$$2b$004$${ZEROS}`,
      // The library would say no to these without doing any work.
      'a salt with bits behind its end': `bcrypt$$2b$04$${'.'.repeat(21)}z${'.'.repeat(31)}`,
      'a digest with bits behind its end': `bcrypt_sha256$$2b$04$${'.'.repeat(52)}z`,
    },
  })

  it('makes hashes with Django’s cost by default', () => {
    expect(bcrypt().decoy).to.match(/^bcrypt_sha256\$\$2b\$12\$/)
  })

  it('reads the versions 2a, 2b and 2y alike', async () => {
    for (const version of ['2a', '2b', '2y']) {
      const stored = bcrypt({ cost: 4 }).read(
        `bcrypt$$${version}$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm`,
      )
      expect(await stored?.verify('password'), version).to.equal(true)
      expect(await stored?.verify('passwordx'), version).to.equal(false)
    }
  })

  describe('without SHA-256', () => {
    it('knows passwords of 72 bytes and refuses longer ones, which bcrypt would cut', async () => {
      const stored = bcrypt({ cost: 4 }).read(OF_72)
      expect(await stored?.verify('x'.repeat(72))).to.equal(true)
      for (const tail of ['x', 'y', '\0', 'x'.repeat(4000)]) {
        expect(await stored?.verify('x'.repeat(72) + tail), JSON.stringify(tail.slice(0, 3))).to.equal(false)
      }
      expect(await stored?.verify('x'.repeat(71))).to.equal(false)
    })

    it('refuses a NUL, where some libraries would stop', async () => {
      const stored = bcrypt({ cost: 4 }).read('bcrypt$$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm')
      expect(await stored?.verify('password')).to.equal(true)
      for (const other of ['password\0', 'password\0tail', '\0password'])
        expect(await stored?.verify(other)).to.equal(false)
    })

    it('is outdated at any cost', () => {
      expect(bcrypt({ cost: 4 }).read(`bcrypt$$2b$12$${ZEROS}`)?.outdated).to.equal(true)
      expect(bcrypt({ cost: 4 }).read(`bcrypt_sha256$$2b$12$${ZEROS}`)?.outdated).to.equal(false)
    })
  })

  it('takes no cost that it could not read back', () => {
    for (const cost of [3, 17, 4.5, NaN, Infinity, '12', null, -12]) {
      expect(() => bcrypt({ cost } as BcryptOptions), String(cost)).to.throw(TypeError, 'cost') // wrong on purpose
    }
  })
})
