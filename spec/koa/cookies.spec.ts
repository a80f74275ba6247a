import { expect } from 'chai'
import Koa from 'koa'
import { checkTokenCookie, tokenCookie, type TokenCookie } from '../../lib/koa/cookies.js'
import { writeResponse } from '../../lib/koa/responses.js'
import { response } from '../../lib/response.js'
import { withServer } from '../support/http.js'

async function setCookies(cookie: TokenCookie, token = 'a.b.c', seconds = 300): Promise<string[]> {
  const app = new Koa()
  app.use((ctx) => {
    ctx.set('Set-Cookie', 'theme=dark')
    writeResponse(ctx, response(200, {}, { 'Set-Cookie': tokenCookie(cookie, token, seconds) }))
  })
  return withServer(app, async ({ url }) => (await fetch(url)).headers.getSetCookie())
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
})

describe('checkTokenCookie', () => {
  it('takes what a header can carry', () => {
    for (const cookie of [
      { name: 'jwt' },
      { name: '__Host-jwt', path: '/' },
      { name: 'a.b', path: '/a/b', domain: 'x.org' },
    ]) {
      expect(() => checkTokenCookie(cookie)).not.to.throw()
    }
  })

  it('takes nothing but texts in an object', () => {
    for (const cookie of [null, undefined, 'jwt', 7, true]) {
      expect(loose(cookie), String(cookie)).to.throw(TypeError, 'cookie')
    }
    for (const value of [null, 7, ['/'], {}]) {
      expect(loose({ name: value }), JSON.stringify(value)).to.throw(TypeError, 'cookie.name')
      expect(loose({ name: 'jwt', path: value }), JSON.stringify(value)).to.throw(TypeError, 'cookie.path')
      expect(loose({ name: 'jwt', domain: value }), JSON.stringify(value)).to.throw(TypeError, 'cookie.domain')
    }
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
