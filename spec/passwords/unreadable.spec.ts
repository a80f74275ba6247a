import { expect } from 'chai'
import { formatOf } from '../../lib/passwords/unreadable.js'

describe('formatOf', () => {
  it('is what stands before salt and digest, if that is certain', () => {
    for (const [encoded, format] of [
      ['$x$salt$digest', '$x$'],
      ['$1$salt$digest', '$1$'],
      ['$2b$12$saltanddigest', '$2b$'],
      ['$P$Bsaltdigest', '$P$'],
      ['$apr1$salt$digest', '$apr1$'],
      ['$argon2id$v=19$m=1,t=1,p=1$salt$digest', '$argon2id$'],
      ['$pbkdf2-sha256$1000$salt$digest', '$pbkdf2-sha256$'],
      ['$bcrypt-sha256$v=2,t=2b,r=12$salt$digest', '$bcrypt-sha256$'],
      ['$unknown$salt$digest', '$unknown$'],
      ['argon2$argon2id$v=19$salt$digest', 'argon2$'],
      ['bcrypt_sha256$$2b$12$x', 'bcrypt_sha256$'],
      ['pbkdf2_sha512$1$salt$digest', 'pbkdf2_sha512$'],
      ['md5$salt$digest', 'md5$'],
      ['whirlpool$1$salt$digest', 'whirlpool$'],
    ] as const) {
      expect(formatOf(encoded), encoded).to.equal(format)
    }
  })

  it('is undefined for what may be a part of salt, digest or password', () => {
    for (const encoded of [
      '',
      'password',
      'a1b2c3d4$5f4dcc3b5aa765d61d8327deb882cf99',
      'salt$digest',
      'Xy$digest',
      '$a1b2c3d4$5f4dcc3b5aa765d61d8327deb882cf99',
      '$Zm9vYmFyc2FsdA$digest',
      '$5f4dcc3b5aa765d61d8327deb882cf99',
      '$5f4dcc3b5aa765d61d8327deb882cf99$salt',
      '$deadbeefdeadbeef$salt',
      '5f4dcc3b5aa765d61d8327deb882cf99',
      '5f4dcc3b5aa765d61d8327deb882cf99:salt',
      '{SSHA}digest',
      'sha1s4lt$digest',
      ' $x$',
      '$$',
      '$\n$',
      '$x',
      '\ud800$',
      '$'.repeat(1_000_000),
      `$${'x'.repeat(1_000_000)}`,
    ]) {
      expect(formatOf(encoded), encoded.slice(0, 40)).to.equal(undefined)
    }
  })
})
