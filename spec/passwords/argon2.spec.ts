import { expect } from 'chai'
import { argon2 } from '../../lib/index.js'
import { behavesLikeAHasher } from '../support/hasher.contract.js'

const SALT = 'A'.repeat(22)
const KEY = 'A'.repeat(43)

describe('argon2', () => {
  behavesLikeAHasher({
    cheap: () => argon2({ memoryCost: 8, timeCost: 1, parallelism: 1 }),
    dear: () => argon2({ memoryCost: 16, timeCost: 2, parallelism: 1 }),
    form: /^argon2\$argon2id\$v=19\$m=8,t=1,p=1\$[0-9A-Za-z+/]{22}\$[0-9A-Za-z+/]{43}$/,
    unreadable: {
      'a PHC string without its prefix': `$argon2id$v=19$m=8,t=1,p=1$${SALT}$${KEY}`,
      'another variant': `argon2$argon2x$v=19$m=8,t=1,p=1$${SALT}$${KEY}`,
      'another version': `argon2$argon2id$v=18$m=8,t=1,p=1$${SALT}$${KEY}`,
      'no version': `argon2$argon2id$m=8,t=1,p=1$${SALT}$${KEY}`,
      'a bare name': 'argon2$',
      'no salt': `argon2$argon2id$v=19$m=8,t=1,p=1$$${KEY}`,
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
      'memory of terabytes': `argon2$argon2id$v=19$m=4294967295,t=1,p=1$${SALT}$${KEY}`,
      'memory with a leading zero': `argon2$argon2id$v=19$m=08,t=1,p=1$${SALT}$${KEY}`,
      'no pass': `argon2$argon2id$v=19$m=8,t=0,p=1$${SALT}$${KEY}`,
      '17 passes': `argon2$argon2id$v=19$m=8,t=17,p=1$${SALT}$${KEY}`,
      'no lane': `argon2$argon2id$v=19$m=8,t=1,p=0$${SALT}$${KEY}`,
      '17 lanes': `argon2$argon2id$v=19$m=1024,t=1,p=17$${SALT}$${KEY}`,
      'parameters in another order': `argon2$argon2id$v=19$t=1,m=8,p=1$${SALT}$${KEY}`,
      'further parameters': `argon2$argon2id$v=19$m=8,t=1,p=1,keyid=AAAA$${SALT}$${KEY}`,
    },
  })

  it('makes hashes with Django’s parameters by default', () => {
    expect(argon2().decoy).to.match(/^argon2\$argon2id\$v=19\$m=102400,t=2,p=8\$/)
  })

  it('does the work of every hash that it reads', async () => {
    const hasher = argon2({ memoryCost: 8, timeCost: 1, parallelism: 1 })
    for (const salt of [11, 12, 14, 22, 43, 64, 86]) {
      for (const key of [22, 43, 64, 86]) {
        const stored = hasher.read(`argon2$argon2i$v=16$m=16,t=1,p=2$${'A'.repeat(salt)}$${'A'.repeat(key)}`)
        expect(await stored?.verify('password'), `${salt} and ${key}`).to.equal(false)
      }
    }
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
