import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import knex, { type Knex } from 'knex'
import { expiringTokenApi, timedTokenApi } from 'koa-tokenapi'
import { createTokenTable, type IdColumn, knexTokens, knexUsers } from 'koa-tokenapi/knex'
import { importTokens, usage } from '../../lib/cli/import-tokens.js'
import { InternalError } from '../../lib/errors.js'
import { type Database, databases } from '../support/databases.js'
import { cheap, served } from '../support/siblings.js'

/** The time at which the specs verify tokens. */
const NOW = Date.UTC(2026, 10, 22, 12) / 1000
const DAY = 86400
const ROOT = fileURLToPath(new URL('../../', import.meta.url))

const [ALICE, BOB] = ['6f1c1b1e-4c7f-4d0a-9a58-0b6f6b1f0a11', 'a0000000-0000-4000-8000-000000000002']

/** A key as Django makes it: 40 hex digits, distinguished by a number. */
function keyOf(number: number): string {
  return `${number.toString(16).padStart(8, '0')}${'a0b1c2d3'.repeat(4)}`
}

/** A time with fractions of a second, as Django writes it into each database. */
function django(name: Database['name'], seconds: number): string {
  const text = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return name === 'PostgreSQL' ? `${text}.654321+00` : `${text}.654321`
}

/** A database of a Django application, and its URL. */
interface Old {
  readonly db: Knex
  readonly url: string
  readonly name: Database['name']
  close(): Promise<void>
}

