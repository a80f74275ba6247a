import { expect } from 'chai'
import { apiKey, authorization, firstOf } from '../../lib/index.js'
import type { Source } from '../../lib/credentials/credentials.js'

function source(headers: Readonly<Record<string, string>>, rawHeaders?: readonly string[]): Source {
  return { headers, ...(rawHeaders === undefined ? {} : { rawHeaders }) }
}

describe('apiKey', () => {
  it('reads X-API-Key, or the header that it is given, in any spelling', () => {
    expect(apiKey().read(source({ 'x-api-key': 'key_1' }))).to.deep.equal({ ok: true, value: { token: 'key_1' } })
    for (const name of ['X-Token', 'x-token']) {
      const read = apiKey(name).read(source({ 'x-token': 'key_1' }))
      expect(read).to.deep.equal({ ok: true, value: { token: 'key_1' } })
    }
  })

  it('is missing without the header, and whatever is on a polluted prototype', () => {
    expect(apiKey().read(source({}))).to.deep.equal({ ok: false, reason: 'missing' })
    const headers = Object.create({ 'x-api-key': 'key_1' }) as Record<string, string> // what a polluted prototype looks like
    expect(apiKey().read(source(headers))).to.deep.equal({ ok: false, reason: 'missing' })
  })

  it('is malformed if it is empty, has a blank in it, or was sent twice', () => {
    const raw = ['X-API-Key', 'key_1', 'Accept', '*/*', 'x-api-key', 'key_1']
    for (const [detail, read] of Object.entries({
      no_credentials: source({ 'x-api-key': '' }),
      spaces: source({ 'x-api-key': 'key_1, key_2' }),
      repeated: source({ 'x-api-key': 'key_1, key_1' }, raw),
    })) {
      expect(apiKey().read(read)).to.deep.equal({ ok: false, reason: 'malformed', detail })
    }
  })

  it('names no user, and comes before or after other places', () => {
    const reader = firstOf(apiKey(), authorization('Bearer'))
    expect(reader).to.have.property('givesUser', false)
    const bearer = reader.read(source({ authorization: 'Bearer key_2' }))
    expect(bearer).to.deep.equal({ ok: true, value: { token: 'key_2', scheme: 'Bearer' } })
    const both = source({ authorization: 'Bearer key_2', 'x-api-key': 'key_1' })
    expect(reader.read(both)).to.deep.equal({ ok: true, value: { token: 'key_1' } })
  })

  it('throws for a name that no header has', () => {
    for (const name of ['', 'X API', 'x:y', 'é', 'a\n', 7, null]) {
      expect(() => apiKey(name as string), String(name)).to.throw(TypeError, 'header')
    }
  })
})
