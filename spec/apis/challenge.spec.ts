import { expect } from 'chai'
import { challenger } from '../../lib/apis/challenge.js'
import type { TokenReason } from '../../lib/verdict.js'

const REASONS: readonly TokenReason[] = ['malformed', 'invalid', 'expired', 'revoked', 'inactive']

describe('challenger', () => {
  it('challenges without an error if nothing was offered (RFC 6750 §3.1)', () => {
    const challenge = challenger('Bearer', 'api')
    expect(challenge()).to.equal('Bearer realm="api"')
    expect(challenge({ ok: false, reason: 'missing' })).to.equal('Bearer realm="api"')
  })

  it('names the charset for Basic only (RFC 7617 §2.1)', () => {
    expect(challenger('Basic', 'api')()).to.equal('Basic realm="api", charset="UTF-8"')
    expect(challenger('basic', 'api')()).to.equal('basic realm="api", charset="UTF-8"')
    expect(challenger('Token', 'api')()).to.equal('Token realm="api"')
  })

  for (const reason of REASONS) {
    it(`gives an error and a description for ${reason}`, () => {
      const challenge = challenger('Bearer', 'api')({ ok: false, reason })
      expect(challenge).to.match(/^Bearer realm="api", error="[a-z_]+", error_description="[A-Za-z ]+"$/)
    })
  }

  it('distinguishes a request that cannot be read from a token that is wrong', () => {
    const challenge = challenger('Bearer', 'api')
    expect(challenge({ ok: false, reason: 'malformed' })).to.include('error="invalid_request"')
    for (const reason of ['invalid', 'expired', 'revoked', 'inactive'] as const) {
      expect(challenge({ ok: false, reason })).to.include('error="invalid_token"')
    }
  })

  it('quotes the realm', () => {
    expect(challenger('Bearer', 'a "b" \\c')()).to.equal('Bearer realm="a \\"b\\" \\\\c"')
  })

  it('refuses what no header can carry, at start-up', () => {
    for (const realm of ['a\nb', 'a\r\nSet-Cookie: x=1', 'ü', '\0', '\x7f']) {
      expect(() => challenger('Basic', realm), JSON.stringify(realm)).to.throw(TypeError, 'realm')
    }
    for (const scheme of ['', 'a b', 'Basic,', 'Bäsic', 'a"b']) {
      expect(() => challenger(scheme, 'api'), JSON.stringify(scheme)).to.throw(TypeError, 'scheme')
    }
  })
})