async function open(database: Database): Promise<Old> {
  if (database.name !== 'SQLite') {
    const opened = await database.open()
    return { db: opened.db, url: urlOf(opened.db, database.name), name: database.name, close: () => opened.close() }
  }
  const folder = await mkdtemp(join(tmpdir(), 'koa-tokenapi-'))
  const url = join(folder, 'db.sqlite3')
  const db = knex({
    client: 'sqlite3',
    connection: { filename: url },
    useNullAsDefault: true,
    pool: { min: 1, max: 1 },
  })
  return {
    db,
    url,
    name: 'SQLite',
    async close() {
      await db.destroy()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What Knex has read of the URL that spec/support/databases.ts gave it. */
interface Settings {
  readonly connection: { user: string; password?: string; host: string; port: string; database: string }
  readonly searchPath?: string
}

/** The URL of the empty database that was opened, as it is written on a command line. */
function urlOf(db: Knex, name: Database['name']): string {
  const { connection, searchPath } = db.client.config as Settings // see above
  const { user, password = '', host, port, database } = connection
  const server = `${user}:${password}@${host}:${port}/${database}`
  return name === 'PostgreSQL' ? `postgres://${server}?options=-c%20search_path%3D${searchPath}` : `mysql://${server}`
}

/** The tables of rest_framework.authtoken and of djangorestframework-timed-auth-token, as their migrations make them. */
async function createDjangoTables(old: Old, id: IdColumn): Promise<void> {
  const time = { PostgreSQL: 'timestamp with time zone', MariaDB: 'datetime(6)', SQLite: 'datetime' }[old.name]
  const uuid = old.name === 'PostgreSQL' ? 'uuid' : 'char(32)'
  const types: Readonly<Record<IdColumn, string>> = { integer: 'integer', bigint: 'bigint', text: 'varchar(100)', uuid }
  const key = old.name === 'MariaDB' ? '`key`' : '"key"'
  const user = `user_id ${types[id]} not null`
  await old.db.raw(
    `create table authtoken_token (${key} varchar(40) not null primary key, created ${time} not null, ${user} unique)`,
  )
  await old.db.raw(
    `create table timed_auth_token_timedauthtoken (${key} varchar(40) not null primary key, created ${time} not null, ` +
      `last_used ${time} not null, expires ${time} not null, ${user})`,
  )
  const idType = id === 'integer' ? 'integer not null primary key' : `${types[id]} not null primary key`
  await old.db.raw(
    `create table auth_user (id ${idType}, username varchar(150) not null, password varchar(128) not null, is_active boolean not null)`,
  )
}

async function imported(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const lines: string[] = []
  await importTokens(args, (line) => lines.push(line), env)
  return lines
}

/** The last line for the one token of the table. */
function doneWith(added: number): string {
  return `done: 1 tokens read from authtoken_token, ${added} new in tokens`
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not reject'),
    (error: unknown) => error,
  )
}

describe('importTokens', () => {
  for (const database of databases) {
    describe(`on ${database.name}`, () => {
      let old: Old
      beforeEach(async () => {
        old = await open(database)
      })
      afterEach(() => old.close())

      const fill = async (id: IdColumn, users: readonly unknown[]): Promise<void> => {
        await createDjangoTables(old, id)
        await createTokenTable(old.db)
        for (const [at, user] of users.entries()) {
          await old.db('auth_user').insert({ id: user, username: `user${at}`, password: '!', is_active: true })
        }
      }
      const addToken = async (number: number, user: unknown, created: number): Promise<void> => {
        await old
          .db('authtoken_token')
          .insert({ key: keyOf(number), created: django(old.name, created), user_id: user })
      }
      const addTimed = async (
        number: number,
        user: unknown,
        times: { created: number; used: number; ends: number },
      ): Promise<void> => {
        await old.db('timed_auth_token_timedauthtoken').insert({
          key: keyOf(number),
          created: django(old.name, times.created),
          last_used: django(old.name, times.used),
          expires: django(old.name, times.ends),
          user_id: user,
        })
      }
      const settings = (id: IdColumn, now = NOW) => ({
        users: knexUsers(old.db, { table: 'auth_user', columns: { tokenEpoch: null }, id }),
        store: knexTokens(old.db),
        passwords: cheap,
        clock: () => now,
      })

      it('keeps keys of authtoken_token working over HTTP, and expired ones expired', async () => {
        await fill('integer', [1, 2, 3])
        await addToken(1, 1, NOW - DAY)
        await addToken(2, 2, NOW - 31 * DAY)
        await addToken(3, 3, NOW - 30 * DAY + 1)
        expect(await imported(['--database', old.url, '--from', 'authtoken_token'])).to.deep.equal([
          'authtoken_token: 3 read, 3 new',
          'done: 3 tokens read from authtoken_token, 3 new in tokens',
        ])
        await served(expiringTokenApi(settings('integer')), async ({ ask }) => {
          expect((await ask(`Token ${keyOf(1)}`)).json).to.deep.equal({ id: 1, username: 'user0' })
          expect((await ask(`Token ${keyOf(2)}`)).status).to.equal(401)
          expect((await ask(`Token ${keyOf(3)}`)).json).to.deep.equal({ id: 3, username: 'user2' })
          expect((await ask(`Token ${keyOf(4)}`)).status).to.equal(401)
        })
        await served(expiringTokenApi(settings('integer', NOW + 1)), async ({ ask }) => {
          expect((await ask(`Token ${keyOf(3)}`)).status, 'the second after').to.equal(401)
        })
        expect(JSON.stringify(await old.db('tokens'))).not.to.include(keyOf(1))
      })

      it('keeps keys of timed_auth_token_timedauthtoken working, with their times', async () => {
        await fill('integer', [1, 2])
        await addTimed(1, 1, { created: NOW - 9 * DAY, used: NOW - DAY, ends: NOW + DAY })
        await addTimed(2, 1, { created: NOW - 9 * DAY, used: NOW - 8 * DAY, ends: NOW })
        await addTimed(3, 2, { created: NOW - 9 * DAY, used: NOW - 8 * DAY, ends: NOW + 1 })
        const lines = await imported(['--database', old.url, '--from', 'timed_auth_token_timedauthtoken'])
        expect(lines.at(-1)).to.equal('done: 3 tokens read from timed_auth_token_timedauthtoken, 3 new in tokens')
        const api = timedTokenApi(settings('integer'))
        expect(await api.listTokens({ id: 1, username: 'user0', password: null })).to.have.lengthOf(1)
        const [listed] = await api.listTokens({ id: 1, username: 'user0', password: null })
        expect(listed).to.include({ issuedAt: NOW - 9 * DAY, lastUsedAt: NOW - DAY, expiresAt: NOW + DAY })
        await served(api, async ({ ask }) => {
          const statuses = [
            await ask(`Token ${keyOf(1)}`),
            await ask(`Token ${keyOf(2)}`),
            await ask(`Token ${keyOf(3)}`),
          ]
          expect(statuses.map(({ status }) => status)).to.deep.equal([200, 401, 200])
        })
      })

      it('adds tokens for one API only', async () => {
        await fill('integer', [1])
        await addToken(1, 1, NOW)
        await imported(['--database', old.url, '--from', 'authtoken_token'])
        expect(await timedTokenApi(settings('integer')).verify({ token: keyOf(1) })).to.include({ ok: false })
      })

      it('adds nothing when it is run again, except what is new since', async () => {
        await fill('integer', [1, 2])
        await addToken(1, 1, NOW)
        const args = ['--database', old.url, '--from', 'authtoken_token']
        await imported(args)
        expect((await imported(args)).at(-1)).to.equal('done: 1 tokens read from authtoken_token, 0 new in tokens')
        await addToken(2, 2, NOW)
        expect((await imported(args)).at(-1)).to.equal('done: 2 tokens read from authtoken_token, 1 new in tokens')
        expect(await old.db('tokens').select('id')).to.have.lengthOf(2)
      })

      it('does not bring back what was revoked since, once Django’s table has forgotten it too', async () => {
        await fill('integer', [1])
        await addToken(1, 1, NOW)
        const args = ['--database', old.url, '--from', 'authtoken_token']
        await imported(args)
        await expiringTokenApi(settings('integer')).revoke(keyOf(1))
        await old.db('authtoken_token').delete()
        await imported(args)
        expect(await expiringTokenApi(settings('integer')).verify({ token: keyOf(1) })).to.include({ ok: false })
      })

      it('prints its progress batch by batch, and changes nothing of Django’s', async () => {
        await fill('integer', [])
        const rows = Array.from({ length: 2500 }, (_, at) => ({
          key: keyOf(at),
          created: django(old.name, NOW),
          user_id: at + 1,
        }))
        await old.db.batchInsert('authtoken_token', rows, 400)
        const before = await old.db('authtoken_token').orderBy('key')
        expect(await imported(['--database', old.url, '--from', 'authtoken_token'])).to.deep.equal([
          'authtoken_token: 1000 read, 1000 new',
          'authtoken_token: 2000 read, 2000 new',
          'authtoken_token: 2500 read, 2500 new',
          'done: 2500 tokens read from authtoken_token, 2500 new in tokens',
        ])
        expect(await old.db('authtoken_token').orderBy('key')).to.deep.equal(before)
      })

      it('says so if there is nothing', async () => {
        await fill('integer', [])
        expect(await imported(['--database', old.url, '--from', 'authtoken_token'])).to.deep.equal([
          'done: 0 tokens read from authtoken_token, 0 new in tokens',
        ])
      })

      it('reads users’ UUIDs, however the database keeps them', async () => {
        const kept = (id: string): string => (old.name === 'PostgreSQL' ? id : id.replaceAll('-', ''))
        await fill('uuid', [kept(ALICE), kept(BOB)])
        await addToken(1, kept(ALICE), NOW)
        await addTimed(2, kept(BOB), { created: NOW, used: NOW, ends: NOW + DAY })
        await imported(['--database', old.url, '--from', 'authtoken_token', '--id', 'uuid'])
        await imported(['--database', old.url, '--from', 'timed_auth_token_timedauthtoken', '--id', 'uuid'])
        await served(expiringTokenApi(settings('uuid')), async ({ ask }) => {
          expect((await ask(`Token ${keyOf(1)}`)).json).to.deep.equal({ id: ALICE, username: 'user0' })
        })
        await served(timedTokenApi(settings('uuid')), async ({ ask }) => {
          expect((await ask(`Token ${keyOf(2)}`)).json).to.deep.equal({ id: BOB, username: 'user1' })
        })
      })

      it('reads users’ 64-bit ids', async () => {
        await fill('bigint', ['9223372036854775807'])
        await addToken(1, '9223372036854775807', NOW)
        await imported(['--database', old.url, '--from', 'authtoken_token', '--id', 'bigint'])
        const api = expiringTokenApi(settings('bigint'))
        const verdict = await api.verify({ token: keyOf(1) })
        expect(verdict.ok && verdict.value.user.id).to.equal(9223372036854775807n)
      })

      describe('if a user’s id does not fit --id', () => {
        const wrong: readonly [kept: IdColumn, read: IdColumn, id: unknown][] = [
          ['bigint', 'integer', '9007199254740993'],
          ['bigint', 'integer', '2147483648'],
          ['uuid', 'integer', ALICE],
          ['uuid', 'bigint', ALICE],
          ['text', 'integer', '01'],
          ['text', 'uuid', 'ann'],
          ['integer', 'uuid', 7],
          ['integer', 'integer', -7],
        ]
        for (const [kept, read, id] of wrong) {
          it(`takes over nothing of the batch: ${String(id)} read as ${read}`, async () => {
            const firsts: Readonly<Record<IdColumn, unknown>> = { integer: 1, bigint: 1, text: '1', uuid: BOB }
            const [first, other] = [firsts[kept], id].map((one) =>
              kept === 'uuid' && old.name !== 'PostgreSQL' ? String(one).replaceAll('-', '') : one,
            )
            await fill(kept, [])
            await addToken(1, first, NOW)
            await addToken(2, other, NOW)
            const error = await rejection(imported(['--database', old.url, '--from', 'authtoken_token', '--id', read]))
            expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes('--id')
            expect(error).to.have.property('message').that.does.not.include(keyOf(2))
            expect(await old.db('tokens')).to.deep.equal([])
          })
        }
      })

      it('skips and counts keys that no client could present, and takes the others over', async () => {
        await fill('integer', [1, 2, 3, 4])
        await addToken(1, 1, NOW)
        await addToken(2, 2, NOW)
        const insert = { created: django(old.name, NOW) }
        await old.db('authtoken_token').insert({ ...insert, key: 'too-short', user_id: 3 })
        await old.db('authtoken_token').insert({ ...insert, key: `${'0'.repeat(39)}=`, user_id: 4 })
        const lines = ['4 read, 2 new, 2 unusable', '2 new in tokens, 2 unusable']
        expect(await imported(['--database', old.url, '--from', 'authtoken_token'])).to.deep.equal([
          `authtoken_token: ${lines[0]}`,
          `done: 4 tokens read from authtoken_token, ${lines[1]}`,
        ])
        expect(await expiringTokenApi(settings('integer')).verify({ token: keyOf(2) })).to.include({ ok: true })
      })

      it('skips and counts a user that nobody could be', async () => {
        await fill('text', [])
        await addToken(1, '', NOW)
        await addToken(2, 'a\nb', NOW)
        await addToken(3, 'ann', NOW)
        const lines = await imported(['--database', old.url, '--from', 'authtoken_token', '--id', 'text'])
        expect(lines.at(-1)).to.equal('done: 3 tokens read from authtoken_token, 1 new in tokens, 2 unusable')
      })

      it('takes a time that is null for none', async () => {
        await fill('integer', [1])
        const table = 'timed_auth_token_timedauthtoken'
        await old.db.schema.dropTable(table)
        await old.db.schema.createTable(table, (columns) => {
          columns.string('key', 40).primary()
          for (const column of ['created', 'last_used', 'expires']) columns.datetime(column, { precision: 6 })
          columns.integer('user_id')
        })
        const now = Math.floor(Date.now() / 1000)
        const time = (seconds: number): string => django(old.name, seconds)
        await old.db(table).insert([
          { key: keyOf(1), user_id: 1 },
          { key: keyOf(2), user_id: 1, created: time(NOW - 90 * DAY), last_used: time(NOW - DAY) },
          { key: keyOf(3), user_id: 1, created: time(NOW - DAY), expires: time(NOW + DAY) },
        ])
        await imported(['--database', old.url, '--from', table])
        const api = timedTokenApi(settings('integer', now - DAY)) // before all of their ends
        const listed = (await api.listTokens({ id: 1, username: 'user0', password: null })).toReversed()
        expect(listed[0]?.issuedAt).to.be.within(now, now + 60)
        expect(listed[0]).to.include({ lastUsedAt: null, expiresAt: Number(listed[0]?.issuedAt) + 30 * DAY })
        expect(listed[1]).to.include({ lastUsedAt: NOW - DAY, expiresAt: NOW - DAY + 30 * DAY })
        expect(listed[2]).to.include({ issuedAt: NOW - DAY, lastUsedAt: null, expiresAt: NOW + DAY })
      })

      it('takes a lifetime, an audience and a table', async () => {
        await fill('integer', [1])
        await createTokenTable(old.db, { table: 'staff_tokens' })
        await addToken(1, 1, NOW)
        const options = ['--lifetime', '60', '--audience', 'staff', '--to', 'staff_tokens']
        await imported(['--database', old.url, '--from', 'authtoken_token', ...options])
        const store = knexTokens(old.db, { table: 'staff_tokens' })
        const isValid = async (audience: string, now: number): Promise<boolean> =>
          (await expiringTokenApi({ ...settings('integer', now), store, audience }).verify({ token: keyOf(1) })).ok
        expect(await isValid('staff', NOW + 59)).to.equal(true)
        expect(await isValid('staff', NOW + 60)).to.equal(false)
        expect(await isValid('', NOW)).to.equal(false)
        expect(await old.db('tokens')).to.deep.equal([])
      })

      it('reads from another database', async () => {
        const django2 = await open(database)
        try {
          await createTokenTable(old.db)
          await createDjangoTables(django2, 'integer')
          await django2.db('authtoken_token').insert({ key: keyOf(1), created: django(old.name, NOW), user_id: 1 })
          await imported(['--database', old.url, '--source', django2.url, '--from', 'authtoken_token'])
          expect(await old.db('tokens').select('user_id')).to.have.lengthOf(1)
        } finally {
          await django2.close()
        }
      })

      it('names the token table if it is missing, and leaves no connection open', async () => {
        await createDjangoTables(old, 'integer')
        await addToken(1, 1, NOW)
        const args = ['--database', old.url, '--from', 'authtoken_token']
        expect(await rejection(imported(args)))
          .to.be.instanceOf(InternalError)
          .with.property('message')
          .that.includes('table tokens does not exist')
        expect(await rejection(imported([...args, '--to', 'my_tokens'])))
          .to.have.property('message')
          .that.includes('table my_tokens does not exist')
      })

      for (const table of ['authtoken_token', 'timed_auth_token_timedauthtoken'] as const) {
        it(`names ${table} if it is missing`, async () => {
          await createTokenTable(old.db)
          expect(await rejection(imported(['--database', old.url, '--from', table])))
            .to.be.instanceOf(InternalError)
            .with.property('message')
            .that.includes(`table ${table} does not exist`)
        })
      }

      it('names the column that a table lacks', async () => {
        await fill('integer', [1])
        await old.db.schema.alterTable('authtoken_token', (columns) => columns.renameColumn('created', 'made'))
        expect(await rejection(imported(['--database', old.url, '--from', 'authtoken_token'])))
          .to.be.instanceOf(InternalError)
          .with.property('message')
          .that.includes('column created of table authtoken_token')
      })

      it('finds its databases in the environment, and prefers what the command line says', async () => {
        await fill('integer', [1])
        await addToken(1, 1, NOW)
        const from = ['--from', 'authtoken_token']
        expect((await imported(from, { DATABASE_URL: old.url })).at(-1)).to.equal(doneWith(1))
        const wrong = 'postgres://u@127.0.0.1:1/d'
        const args = [...from, '--database', old.url]
        expect((await imported([...args, '--source', old.url], { DATABASE_URL: wrong })).at(-1)).to.equal(doneWith(0))
        expect((await imported(args, { SOURCE_DATABASE_URL: old.url })).at(-1)).to.equal(doneWith(0))
        expect(await rejection(imported(args, { SOURCE_DATABASE_URL: wrong }))).to.have.property('code', 'ECONNREFUSED')
      })

      it('counts in a dry run what it would add, and writes nothing', async () => {
        await fill('integer', [1, 2, 3])
        await addToken(1, 1, NOW)
        await addTimed(9, 1, { created: NOW, used: NOW, ends: NOW + DAY })
        const args = ['--database', old.url, '--from', 'authtoken_token']
        await imported(args)
        await addToken(2, 2, NOW)
        await old.db('authtoken_token').insert({ created: django(old.name, NOW), key: 'too-short', user_id: 3 })
        const before = await old.db('tokens').orderBy('id')
        expect(await imported([...args, '--dry-run'])).to.deep.equal([
          'authtoken_token: 3 read, 1 new, 1 unusable',
          'dry run, nothing written: 3 tokens read from authtoken_token, 1 new in tokens, 1 unusable',
        ])
        const timed = ['--database', old.url, '--from', 'timed_auth_token_timedauthtoken', '--dry-run']
        expect((await imported(timed)).at(0)).to.equal('timed_auth_token_timedauthtoken: 1 read, 1 new')
        expect(await old.db('tokens').orderBy('id')).to.deep.equal(before)
        expect((await imported(args)).at(0)).to.equal('authtoken_token: 3 read, 1 new, 1 unusable')
      })
    })
  }

  describe('says which argument is wrong', () => {
    const good = ['--database', ':memory:', '--from', 'authtoken_token']
    const wrong: Readonly<Record<string, readonly [readonly string[], string]>> = {
      'without any': [[], '--database'],
      'without a database': [['--from', 'authtoken_token'], '--database'],
      'for an empty database': [['--database', '', '--from', 'authtoken_token'], '--database'],
      'for a database of an unknown kind': [
        ['--database', 'oracle://u@h/d', '--from', 'authtoken_token'],
        'postgres://',
      ],
      'without a table': [['--database', ':memory:'], '--from'],
      'for another table': [['--database', ':memory:', '--from', 'auth_user'], '--from'],
      'for another kind of id': [[...good, '--id', 'float'], 'id must be'],
      'for a lifetime that is no number': [[...good, '--lifetime', 'long'], 'lifetime'],
      'for an empty lifetime': [[...good, '--lifetime', ''], 'lifetime'],
      'for a lifetime of nothing': [[...good, '--lifetime', '0'], 'lifetime'],
      'for an audience that is too long': [[...good, '--audience', 'x'.repeat(51)], 'audience'],
      'for an option that does not exist': [[...good, '--force'], '--force'],
      'for an option without its value': [[...good, '--to'], '--to'],
      'for a lifetime where each token has an end': [
        ['--database', ':memory:', '--from', 'timed_auth_token_timedauthtoken', '--lifetime', '60'],
        '--lifetime',
      ],
      'for a word too many': [[...good, 'now'], 'now'],
    }
    for (const [what, [args, text]] of Object.entries(wrong)) {
      it(what, async () => {
        const error = await rejection(imported(args))
        expect(error).to.be.instanceOf(TypeError).with.property('message').that.includes(text)
      })
    }
  })
})

function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; out: string; err: string }> {
  const { DATABASE_URL: _, SOURCE_DATABASE_URL: __, ...inherited } = process.env
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT, env: { ...inherited, ...env } }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
  })
}

