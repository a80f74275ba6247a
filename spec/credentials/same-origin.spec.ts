import type { IncomingHttpHeaders } from 'node:http'
import { expect } from 'chai'
import { isForeign, sameOrigin } from '../../lib/credentials/same-origin.js'
import { cookie, type Verdict } from '../../lib/index.js'

const OFFERED = { ok: true, value: { token: 'a.b.c' } }
const REFUSED = { ok: false, reason: 'malformed', detail: 'cross_origin' }
const UNSAFE = ['POST', 'PUT', 'PATCH', 'DELETE', 'LINK', 'TRACE', 'CONNECT', 'get', '', undefined]

function read(headers: IncomingHttpHeaders, method: string | undefined = 'POST', origins?: string[]): Verdict<object> {
  const reader = sameOrigin(cookie('jwt'), origins === undefined ? {} : { origins })
  return reader.read({ method, headers: { cookie: 'jwt=a.b.c', host: 'api.example.org', ...headers } })
}

describe('sameOrigin', () => {
  it('reads a cookie wherever it comes from, for a request that changes nothing', () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      for (const headers of [{}, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
        expect(read(headers, method), `${method} ${JSON.stringify(headers)}`).to.deep.equal(OFFERED)
      }
    }
  })

  it('reads it for any other request that says it comes from the same origin', () => {
    for (const method of UNSAFE.filter((one) => one !== undefined)) {
      for (const headers of [
        { 'sec-fetch-site': 'same-origin' },
        { 'sec-fetch-site': 'none' },
        { origin: 'https://api.example.org' },
        { origin: 'http://api.example.org' },
        { 'sec-fetch-site': 'same-origin', origin: 'https://api.example.org' },
      ]) {
        expect(read(headers, method), `${method} ${JSON.stringify(headers)}`).to.deep.equal(OFFERED)
      }
    }
  })

  it('refuses it for any other request that comes from elsewhere, or does not say', () => {
    const elsewhere: IncomingHttpHeaders[] = [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'Same-Origin' },
      { 'sec-fetch-site': '' },
      { 'sec-fetch-site': 'cross-site', origin: 'https://api.example.org' },
      { origin: 'https://evil.example' },
      { origin: 'https://api.example.org.evil.example' },
      { origin: 'https://evil.example/https://api.example.org' },
      { origin: 'https://evil-api.example.org' },
      { origin: 'https://api.example.org:8443' },
      { origin: 'https://api.example.org/' },
      { origin: 'https://API.example.org' },
      { origin: 'ftp://api.example.org' },
      { origin: 'api.example.org' },
      { origin: 'null' },
      { origin: '' },
      { referer: 'https://api.example.org/page' },
    ]
    for (const method of UNSAFE) {
      const reader = sameOrigin(cookie('jwt'))
      for (const headers of elsewhere) {
        const source = { method, headers: { cookie: 'jwt=a.b.c', host: 'api.example.org', ...headers } }
        expect(reader.read(source), `${method} ${JSON.stringify(headers)}`).to.deep.equal(REFUSED)
      }
    }
  })

  it('compares with the very host that was asked, port and all', () => {
    expect(read({ host: 'localhost:3000', origin: 'http://localhost:3000' })).to.deep.equal(OFFERED)
    expect(read({ host: 'localhost:3000', origin: 'http://localhost:3001' })).to.deep.equal(REFUSED)
    expect(read({ host: 'localhost:3000', origin: 'http://localhost' })).to.deep.equal(REFUSED)
    expect(
      sameOrigin(cookie('jwt')).read({ method: 'POST', headers: { cookie: 'jwt=x', origin: 'https://undefined' } }),
    ).to.include({
      detail: 'cross_origin',
    })
  })

  it('takes the other origins that are named, exactly', () => {
    const origins = ['https://app.example.org']
    const cross = { 'sec-fetch-site': 'same-site' }
    expect(read({ ...cross, origin: 'https://app.example.org' }, 'POST', origins)).to.deep.equal(OFFERED)
    for (const origin of [
      'http://app.example.org',
      'https://app.example.org.evil.example',
      'https://app.example.org/',
      'null',
    ]) {
      expect(read({ ...cross, origin }, 'POST', origins), origin).to.deep.equal(REFUSED)
    }
    expect(read(cross, 'POST', origins)).to.deep.equal(REFUSED)
  })

  it('takes no request to upgrade from elsewhere, though a WebSocket starts as a GET', () => {
    for (const upgrade of ['websocket', 'WebSocket', 'h2c', '']) {
      for (const headers of [{}, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'same-site' }]) {
        expect(read({ upgrade, ...headers }, 'GET'), `${upgrade} ${JSON.stringify(headers)}`).to.deep.equal(REFUSED)
      }
      for (const headers of [{ origin: 'https://api.example.org' }, { 'sec-fetch-site': 'same-origin' }]) {
        expect(read({ upgrade, ...headers }, 'GET'), `${upgrade} ${JSON.stringify(headers)}`).to.deep.equal(OFFERED)
      }
      const origin = 'https://app.example.org'
      expect(read({ upgrade, origin }, 'GET', [origin])).to.deep.equal(OFFERED)
    }
  })

  it('takes nothing for an origin that no browser sends', () => {
    for (const origins of [
      'https://app.example.org',
      null,
      {},
      7,
      [7],
      [undefined],
      [['https://app.example.org']],
      ['null'],
      ['*'],
      [''],
      ['https://app.example.org/'],
      ['https://app.example.org/path'],
      ['https://APP.example.org'],
      ['https://app.example.org:443'],
      ['https://*.example.org:'],
      ['app.example.org'],
      ['file:///'],
      ['https://app.example.org', 'https://app.example.org/'],
    ]) {
      const wrong = { origins } as { origins: string[] } // as a caller without types
      expect(() => sameOrigin(cookie('jwt'), wrong), JSON.stringify(origins)).to.throw(TypeError, 'origins')
    }
    const origins = [
      'https://app.example.org',
      'http://localhost:3000',
      'http://[::1]:8080',
      'https://xn--bcher-kva.de',
    ]
    for (const origin of origins) expect(read({ origin }, 'POST', origins)).to.deep.equal(OFFERED)
  })

  it('passes on what the reader itself says', () => {
    expect(read({ cookie: 'other=x' })).to.deep.equal({ ok: false, reason: 'missing' })
    expect(read({ cookie: 'jwt=a; jwt=b', origin: 'https://api.example.org' })).to.include({
      detail: 'cookie_repeated',
    })
  })
})

describe('isForeign', () => {
  const host = 'api.example.org'
  const trusted = { origins: ['https://app.example.org'] }

  it('is a request that shows another origin', () => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'same-site', origin: 'https://other.example.org' },
    ]) {
      for (const options of [undefined, trusted]) {
        expect(isForeign({ headers: { host, ...headers } }, options), JSON.stringify(headers)).to.equal(true)
      }
    }
  })

  it('is not one that shows the own origin or a trusted one, or nothing', () => {
    for (const headers of [
      {},
      { origin: 'https://api.example.org' },
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'cross-site', origin: 'https://app.example.org' },
    ]) {
      expect(isForeign({ headers: { host, ...headers } }, trusted), JSON.stringify(headers)).to.equal(false)
    }
  })
})
