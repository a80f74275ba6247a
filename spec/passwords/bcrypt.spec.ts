import { expect } from 'chai'
import { bcrypt, type BcryptOptions, type Hasher } from '../../lib/index.js'
import { InternalError } from '../../lib/errors.js'
import { bcryptOn } from '../../lib/passwords/bcrypt.js'
import { bcryptPackage } from '../../lib/passwords/bcrypt-package.js'
import { behavesLikeAHasher } from '../support/hasher.contract.js'
import { only } from '../support/only-package.js'
import { warningsOf } from '../support/warnings.js'

const ZEROS = '.'.repeat(53)
const PACKAGES = ['@node-rs/bcrypt', 'bcrypt', 'bcryptjs'] as const
/** Of "password". */
const OF_PASSWORD = '04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm'
/** Of 72 times "x", made by Python's bcrypt. */
const OF_72 = '$2b$04$CmKGUihSgY9AfBDwxbqGaey.dZXzRflVcW9WelQjaHTcEpRNGu7.C'

const UNREADABLE = {
  'another prefix': `bcrypt_sha512$$2b$04$${ZEROS}`,
  'a prefix with one dollar too few': `bcrypt$2b$04$${ZEROS}`,
  'a prefix with one dollar too many': `$$2b$04$${ZEROS}`,
  'the version 2x, which marks hashes of a faulty one': `$2x$04$${ZEROS}`,
  'the version 2x in Django’s format': `bcrypt$$2x$04$${ZEROS}`,
  'the very first version': `$2$04$${ZEROS}`,
  'the very first version in Django’s format': `bcrypt$$2$04$${ZEROS}`,
  'an unknown version': `$2c$04$${ZEROS}`,
  'a bare name': 'bcrypt$',
  'a name with a version': 'bcrypt$$2b$04$',
  'a short digest': '$2b$04$short',
  'a digit too few': `$2b$04$${ZEROS.slice(1)}`,
  'a digit too many': `$2b$04$${ZEROS}.`,
  'a wrong alphabet': `$2b$04$${ZEROS.slice(1)}+`,
  'a cost of 3': `$2b$03$${ZEROS}`,
  'a cost of 17': `$2b$17$${ZEROS}`,
  'a cost of 31': `$2a$31$${ZEROS}`,
  'a cost of 31 in Django’s format': `bcrypt_sha256$$2b$31$${ZEROS}`,
  'a cost of one digit': `$2b$4$${ZEROS}`,
  'a cost of three digits': `$2b$004$${ZEROS}`,
  // The packages return false for these without doing any work.
  'a salt with bits behind its end': `$2b$04$${'.'.repeat(21)}z${'.'.repeat(31)}`,
  'a digest with bits behind its end': `bcrypt_sha256$$2b$04$${'.'.repeat(52)}z`,
}

