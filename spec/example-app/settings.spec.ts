import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { readSettings, secretOf } from '../../example-app/settings.js'
import { databaseSettings, EXAMPLE_FILE } from '../../example-app/database.js'
import { withFolder } from './process.js'

const seeds = (env: Readonly<Record<string, string>>): boolean => readSettings(env).seedDemo

describe('readSettings', () => {
  it('has defaults for everything', () => {
    const settings = readSettings({})
    expect(settings).to.deep.include({ port: 3000, redisUrl: undefined, proxies: 0 })
    expect(settings.database).to.have.nested.property('connection.filename', EXAMPLE_FILE)
  })

  it('names the variable that is wrong', () => {
    for (const text of ['', '-1', 'http', '1.5', '0x10']) {
      expect(() => readSettings({ PORT: text }), text).to.throw(TypeError, 'PORT')
    }
    expect(() => readSettings({ TRUST_PROXY: 'true' })).to.throw(TypeError, 'TRUST_PROXY')
    expect(() => readSettings({ DATABASE_URL: 'oracle://localhost/x' })).to.throw(TypeError, 'DATABASE_URL')
    for (const text of ['', 'localhost:6379', 'http://localhost', '/tmp/redis.sock']) {
      expect(() => readSettings({ REDIS_URL: text }), text).to.throw(TypeError, 'REDIS_URL')
    }
    for (const text of ['', 'yes', 'true', '2']) {
      expect(() => readSettings({ SEED_DEMO: text }), text).to.throw(TypeError, 'SEED_DEMO')
    }
  })

  it('never repeats a URL, which may hold a password', () => {
    for (const DATABASE_URL of ['postgres://user:pass#word@host:port/d', 'mysql://user:pass#word@host:port/d']) {
      expect(() => readSettings({ DATABASE_URL }))
        .to.throw(TypeError, 'DATABASE_URL')
        .with.property('message')
        .that.does.not.match(/pass|word/)
    }
  })

  describe('seeds the demo user', () => {
    it("in the example's own SQLite file, however it is named", () => {
      expect(seeds({})).to.equal(true)
      expect(seeds({ DATABASE_URL: '' })).to.equal(true)
      expect(seeds({ DATABASE_URL: EXAMPLE_FILE })).to.equal(true)
      expect(seeds({ DATABASE_URL: `sqlite://${EXAMPLE_FILE}` })).to.equal(true)
    })

    it('in no other database, whatever NODE_ENV is', () => {
      for (const DATABASE_URL of ['postgres://u@h/d', 'mysql://u@h/d', 'sqlite:/tmp/app.sqlite3']) {
        for (const NODE_ENV of ['development', 'test', 'staging']) {
          expect(seeds({ DATABASE_URL }), DATABASE_URL).to.equal(false)
          expect(seeds({ DATABASE_URL, NODE_ENV }), `${DATABASE_URL} ${NODE_ENV}`).to.equal(false)
        }
      }
    })

    it('as SEED_DEMO says, if it is given', () => {
      expect(seeds({ DATABASE_URL: 'postgres://u@h/d', SEED_DEMO: '1' })).to.equal(true)
      expect(seeds({ SEED_DEMO: '0' })).to.equal(false)
    })

    it('not in production, unless SEED_DEMO asks for it', () => {
      expect(seeds({ NODE_ENV: 'production' })).to.equal(false)
      expect(seeds({ NODE_ENV: 'production', SEED_DEMO: '1' })).to.equal(true)
    })
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
  const GIVEN = 'x'.repeat(32)

  it('is TOKEN_SECRET if that is given', async () => {
    const settings = databaseSettings('postgres://u@h/d')
    expect(await secretOf({ TOKEN_SECRET: GIVEN }, settings)).to.deep.equal({ secret: GIVEN, from: 'TOKEN_SECRET' })
  })

  it('has at least 32 bytes, wherever it comes from', () =>
    withFolder(async (folder) => {
      const settings = databaseSettings(join(folder, 'a.sqlite3'))
      await writeFile(join(folder, 'a.secret'), `${GIVEN.slice(1)}\n`)
      for (const env of [{ TOKEN_SECRET: '' }, { TOKEN_SECRET: GIVEN.slice(1) }, {}]) {
        const error = await secretOf(env, settings).catch((reason: unknown) => reason)
        expect(error)
          .to.be.instanceOf(TypeError)
          .with.property('message')
          .that.includes('TOKEN_SECRET' in env ? 'TOKEN_SECRET' : 'a.secret')
          .and.includes('32 bytes')
      }
    }))

  it('is kept beside the SQLite file', () =>
    withFolder(async (folder) => {
      const settings = databaseSettings(join(folder, 'a.sqlite3'))
      const { secret, from } = await secretOf({}, settings)
      expect(from).to.equal(join(folder, 'a.secret'))
      expect(await secretOf({}, settings)).to.deep.equal({ secret, from })
    }))
})
