import { join } from 'node:path'
import { expect } from 'chai'
import { readSettings, secretOf } from '../../example-app/settings.js'
import { DATA, databaseSettings } from '../../knexfile.js'
import { withFolder } from './process.js'

describe('readSettings', () => {
  it('has defaults for everything', () => {
    const settings = readSettings({})
    expect(settings).to.deep.include({ port: 3000, isProduction: false, redisUrl: undefined, proxies: 0 })
    expect(settings.database).to.have.nested.property('connection.filename', join(DATA, 'example.sqlite3'))
  })

  it('names the variable that is wrong', () => {
    for (const text of ['', '-1', 'http', '1.5', '0x10']) {
      expect(() => readSettings({ PORT: text }), text).to.throw(TypeError, 'PORT')
    }
    expect(() => readSettings({ TRUST_PROXY: 'true' })).to.throw(TypeError, 'TRUST_PROXY')
    expect(() => readSettings({ DATABASE_URL: 'oracle://localhost/x' })).to.throw(TypeError, 'DATABASE_URL')
  })
})

describe('databaseSettings', () => {
  it('reads the URLs of servers', () => {
    for (const url of ['postgres://u@h/d', 'postgresql://u@h/d']) {
      expect(databaseSettings(url)).to.include({ client: 'pg', connection: url })
    }
    for (const url of ['mysql://u@h/d', 'mariadb://u@h/d']) {
      expect(databaseSettings(url)).to.include({ client: 'mysql2', connection: 'mysql://u@h/d' })
    }
  })

  it('reads paths of SQLite files', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'a.sqlite3')
      for (const url of [file, `sqlite:${file}`, `sqlite://${file}`]) {
        const settings = databaseSettings(url)
        expect(settings).to.include({ client: 'sqlite3' })
        expect(settings.connection).to.deep.equal({ filename: file })
      }
    }))
})

describe('secretOf', () => {
  it('is TOKEN_SECRET where it is given', async () => {
    const settings = databaseSettings('postgres://u@h/d')
    expect(await secretOf({ TOKEN_SECRET: 'given' }, settings)).to.deep.equal({ secret: 'given', from: 'TOKEN_SECRET' })
  })

  it('is kept beside the SQLite file', () =>
    withFolder(async (folder) => {
      const settings = databaseSettings(join(folder, 'a.sqlite3'))
      const { secret, from } = await secretOf({}, settings)
      expect(from).to.equal(join(folder, 'a.secret'))
      expect(await secretOf({}, settings)).to.deep.equal({ secret, from })
    }))
})