describe('bcrypt', () => {
  for (const name of PACKAGES) {
    describe(`on ${name}`, () => {
      const library = bcryptPackage(only(name))
      const hasher = (options: BcryptOptions = { cost: 4 }): Hasher => bcryptOn(library, options)
      const raw = (cost: number): Hasher => hasher({ cost, format: 'raw' })
      const verifies = async (password: string, encoded: string): Promise<boolean | undefined> =>
        hasher().read(encoded)?.verify(password)

      behavesLikeAHasher({
        cheap: () => hasher({ cost: 4 }),
        costly: () => hasher({ cost: 5 }),
        form: /^bcrypt_sha256\$\$2b\$04\$[./0-9A-Za-z]{53}$/,
        unreadable: UNREADABLE,
      })

      it('reads the versions 2a, 2b and 2y alike, raw and in Django’s format', async () => {
        for (const start of ['$2a$', '$2b$', '$2y$', 'bcrypt$$2a$', 'bcrypt$$2b$', 'bcrypt$$2y$']) {
          expect(await verifies('password', start + OF_PASSWORD), start).to.equal(true)
          expect(await verifies('passwordx', start + OF_PASSWORD), start).to.equal(false)
          expect(await verifies('', start + OF_PASSWORD), start).to.equal(false)
        }
      })

      it('refuses passwords of more than 72 bytes in Django’s plain format, as Django does', async () => {
        expect(await verifies('x'.repeat(72), `bcrypt$${OF_72}`)).to.equal(true)
        for (const tail of ['x', 'y', '\0', 'x'.repeat(4000)]) {
          expect(await verifies('x'.repeat(72) + tail, `bcrypt$${OF_72}`), tail.slice(0, 3)).to.equal(false)
        }
        expect(await verifies('x'.repeat(71), `bcrypt$${OF_72}`)).to.equal(false)
      })

      it('compares the first 72 bytes in raw hashes, as the package that made them did', async () => {
        for (const password of ['x'.repeat(72), 'x'.repeat(73), `${'x'.repeat(72)}y`, 'x'.repeat(300)]) {
          for (const version of ['$2a', '$2b', '$2y']) {
            expect(await verifies(password, version + OF_72.slice(3)), `${version} ${password.length}`).to.equal(true)
          }
        }
        expect(await verifies('x'.repeat(71), OF_72)).to.equal(false)
        expect(await verifies(`${'x'.repeat(71)}y`, OF_72)).to.equal(false)
      })

      it('refuses a NUL, at which some packages stop reading', async () => {
        for (const start of ['$2b$', 'bcrypt$$2b$']) {
          for (const other of ['password\0', 'password\0tail', '\0password', 'password\0password']) {
            expect(await verifies(other, start + OF_PASSWORD), start + JSON.stringify(other)).to.equal(false)
          }
        }
        expect(await verifies(`${'x'.repeat(72)}\0`, OF_72)).to.equal(false)
      })

      it('verifies what every package makes', async () => {
        for (const other of PACKAGES) {
          for (const format of ['django', 'raw'] as const) {
            const hash = await bcryptOn(bcryptPackage(only(other)), { cost: 4, format }).hash('pässwörd')
            expect(await verifies('pässwörd', hash), other).to.equal(true)
            expect(await verifies('passwörd', hash), other).to.equal(false)
          }
        }
      })

      describe('in the raw format', () => {
        it('makes hashes that other packages read', async () => {
          expect(await raw(4).hash('password')).to.match(/^\$2b\$04\$[./0-9A-Za-z]{53}$/)
          expect(raw(4).decoy).to.match(/^\$2b\$04\$/)
          expect(await raw(4).read(raw(4).decoy)?.verify('')).to.equal(false)
        })

        it('makes no hash of a password that bcrypt would cut', async () => {
          const encoded = await raw(4).hash('ü'.repeat(36))
          expect(await raw(4).read(encoded)?.verify('ü'.repeat(36))).to.equal(true)
          for (const password of ['x'.repeat(73), 'ü'.repeat(37), 'x\0y']) {
            const outcome = await raw(4)
              .hash(password)
              .catch((error: unknown) => error)
            expect(outcome).to.be.instanceOf(TypeError)
            expect(String(outcome)).not.to.include(password)
          }
        })

        it('finds cheaper hashes outdated, whatever their format', () => {
          for (const prefix of ['', 'bcrypt$', 'bcrypt_sha256$']) {
            expect(raw(5).read(`${prefix}$2b$04$${ZEROS}`)?.outdated, prefix).to.equal(true)
            expect(raw(5).read(`${prefix}$2a$05$${ZEROS}`)?.outdated, prefix).to.equal(false)
          }
        })
      })
    })
  }

  it('finds hashes without SHA-256 outdated at any cost', () => {
    expect(bcrypt({ cost: 4 }).read(`bcrypt$$2b$12$${ZEROS}`)?.outdated).to.equal(true)
    expect(bcrypt({ cost: 4 }).read(`$2b$12$${ZEROS}`)?.outdated).to.equal(true)
    expect(bcrypt({ cost: 4 }).read(`bcrypt_sha256$$2b$12$${ZEROS}`)?.outdated).to.equal(false)
  })

  it('makes hashes with Django’s cost by default', () => {
    expect(bcrypt().decoy).to.match(/^bcrypt_sha256\$\$2b\$12\$/)
  })

  it('names the packages that it needs when none is installed', () => {
    expect(() => bcryptPackage(only(null)))
      .to.throw(InternalError, 'bcrypt() needs an optional package: npm install @node-rs/bcrypt or bcrypt or bcryptjs')
      .with.property('code', 'ERR_PACKAGE_MISSING')
  })

  it('passes over a package that does not load, with a warning', async () => {
    const broken = Object.assign(() => {
      throw new Error('wrong architecture')
    }, only('bcrypt'))
    const warnings = await warningsOf(() => {
      expect(() => bcryptPackage(broken))
        .to.throw(InternalError)
        .with.property('code', 'ERR_PACKAGE_MISSING')
    })
    expect(warnings).to.deep.equal(['bcrypt is installed, but its native binary for this platform does not load'])
  })

  it('takes no option that it could not read back', () => {
    for (const cost of [3, 17, 4.5, NaN, Infinity, '12', null, -12]) {
      expect(() => bcrypt({ cost } as BcryptOptions), String(cost)).to.throw(TypeError, 'cost') // wrong on purpose
    }
    for (const format of ['phc', '', null, true]) {
      expect(() => bcrypt({ format } as BcryptOptions), String(format)).to.throw(TypeError, 'format') // wrong on purpose
    }
  })
})
