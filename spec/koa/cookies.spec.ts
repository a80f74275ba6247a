import { expect } from 'chai'
import Koa from 'koa'
import { checkTokenCookie, tokenCookie, type TokenCookie } from '../../lib/koa/cookies.js'
import type { Source } from '../../lib/credentials/credentials.js'
import { writeResponse } from '../../lib/koa/responses.js'
import { response } from '../../lib/response.js'
import { withServer } from '../support/http.js'

const source: Source = { headers: { host: 'api.example.org' } }

async function setCookies(cookie: TokenCookie, token = 'a.b.c', seconds = 300): Promise<string[]> {
  const app = new Koa()
  app.use((ctx) => {
    ctx.set('Set-Cookie', 'theme=dark')
    writeResponse(ctx, response(200, {}, { 'Set-Cookie': tokenCookie(cookie, token, seconds, source) }))
  })
  return withServer(app, async ({ url }) => (await fetch(url)).headers.getSetCookie())
}

/** Whether a cookie that is set for a request with these headers has the attribute Secure. */
function isSecure(headers: Source['headers'], secure?: boolean): boolean {
  const cookie: TokenCookie = { name: 'jwt', ...(secure === undefined ? {} : { secure }) }
  return tokenCookie(cookie, 'x', 1, { headers }).includes('; Secure;')
}

/** A cookie as a caller without types gives it. */
function loose(cookie: unknown): () => void {
  return () => checkTokenCookie(cookie as TokenCookie) // see above
}

describe('tokenCookie', () => {
  it('sets it for the whole site, out of reach for scripts and other sites, until the token ends', async () => {
    const [, cookie] = await setCookies({ name: 'jwt' })
    expect(cookie).to.equal('jwt=a.b.c; Path=/; Max-Age=300; HttpOnly; Secure; SameSite=Lax')
  })

  it('sets it for a path and a domain', async () => {
    const [, cookie] = await setCookies({ name: '__Secure-jwt', path: '/api', domain: '.example.org' }, 'x', 1)
    expect(cookie).to.equal('__Secure-jwt=x; Path=/api; Max-Age=1; HttpOnly; Secure; SameSite=Lax; Domain=.example.org')
  })

  it('leaves other cookies in place', async () => {
    const cookies = await setCookies({ name: 'jwt' })
    expect(cookies).to.have.lengthOf(2)
    expect(cookies[0]).to.equal('theme=dark')
  })

  it('clears it with the same path and domain', async () => {
    const [, cookie] = await setCookies({ name: 'jwt', path: '/api', domain: 'example.org' }, '', 0)
    expect(cookie).to.equal('jwt=; Path=/api; Max-Age=0; HttpOnly; Secure; SameSite=Lax; Domain=example.org')
  })

  describe('with secure: false', () => {
    it('leaves Secure out on localhost, where there is no TLS', () => {
      const hosts = [
        'localhost',
        'localhost:3000',
        'LOCALHOST:3000',
        'app.localhost:3000',
        '127.0.0.1:80',
        '127.1.2.3',
        '[::1]:3000',
      ]
      for (const host of hosts) {
        expect(isSecure({ host }, false), host).to.equal(false)
        expect(isSecure({ host }, true), host).to.equal(true)
        expect(isSecure({ host }), host).to.equal(true)
      }
      expect(isSecure({ ':authority': 'localhost:3000' }, false)).to.equal(false)
    })

    it('keeps it everywhere else, so that the option does no harm if it is forgotten', () => {
      for (const host of [
        'example.org',
        'localhost.example.org',
        'localhost.',
        'notlocalhost',
        '127.0.0.1.example.org',
        '127.0.0.1@example.org',
        '127.0.0.1:80:80',
        '192.168.0.1',
        '10.0.0.1:3000',
        '[::2]',
        'localhost\n',
        '',
      ]) {
        expect(isSecure({ host }, false), host).to.equal(true)
      }
      expect(isSecure({}, false)).to.equal(true)
      expect(isSecure({ ':authority': 'example.org', host: 'localhost' }, false)).to.equal(true)
    })
  })
})

describe('checkTokenCookie', () => {
  it('takes what a header can carry', () => {
    for (const cookie of [
      { name: 'jwt' },
      { name: '__Host-jwt', path: '/' },
      { name: 'a.b', path: '/a/b', domain: 'x.org' },
      { name: '__Secure-jwt', path: '/a', domain: 'x.org', secure: true },
      { name: 'jwt', secure: false },
    ]) {
      expect(() => checkTokenCookie(cookie)).not.to.throw()
    }
  })

  it('takes only texts in an object', () => {
    for (const cookie of [null, undefined, 'jwt', 7, true]) {
      expect(loose(cookie), String(cookie)).to.throw(TypeError, 'cookie')
    }
    for (const value of [null, 7, ['/'], {}]) {
      expect(loose({ name: value }), JSON.stringify(value)).to.throw(TypeError, 'cookie.name')
      expect(loose({ name: 'jwt', path: value }), JSON.stringify(value)).to.throw(TypeError, 'cookie.path')
      expect(loose({ name: 'jwt', domain: value }), JSON.stringify(value)).to.throw(TypeError, 'cookie.domain')
    }
  })

  it('takes only a boolean as secure', () => {
    for (const secure of [null, 0, '', 'false', 'auto', {}]) {
      expect(loose({ name: 'jwt', secure }), JSON.stringify(secure)).to.throw(TypeError, 'cookie.secure')
    }
  })

  it('takes no name with a prefix whose attributes are missing, since browsers ignore such a cookie', () => {
    for (const name of ['__Secure-jwt', '__Host-jwt', '__host-jwt']) {
      expect(() => checkTokenCookie({ name, secure: false }), name).to.throw(TypeError, 'cookie.secure')
    }
    expect(() => checkTokenCookie({ name: '__Host-jwt', path: '/api' })).to.throw(TypeError, 'cookie.path')
    expect(() => checkTokenCookie({ name: '__Host-jwt', domain: 'x.org' })).to.throw(TypeError, 'cookie.domain')
  })

  it('takes no name, path or domain that would break it', () => {
    for (const name of ['', 'a b', 'a=b', 'a;b', 'a,b', 'ä', 'a\n', '"a"']) {
      expect(() => checkTokenCookie({ name }), JSON.stringify(name)).to.throw(TypeError, 'cookie.name')
    }
    for (const path of ['', 'a', '/a;Domain=evil.example', '/a b', '/a\r\nX: y', '/a\n']) {
      expect(() => checkTokenCookie({ name: 'jwt', path }), JSON.stringify(path)).to.throw(TypeError, 'cookie.path')
    }
    for (const domain of ['x.org; HttpOnly', 'x y', 'x,y', 'x.org\n', 'ü.org']) {
      expect(() => checkTokenCookie({ name: 'jwt', domain }), JSON.stringify(domain)).to.throw(
        TypeError,
        'cookie.domain',
      )
    }
  })
})
