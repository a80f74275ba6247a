import { randomBytes, scryptSync } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import type { Knex } from 'knex'
import { argon2, bcrypt, legacy, type Passwords, pbkdf2, scrypt, type TokenApi, tokenApi } from 'koa-tokenapi'
import { createUserTable, type KnexUser, knexUsers } from 'koa-tokenapi/knex'
import { onEachDatabase } from '../support/databases.js'
import { knownAnswers } from '../support/vectors.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PASSWORD = 'correct horse battery staple'
const SECRET = 'a secret of the specs, long enough to be one'

interface Hash {
  readonly encoded: string | null
}

/** What the page's examples export. */
interface Page {
  readonly known: Passwords
  readonly shared: Passwords
  readonly withHandMade: Passwords
  readonly makeApi: (db: Knex) => TokenApi<KnexUser>
  readonly changePassword: (db: Knex, id: number, password: string) => Promise<void>
}

/** Every stored hash of the known answers. */
function knownHashes(): readonly string[] {
  const files = ['password_hashes', 'password_hashes_scrypt', 'password_hashes_elsewhere'].map(knownAnswers)
  const lists = files as readonly { vectors?: readonly Hash[]; hashes?: readonly Hash[] }[] // as the files are written
  const all = lists.flatMap(({ vectors = [], hashes = [] }) => [...vectors, ...hashes])
  // No package at hand writes it, but the PHC string format's own parameters do.
  const sha1 = `$pbkdf2-sha1$i=1$${'A'.repeat(22)}$${'A'.repeat(27)}`
  return [...all.flatMap(({ encoded }) => encoded ?? []), sha1]
}

interface Row {
  readonly password: string
  readonly token_key: string
}