describe('the command koa-tokenapi', () => {
  let folder: string
  let command: string

  before(async function () {
    this.timeout(120_000)
    await mkdir(join(ROOT, '.tmp'), { recursive: true })
    folder = await mkdtemp(join(ROOT, '.tmp', 'built-')) // within the project, so that its dependencies are found
    const dist = join(folder, 'dist')
    await run([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', dist])
    await copyFile(join(ROOT, 'package.json'), join(folder, 'package.json'))
    command = join(dist, 'cli', 'koa-tokenapi.js')
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('takes tokens over', async () => {
    const [sqlite] = databases
    if (sqlite === undefined) throw new Error('SQLite is always there')
    const old = await open(sqlite)
    try {
      await createDjangoTables(old, 'integer')
      await createTokenTable(old.db)
      await old.db('authtoken_token').insert({ key: keyOf(1), created: django('SQLite', NOW), user_id: 1 })
      const args = ['import-tokens', '--database', old.url, '--from', 'authtoken_token']
      expect(await run([command, ...args])).to.deep.equal({
        code: 0,
        out: 'authtoken_token: 1 read, 1 new\ndone: 1 tokens read from authtoken_token, 1 new in tokens\n',
        err: '',
      })
      expect(await old.db('tokens').select('user_id')).to.have.lengthOf(1)
    } finally {
      await old.close()
    }
  })

  it('prints its usage', async () => {
    for (const args of [[], ['--help'], ['import-tokens', '--help']]) {
      expect(await run([command, ...args]), args.join(' ')).to.deep.equal({
        code: 0,
        out: `${usage}\n`,
        err: '',
      })
    }
    expect(await run([command, 'export-tokens'])).to.deep.equal({ code: 1, out: '', err: `${usage}\n` })
  })

  it('says what is wrong with its arguments, and prints its usage', async () => {
    for (const args of [['import-tokens'], ['import-tokens', '--force']]) {
      const { code, out, err } = await run([command, ...args])
      expect([code, out]).to.deep.equal([1, ''])
      expect(err).to.include('--database').and.include(usage)
    }
  })

  it('says only what is wrong with the data', async () => {
    const [sqlite] = databases
    if (sqlite === undefined) throw new Error('SQLite is always there')
    const old = await open(sqlite)
    try {
      await createDjangoTables(old, 'text')
      await createTokenTable(old.db)
      await old.db('authtoken_token').insert({ key: keyOf(1), created: django('SQLite', NOW), user_id: 'ann' })
      const { code, out, err } = await run([
        command,
        'import-tokens',
        '--database',
        old.url,
        '--from',
        'authtoken_token',
      ])
      expect([code, out]).to.deep.equal([1, ''])
      expect(err).to.include('--id').and.not.include('koa-tokenapi import-tokens')
    } finally {
      await old.close()
    }
  })

  it('prints of a database’s error only its code and the address of the connection', async () => {
    const args = ['import-tokens', '--database', 'postgres://user:secret@127.0.0.1:1/d', '--from', 'authtoken_token']
    const { code, out, err } = await run([command, ...args])
    expect([code, out, err]).to.deep.equal([1, '', 'connect ECONNREFUSED 127.0.0.1:1\n'])
  })

  it('says in one line which table is missing', async () => {
    const file = join(folder, 'empty.sqlite3')
    await writeFile(file, '')
    const { code, out, err } = await run([command, 'import-tokens', '--database', file, '--from', 'authtoken_token'])
    expect([code, out, err]).to.deep.equal([1, '', 'table tokens does not exist (SQLITE_ERROR)\n'])
  })

  it('creates no file for a SQLite path that is mistyped', async () => {
    const missing = join(folder, 'mistyped.sqlite3')
    for (const url of [missing, `sqlite:${missing}`]) {
      for (const option of ['--database', '--source']) {
        const args = ['import-tokens', '--from', 'authtoken_token', '--database', ':memory:', option, url]
        const { code, out, err } = await run([command, ...args])
        expect([code, out]).to.deep.equal([1, ''])
        expect(err).to.include(`${missing} does not exist`)
        expect(await readdir(folder)).not.to.include('mistyped.sqlite3')
      }
    }
  })

  it('never prints a URL, which may hold a password', async () => {
    for (const url of ['postgress://user:secret@h/d', 'mysql://user:secret@127.0.0.1:1/d']) {
      const { code, out, err } = await run([command, 'import-tokens', '--database', url, '--from', 'authtoken_token'])
      expect(code).to.equal(1)
      expect(out + err).not.to.include('secret')
    }
  })

  it('reads DATABASE_URL', async () => {
    const { code, err } = await run([command, 'import-tokens', '--from', 'authtoken_token'], {
      DATABASE_URL: 'postgres://u@127.0.0.1:1/d',
    })
    expect([code, err]).to.deep.equal([1, 'connect ECONNREFUSED 127.0.0.1:1\n'])
  })

  it('prints its version', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    for (const args of [['--version'], ['import-tokens', '--version']]) {
      expect(await run([command, ...args])).to.deep.equal({ code: 0, out: `${version}\n`, err: '' })
    }
  })
})
