import * as crypto from 'node:crypto'
import { expect } from 'chai'
import { argon2 } from '../../lib/index.js'
import { InternalError } from '../../lib/errors.js'
import { argon2On } from '../../lib/passwords/argon2.js'
import { type Argon2, argon2Package } from '../../lib/passwords/argon2-package.js'
import { behavesLikeAHasher } from '../support/hasher.contract.js'
import { only } from '../support/only-package.js'
import { warningsOf } from '../support/warnings.js'

const SALT = 'A'.repeat(22)
const KEY = 'A'.repeat(43)

/** RFC 9106's Argon2 of the packages, and of Node where this one has it. */
const LIBRARIES: readonly (readonly [string, Argon2])[] = [
  ['@node-rs/argon2', argon2Package(only('@node-rs/argon2'))],
  ['argon2', argon2Package(only('argon2'))],
  ...('argon2' in crypto ? [['Node', argon2Package(only(null))] as const] : []),
]

describe('argon2', () => {
  for (const [name, library] of LIBRARIES) {
    describe(`on ${name}`, () => {
      const hasher = argon2On.bind(null, library)

      behavesLikeAHasher({
        cheap: () => hasher({ memoryCost: 8, timeCost: 1, parallelism: 1 }),
        costly: () => hasher({ memoryCost: 16, timeCost: 2, parallelism: 1 }),
        form: /^argon2\$argon2id\$v=19\$m=8,t=1,p=1\$[0-9A-Za-z+/]{22}\$[0-9A-Za-z+/]{43}$/,
        unreadable: {
          'another variant': `argon2$argon2x$v=19$m=8,t=1,p=1$${SALT}$${KEY}`,
          'another variant without Django’s prefix': `$argon2x$v=19$m=8,t=1,p=1$${SALT}$${KEY}`,
          'another prefix': `argon$argon2id$v=19$m=8,t=1,p=1$${SALT}$${KEY}`,
          'no dollar before the variant': `argon2id$v=19$m=8,t=1,p=1$${SALT}$${KEY}`,
          'another version': `argon2$argon2id$v=18$m=8,t=1,p=1$${SALT}$${KEY}`,
          'version 0': `$argon2id$v=0$m=8,t=1,p=1$${SALT}$${KEY}`,
          'a version with a leading zero': `$argon2id$v=019$m=8,t=1,p=1$${SALT}$${KEY}`,
          'a bare name': 'argon2$',
          'no salt': `argon2$argon2id$v=19$m=8,t=1,p=1$$${KEY}`,
          'no key': `$argon2id$v=19$m=8,t=1,p=1$${SALT}`,
          'a short salt': `argon2$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAA$${KEY}`,
          'an overlong salt': `argon2$argon2id$v=19$m=8,t=1,p=1$${'A'.repeat(87)}$${KEY}`,
          'a salt with padding': `argon2$argon2id$v=19$m=8,t=1,p=1$${SALT}==$${KEY}`,
          'a salt with bits behind its end': `argon2$argon2id$v=19$m=8,t=1,p=1$${SALT.slice(1)}B$${KEY}`,
          'a salt of an impossible length': `argon2$argon2id$v=19$m=8,t=1,p=1$${'A'.repeat(25)}$${KEY}`,
          'a short digest': `argon2$argon2id$v=19$m=8,t=1,p=1$${SALT}$bad`,
          'an overlong digest': `argon2$argon2id$v=19$m=8,t=1,p=1$${SALT}$${'A'.repeat(87)}`,
          'a digest with bits behind its end': `argon2$argon2id$v=19$m=8,t=1,p=1$${SALT}$${KEY.slice(1)}B`,
          'memory of 0': `argon2$argon2id$v=19$m=0,t=1,p=1$${SALT}$${KEY}`,
          'memory below 8 times the lanes': `argon2$argon2id$v=19$m=15,t=1,p=2$${SALT}$${KEY}`,
          'memory above 256 MiB': `argon2$argon2id$v=19$m=262145,t=1,p=1$${SALT}$${KEY}`,
          'memory above 256 MiB without Django’s prefix': `$argon2id$v=19$m=262145,t=1,p=1$${SALT}$${KEY}`,
          'memory of terabytes': `argon2$argon2id$v=19$m=4294967295,t=1,p=1$${SALT}$${KEY}`,
          'memory with a leading zero': `argon2$argon2id$v=19$m=08,t=1,p=1$${SALT}$${KEY}`,
          'no pass': `argon2$argon2id$v=19$m=8,t=0,p=1$${SALT}$${KEY}`,
          '17 passes': `argon2$argon2id$v=19$m=8,t=17,p=1$${SALT}$${KEY}`,
          'no lane': `argon2$argon2id$v=19$m=8,t=1,p=0$${SALT}$${KEY}`,
          '17 lanes': `argon2$argon2id$v=19$m=1024,t=1,p=17$${SALT}$${KEY}`,
          'a missing parameter': `$argon2id$v=19$m=8,t=1$${SALT}$${KEY}`,
          'a repeated parameter': `$argon2id$v=19$m=8,t=1,t=1$${SALT}$${KEY}`,
          'a repeated parameter beside all three': `$argon2id$v=19$m=8,t=1,p=1,p=1$${SALT}$${KEY}`,
          'a key id': `argon2$argon2id$v=19$m=8,t=1,p=1,keyid=AAAA$${SALT}$${KEY}`,
          'associated data': `$argon2id$v=19$m=64,p=1,t=1,data=YWQ$${SALT}$${KEY}`,
          'associated data that look like a number': `$argon2id$v=19$m=64,p=1,t=1,data=1234$${SALT}$${KEY}`,
        },
      })

      it('verifies what every other one makes', async () => {
        const own = hasher({ memoryCost: 8, timeCost: 1, parallelism: 1 })
        for (const [other, from] of LIBRARIES) {
          const hash = await argon2On(from, { memoryCost: 32, timeCost: 1, parallelism: 2 }).hash('pässwörd')
          expect(await own.read(hash)?.verify('pässwörd'), other).to.equal(true)
          expect(await own.read(hash)?.verify('passwörd'), other).to.equal(false)
        }
      })

      it('does the work of every length of salt and digest that it reads', async () => {
        const own = hasher({ memoryCost: 8, timeCost: 1, parallelism: 1 })
        for (const salt of [11, 12, 14, 22, 43, 64, 86]) {
          for (const key of [22, 43, 64, 86]) {
            const stored = own.read(`$argon2i$v=19$m=16,t=1,p=2$${'A'.repeat(salt)}$${'A'.repeat(key)}`)
            expect(await stored?.verify('password'), `${salt} and ${key}`).to.equal(false)
          }
        }
      })

      it('reads parameters in any order, with Django’s prefix and without', async () => {
        const own = hasher({ memoryCost: 8, timeCost: 1, parallelism: 1 })
        const [, phc = ''] = /^argon2(.*)$/.exec(await own.hash('password')) ?? []
        for (const list of ['m=8,t=1,p=1', 'm=8,p=1,t=1', 't=1,m=8,p=1', 't=1,p=1,m=8', 'p=1,m=8,t=1', 'p=1,t=1,m=8']) {
          const encoded = phc.replace('m=8,t=1,p=1', list)
          for (const one of [encoded, `argon2${encoded}`]) {
            expect(await own.read(one)?.verify('password'), one).to.equal(true)
            expect(await own.read(one)?.verify('passwordx'), one).to.equal(false)
            expect(own.read(one)?.outdated, one).to.equal(false)
          }
        }
      })

      it('takes a missing version for 16, or reads neither', async () => {
        const own = hasher({ memoryCost: 8, timeCost: 1, parallelism: 1 })
        // Of argon2-cffi 16.1, as Django's own tests have it.
        const [start, rest] = [
          'argon2$argon2i$',
          'm=8,t=1,p=1$c29tZXNhbHQ$gwQOXSNhxiOxPOA0+PY10P9QFO4NAYysnqRt1GSQLE55m+2GYDt9FEjPMHhP2Cuf0nOEXXMocVrsJAtNSsKyfg',
        ]
        for (const version of ['v=16$', '']) {
          const stored = own.read(start + version + rest)
          expect(stored === null).to.equal(!library.hasVersion16)
          if (stored === null) continue
          expect(await stored.verify('secret'), version).to.equal(true)
          expect(await stored.verify('secrets'), version).to.equal(false)
        }
      })
    })
  }

  it('makes hashes with Django’s parameters by default', () => {
    expect(argon2().decoy).to.match(/^argon2\$argon2id\$v=19\$m=102400,t=2,p=8\$/)
  })

  it('finds other variants and versions, less memory and fewer passes outdated', () => {
    const hasher = argon2({ memoryCost: 16, timeCost: 2, parallelism: 1 })
    const outdated = (start: string): boolean | undefined => hasher.read(`argon2$${start}$${SALT}$${KEY}`)?.outdated
    expect(outdated('argon2id$v=19$m=16,t=2,p=1')).to.equal(false)
    expect(outdated('argon2id$v=19$m=17,t=3,p=1')).to.equal(false)
    expect(outdated('argon2id$v=19$m=15,t=2,p=1')).to.equal(true)
    expect(outdated('argon2id$v=19$m=16,t=1,p=1')).to.equal(true)
    expect(outdated('argon2id$v=16$m=16,t=2,p=1')).to.equal(true)
    expect(outdated('argon2i$v=19$m=16,t=2,p=1')).to.equal(true)
    expect(outdated('argon2d$v=19$m=16,t=2,p=1')).to.equal(true)
  })

  it('names the packages that it needs when there is no Argon2', () => {
    expect(() => argon2Package(only(null), null))
      .to.throw(InternalError, 'argon2() needs an optional package: npm install @node-rs/argon2 or argon2')
      .with.property('code', 'ERR_PACKAGE_MISSING')
  })

  it('passes over a package that does not load, with a warning', async () => {
    const broken = Object.assign(() => {
      throw new Error('wrong architecture')
    }, only('argon2'))
    const warnings = await warningsOf(() => {
      expect(() => argon2Package(broken, null))
        .to.throw(InternalError)
        .with.property('code', 'ERR_PACKAGE_MISSING')
    })
    expect(warnings).to.deep.equal(['argon2 is installed, but its native binary for this platform does not load'])
  })

  it('takes no parameters that it could not read back', () => {
    const wrong: readonly object[] = [
      { memoryCost: 0 },
      { memoryCost: 7, parallelism: 1 },
      { memoryCost: 256 * 1024 + 1 },
      { memoryCost: NaN },
      { memoryCost: '102400' },
      { timeCost: 0 },
      { timeCost: 17 },
      { parallelism: 0 },
      { parallelism: 17 },
      { parallelism: 1.5 },
    ]
    for (const options of wrong) {
      expect(() => argon2(options), JSON.stringify(options)).to.throw(TypeError, 'memoryCost')
    }
  })
})