describe('docs/passwords.md', () => {
  let folder: string
  let text: string
  let page: Page
  let secret: string | undefined

  before(async () => {
    text = await readFile(join(ROOT, 'docs/passwords.md'), 'utf8')
    // Inside the project, so that 'koa-tokenapi' is found there as a user finds it.
    await mkdir(join(ROOT, '.tmp'), { recursive: true })
    folder = await mkdtemp(join(ROOT, '.tmp', 'passwords-'))
    secret = process.env['TOKEN_SECRET']
    process.env['TOKEN_SECRET'] = SECRET
    const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block = '']) => block)
    const modules: object[] = []
    for (const [at, block] of blocks.entries()) {
      const file = join(folder, `example-${at + 1}.ts`)
      await writeFile(file, block)
      modules.push((await import(pathToFileURL(file).href)) as object) // a module
    }
    page = Object.assign({}, ...modules) as Page // as the page has it
  })
  after(async () => {
    if (secret === undefined) delete process.env['TOKEN_SECRET']
    else process.env['TOKEN_SECRET'] = secret
    await rm(folder, { recursive: true })
  })

  it('names the beginning of every format that the default reads, and no other', () => {
    const [, table = ''] = /^## What the default reads$(.*?)^The first package/ms.exec(text) ?? []
    const named = table.split('\n').flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)])
    const starts = named.map(([, start = '']) => start)
    const byDefault = [scrypt(), pbkdf2(), argon2(), bcrypt(), legacy()]
    const read = knownHashes().filter((encoded) => byDefault.some((hasher) => hasher.read(encoded) !== null))
    expect(read).to.have.length.above(100)

    const unnamed = read.filter((encoded) => !starts.some((start) => encoded.startsWith(start)))
    expect(unnamed).to.deep.equal([])
    const unread = starts.filter((start) => !read.some((encoded) => encoded.startsWith(start)))
    expect(unread).to.deep.equal([])
  })

  it('reads better-auth’s hashes where it is named', async () => {
    const hash = await page.known.hash(PASSWORD)
    expect(await page.known.verify(PASSWORD, hash)).to.equal(true)
  })

  it('makes hashes for an application that uses bcrypt', async () => {
    expect(await page.shared.hash(PASSWORD)).to.match(/^\$2b\$12\$[./0-9A-Za-z]{53}$/)
  })

  it('reads a format of its own', async () => {
    const salt = randomBytes(16).toString('hex')
    const stored = `${scryptSync(PASSWORD, salt, 64).toString('hex')}.${salt}`
    expect(await page.withHandMade.verify(PASSWORD, stored)).to.equal(true)
    expect(await page.withHandMade.verify(`${PASSWORD}x`, stored)).to.equal(false)
    expect(page.withHandMade.needsRehash(stored)).to.equal(true)
  })

  onEachDatabase((db) => {
    const userOf = async (id: number): Promise<KnexUser> => {
      const user = await knexUsers(db()).findById(String(id))
      return user ?? expect.fail(`no user ${id}`)
    }
    const row = async (id: number): Promise<Row> => {
      const found = (await db()('users').where({ id }).first()) as Row | undefined // as the page's table has it
      return found ?? expect.fail(`no row ${id}`)
    }
    /** An API as it was before: its tokens are bound to the hash. */
    const plainApi = (): TokenApi<KnexUser> => tokenApi({ users: knexUsers(db()), secret: SECRET })

    beforeEach(async () => {
      await createUserTable(db())
      await db()('users').insert([
        { id: 1, username: 'ann', password: await bcrypt({ cost: 4, format: 'raw' }).hash(PASSWORD) },
        { id: 2, username: 'bob', password: await pbkdf2({ iterations: 1 }).hash(PASSWORD) },
      ])
    })

    afterEach(() => db().schema.dropTable('users'))

    const migrate = async (): Promise<void> => {
      const [, sql = ''] = /^```sql\n(.*?)^```$/ms.exec(text) ?? []
      const statements = sql.split(';\n').filter((statement) => statement !== '')
      expect(statements).to.have.lengthOf(2)
      for (const statement of statements) await db().raw(statement)
    }

    it('renews an old hash at login, once, without ending tokens, those from before among them', async () => {
      const { token } = await plainApi().issue(await userOf(1))
      await migrate()
      const api = page.makeApi(db())
      const [old, other] = [await row(1), await row(2)]
      expect(await api.login({ username: 'ann', password: 'wrong' })).to.have.property('ok', false)
      expect(await row(1)).to.deep.equal(old)

      expect(await api.login({ username: 'ann', password: PASSWORD })).to.have.property('ok', true)
      const fresh = await row(1)
      expect(fresh.password).to.match(/^scrypt\$16384\$/)
      expect({ ...fresh, password: old.password }).to.deep.equal(old)
      expect(await row(2)).to.deep.equal(other)
      expect(await api.verify({ user: '1', token })).to.have.property('ok', true)
      expect(await plainApi().verify({ user: '1', token }), 'bound to the hash').to.have.property('ok', false)

      expect(await api.login({ username: 'ann', password: PASSWORD })).to.have.property('ok', true)
      expect(await row(1)).to.deep.equal(fresh)
    })

    it('ends the tokens of a user whose password changes', async () => {
      await migrate()
      const api = page.makeApi(db())
      const ann = async (): Promise<KnexUser> => {
        const found = await api.login({ username: 'ann', password: currentPassword })
        return found.ok ? found.value : expect.fail(found.reason)
      }
      let currentPassword = PASSWORD
      const logIn = async (password: string): Promise<boolean> => (await api.login({ username: 'ann', password })).ok
      const { token } = await api.issue(await ann())
      expect(await api.verify({ user: '1', token })).to.have.property('ok', true)

      await page.changePassword(db(), 1, 'another password')
      currentPassword = 'another password'
      expect((await row(1)).token_key).to.match(/^[0-9a-f]{32}$/)
      expect(await api.verify({ user: '1', token })).to.have.property('ok', false)
      expect(await logIn(PASSWORD)).to.equal(false)
      expect(await logIn('another password')).to.equal(true)

      const issued = await api.issue(await ann())
      expect(await api.verify({ user: '1', token: issued.token })).to.have.property('ok', true)
      await api.revokeAll(1)
      expect(await api.verify({ user: '1', token: issued.token })).to.have.property('ok', false)
    })
  })
})
