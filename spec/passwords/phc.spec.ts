import { expect } from 'chai'
import { argon2, type Hasher, passwords, phc, type PhcOptions, scrypt } from '../../lib/index.js'
import { behavesLikeAHasher } from '../support/hasher.contract.js'

const SALT = 'A'.repeat(22)
const KEY = 'A'.repeat(43)
const ARGON2 = { algorithm: 'argon2id', memoryCost: 8, timeCost: 1, parallelism: 1 } as const

/** Whether it verifies the right password and a wrong one, and finds the hash outdated. */
async function reads(hasher: Hasher, encoded: string): Promise<readonly unknown[]> {
  const stored = hasher.read(encoded)
  return [await stored?.verify('password'), await stored?.verify('passwordx'), stored?.outdated]
}

describe('phc', () => {
  describe('with scrypt', () => {
    behavesLikeAHasher({
      cheap: () => phc({ cost: 2, parallelization: 1 }),
      costly: () => phc({ cost: 4, parallelization: 1 }),
      form: /^\$scrypt\$ln=1,r=8,p=1\$[0-9A-Za-z+/]{22}\$[0-9A-Za-z+/]{43}$/,
      unreadable: {
        'Django’s scrypt': scrypt().decoy,
        'Django’s Argon2': argon2().decoy,
        bcrypt: `$2b$04$${'.'.repeat(53)}`,
        'an unknown function': `$whirlpool$i=1$${SALT}$${KEY}`,
      },
    })

    it('makes hashes with the parameters of scrypt() by default', () => {
      expect(phc().decoy).to.equal(phc({ algorithm: 'scrypt' }).decoy)
      expect(phc().decoy).to.match(/^\$scrypt\$ln=14,r=8,p=5\$/)
    })
  })

  describe('with Argon2', () => {
    behavesLikeAHasher({
      cheap: () => phc(ARGON2),
      costly: () => phc({ ...ARGON2, memoryCost: 16 }),
      form: /^\$argon2id\$v=19\$m=8,t=1,p=1\$[0-9A-Za-z+/]{22}\$[0-9A-Za-z+/]{43}$/,
      unreadable: { 'Django’s Argon2': argon2().decoy },
    })

    it('makes hashes with the parameters of argon2() by default', () => {
      expect(phc({ algorithm: 'argon2id' }).decoy).to.match(/^\$argon2id\$v=19\$m=102400,t=2,p=8\$/)
    })
  })

  it('reads every PHC string that another hasher reads, and finds other functions than its own outdated', async () => {
    const [ofScrypt, ofArgon2] = [phc({ cost: 2, parallelization: 1 }), phc(ARGON2)]
    const [one, two] = [await ofScrypt.hash('password'), await ofArgon2.hash('password')]
    expect(await reads(ofScrypt, one)).to.deep.equal([true, false, false])
    expect(await reads(ofScrypt, two)).to.deep.equal([true, false, true])
    expect(await reads(ofArgon2, one)).to.deep.equal([true, false, true])
    expect(await reads(ofArgon2, two)).to.deep.equal([true, false, false])
    // Of "password", by Python's hashlib.
    const pbkdf2 = '$pbkdf2-sha256$i=1$c2Vhc2FsdCE$HYWYFDavKGDUtSJ4eGfmgNP72FUd0XPPhJ2SmA7nMa4'
    for (const hasher of [ofScrypt, ofArgon2]) expect(await reads(hasher, pbkdf2)).to.deep.equal([true, false, true])
  })

  it('is read by the default passwords, scrypt() and argon2()', async () => {
    const [one, two] = [await phc({ cost: 2, parallelization: 1 }).hash('password'), await phc(ARGON2).hash('password')]
    for (const encoded of [one, two]) {
      expect(await passwords().verify('password', encoded)).to.equal(true)
      expect(await passwords().verify('passwordx', encoded)).to.equal(false)
    }
    expect(await scrypt().read(one)?.verify('password')).to.equal(true)
    expect(await argon2().read(two)?.verify('password')).to.equal(true)
  })

  it('takes no wrong options', () => {
    const wrong: readonly unknown[] = [
      { algorithm: 'argon2i' },
      { algorithm: '' },
      { algorithm: null },
      { cost: 3 },
      { ...ARGON2, memoryCost: 1 },
    ]
    for (const options of wrong) {
      expect(() => phc(options as PhcOptions), JSON.stringify(options)).to.throw(TypeError) // wrong on purpose
    }
  })
})
