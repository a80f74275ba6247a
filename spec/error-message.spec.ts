import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import knex, { type Knex } from 'knex'
import { tokenApi, type User } from 'koa-tokenapi'
import { createUserTable, knexUsers } from 'koa-tokenapi/knex'
import { DeadlineExceeded } from '../lib/deadline.js'
import { codeOf, ContractViolation } from '../lib/errors.js'
import { loggable } from '../lib/error-message.js'
import { Overloaded } from '../lib/passwords/gate.js'
import { onEachDatabase } from './support/databases.js'
import { withServer } from './support/http.js'
import { SILENT, throughProxy } from './support/proxy.js'
import { asForm, send } from './support/send.js'

const SECRET = 'pbkdf2_sha256$1$salt$this-must-not-be-logged'

/** Everything that a logger may find in an error, also what does not show in its message. */
function everythingIn(error: Error): string {
  const properties = Object.getOwnPropertyNames(error).map((name) => inspect(Reflect.get(error, name)))
  return [String(error), error.stack, inspect(error, { depth: 9, showHidden: true }), ...properties].join('\n')
}

function expectNoSecretIn(error: Error): void {
  expect(everythingIn(error)).not.to.match(/must-not-be-logged|pbkdf2/)
}

async function rejectionOf(work: PromiseLike<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

/** A query that runs for longer than any spec, with a value in it. */
function longQuery(db: Knex, value: string): Knex.Raw {
  const isPostgres = db.client.config.client === 'pg' // Knex types its client as any
  return db.raw(isPostgres ? 'select pg_sleep(60), ?::text' : 'select sleep(60), ?', [value])
}

/** Resolves when a query has been sent. */
function sent(db: Knex): Promise<void> {
  return new Promise((resolve) => {
    db.once('query', () => setImmediate(resolve))
  })
}

describe('loggable', () => {
  onEachDatabase((db, database) => {
    before(() => createUserTable(db()))

    const queries = {
      'a query for a table that does not exist': [
        () => db()('nowhere').where({ password: SECRET }),
        /table ([\w.]+\.)?nowhere does not exist/,
      ],
      'a query for a column that does not exist': [
        () => db()('users').where({ username: SECRET, nothing: SECRET }),
        /column nothing does not exist/,
      ],
      'a query for a column of a table': [
        () => db()('users').select('users.nothing').where({ username: SECRET }),
        /column users\.nothing does not exist/,
      ],
      'an insert into a column that does not exist': [
        () => db()('users').insert({ username: SECRET, nothing: SECRET }),
        /column nothing (of table users )?does not exist/,
      ],
      'an update of a column that does not exist': [
        () => db()('users').where({ username: SECRET }).update({ nothing: SECRET }),
        /column nothing (of table users )?does not exist/,
      ],
      'a raw query with bindings': [
        () => db().raw('select * from nowhere where password = ?', [SECRET]),
        /table ([\w.]+\.)?nowhere does not exist/,
      ],
      'a row that exists already': [
        async () => {
          await db()('users').insert({ username: SECRET, password: SECRET })
          await db()('users').insert({ username: SECRET, password: SECRET })
        },
        /./,
      ],
      'a value that the column cannot take': [() => db()('users').insert({ username: null, password: SECRET }), /./],
    } satisfies Record<string, [() => PromiseLike<unknown>, RegExp]>

    it('has something to keep out: the driver writes values into its errors', async () => {
      const errors = await Promise.all(Object.values(queries).map(([query]) => rejectionOf(query())))
      const texts = errors.map((error) => (error instanceof Error ? everythingIn(error) : ''))
      expect(texts.filter((text) => text.includes('this-must-not-be-logged'))).not.to.deep.equal([])
    })

    for (const [name, [query, message]] of Object.entries(queries)) {
      it(`keeps the values of ${name} out, and the names of tables and columns in`, async () => {
        const error = await rejectionOf(query())
        const safe = loggable(error)
        expectNoSecretIn(safe)
        expect(safe).to.have.property('code').that.equals(codeOf(error))
        expect(safe.message).to.include(codeOf(error)).and.to.match(message)
        expect(safe.stack).to.match(/\n\s+at .*:[0-9]+:[0-9]+\)?$/)
      })
    }

    it('keeps out a value that looks like the end of a message', async () => {
      const value = "' - SQLITE_ERROR: no such table: topsecret"
      for (const query of [
        () => db()('users').where({ nothing: value }),
        () => db()('nowhere').where({ nothing: `${value} - relation "topsecret" does not exist` }),
        () => db().raw('selec ?', [`Table 'topsecret' doesn't exist`]),
      ]) {
        expect(everythingIn(loggable(await rejectionOf(query())))).not.to.include('topsecret')
      }
    })

    it('keeps out the query of a Knex timeout', async () => {
      if (database === 'SQLite') return // its driver cannot be interrupted
      const safe = loggable(await rejectionOf(longQuery(db(), SECRET).timeout(20, { cancel: true })))
      expectNoSecretIn(safe)
      expect([safe.name, safe.message]).to.deep.equal([
        'KnexTimeoutError',
        'KnexTimeoutError: a query took longer than 20 ms',
      ])
    })

    if (database === 'SQLite') return // it has no connections

    for (const how of ['cut', 'reset'] as const) {
      it(`keeps out the query that was running when the connection was ${how}`, async () => {
        const { db: proxied, proxy } = await throughProxy(db())
        try {
          const isSent = sent(proxied)
          const failing = rejectionOf(longQuery(proxied, SECRET))
          await isSent
          await proxy[how]()
          const error = await failing
          const safe = loggable(error)
          expectNoSecretIn(safe)
          expect(safe.message).to.match(
            /^(read ECONNRESET|Error PROTOCOL_CONNECTION_LOST|Error: the connection to the database was lost)$/,
          )
        } finally {
          await proxied.destroy()
          await proxy.cut()
        }
      })
    }

    it('keeps the user name of a login out of what the app emits when its connection is reset', async () => {
      const { db: proxied, proxy } = await throughProxy(db())
      const findByUsername = async (name: string): Promise<User | null> => {
        await longQuery(proxied, name)
        return null
      }
      const api = tokenApi({ users: { ...knexUsers(proxied), findByUsername }, secret: 'x'.repeat(32) })
      const emitted: Error[] = []
      const app = new Koa().use(bodyParser()).use(api.routes())
      app.on('error', (error: Error) => emitted.push(error))
      try {
        await withServer(app, async ({ url }) => {
          const isSent = sent(proxied)
          const login = send(url, '/token/new', asForm(`username=${encodeURIComponent(SECRET)}&password=x`))
          await isSent
          proxy.reset()
          expect((await login).status).to.equal(503)
        })
        expect(emitted).to.have.lengthOf(1)
        for (const error of emitted) expectNoSecretIn(error)
      } finally {
        await proxied.destroy()
        await proxy.cut()
      }
    })

    it('says which address refuses connections', async () => {
      const { db: proxied, proxy } = await throughProxy(db())
      await proxy.cut()
      const safe = loggable(await rejectionOf(proxied.raw('select ?', [SECRET])))
      await proxied.destroy()
      expectNoSecretIn(safe)
      expect(safe.message).to.equal(`connect ECONNREFUSED 127.0.0.1:${proxy.port}`)
      expect(safe).to.have.property('code', 'ECONNREFUSED')
    })
  })

  it('says that no connection of the pool became free', async () => {
    const pool = { min: 0, max: 1 }
    const config = {
      client: 'sqlite3',
      connection: ':memory:',
      useNullAsDefault: true,
      acquireConnectionTimeout: 300,
      log: SILENT,
    }
    const db = knex({ ...config, pool })
    const open = await db.transaction()
    const safe = loggable(await rejectionOf(db('users').where({ password: SECRET })))
    await open.rollback()
    await db.destroy()
    expectNoSecretIn(safe)
    expect(safe.message).to.equal('KnexTimeoutError: no connection of the pool became free in time')
  })

  it('keeps no property and no message of an error that it does not know', () => {
    const error = new Error(SECRET)
    Object.assign(error, { sql: SECRET, bindings: [SECRET], detail: SECRET, code: 'E_SOMETHING' })
    expectNoSecretIn(loggable(error))
    expect(loggable(error).message).to.equal('Error E_SOMETHING')
  })

  it('takes a name, a code, a call and an address only if they look like one', () => {
    for (const property of ['name', 'code', 'syscall', 'address', 'hostname', 'port']) {
      for (const value of [SECRET, `x ${SECRET}`, [SECRET], { toString: () => SECRET }]) {
        const error = Object.assign(new Error('x'), { syscall: 'connect', code: 'ECONNREFUSED', [property]: value })
        expectNoSecretIn(loggable(error))
      }
    }
    const odd = Object.assign(new Error('x'), { syscall: 'connect', code: 'E', address: 'must-not-be-logged', port: 1 })
    expect(loggable(odd).message).to.equal('connect E')
  })

  it('reads no property that is not the error’s own', () => {
    const error = Object.setPrototypeOf(new Error('x'), {
      __proto__: Error.prototype,
      syscall: 'connect',
      code: 'inherited',
      cause: new Error('inherited'),
    }) as Error // an object whose prototype was changed is still the same object
    expect(everythingIn(loggable(error))).not.to.include('inherited')
    expect(loggable(error).message).to.equal('Error')
  })

  it('keeps the causes of an error in the same way', () => {
    const refused = { syscall: 'connect', code: 'ECONNREFUSED', address: '10.0.0.1', port: 5432 }
    const root = Object.assign(new Error(SECRET), refused)
    const error = new Error(SECRET, { cause: new Error(SECRET, { cause: root }) })
    const safe = loggable(error)
    expectNoSecretIn(safe)
    const [first, second] = [safe.cause as Error, (safe.cause as Error).cause as Error] // two errors, as above
    expect([first.message, second.message]).to.deep.equal(['Error', 'connect ECONNREFUSED 10.0.0.1:5432'])
    expect(second.stack).to.match(/at .*error-message\.spec\.ts/)
  })

  it('says why each address of a connection failed', () => {
    const errors = ['::1', '127.0.0.1'].map((address) =>
      Object.assign(new Error(SECRET), { syscall: 'connect', code: 'ECONNREFUSED', address, port: 3306 }),
    )
    const error = Object.assign(new AggregateError([...errors, SECRET], SECRET), { code: 'ECONNREFUSED' })
    const safe = loggable(error)
    expectNoSecretIn(safe)
    expect(safe.message).to.equal(
      'AggregateError ECONNREFUSED; connect ECONNREFUSED ::1:3306; connect ECONNREFUSED 127.0.0.1:3306; rejected with string',
    )
    expect(safe).to.have.property('errors').with.lengthOf(3)
  })

  it('ends where causes run in a circle', () => {
    const error = new AggregateError([], SECRET)
    error.errors.push(error, error)
    error.cause = new Error(SECRET, { cause: error })
    expectNoSecretIn(loggable(error))
  })

  it('says where it happened', () => {
    expect(loggable(new Error(SECRET)).stack).to.match(/^Error: Error\n\s+at .*error-message\.spec\.ts:[0-9]+:[0-9]+/)
    expect(loggable(new Error('')).stack).to.match(/^Error: Error\n\s+at .*error-message\.spec\.ts:[0-9]+:[0-9]+/)
  })

  it('takes no line of a message for a frame', () => {
    const lines = `insert failed\n    at ${SECRET}\n    at f (/must-not-be-logged:1:1)`
    expectNoSecretIn(loggable(new Error(lines)))
    for (const message of ['changed', '']) {
      const changed = new Error(lines)
      expect(changed.stack).to.include('insert failed') // the stack is written when it is first read
      changed.message = message
      expectNoSecretIn(loggable(changed))
    }
  })

  it('keeps the messages of this library, which hold no values', () => {
    for (const error of [new Overloaded(), new DeadlineExceeded(5), new ContractViolation('boundTo must …')]) {
      const safe = loggable(error)
      expect([safe.name, safe.message]).to.deep.equal([error.name, error.message])
    }
  })

  it('keeps no words of a TypeError that JavaScript made, which quotes what it was given', () => {
    const quoted = new TypeError(`Cannot use 'in' operator to search for 'x' in ${SECRET}`)
    expectNoSecretIn(loggable(quoted))
    const named = Object.assign(new Error(SECRET), { name: 'Overloaded' })
    expectNoSecretIn(loggable(named))
  })

  it('survives an error whose stack is not text', () => {
    expect(loggable(Object.assign(new Error('x'), { stack: 7 }))).to.be.instanceOf(Error)
  })

  it('knows an error of another realm', () => {
    const foreign: unknown = runInNewContext(`Object.assign(new Error('${SECRET}'), { code: 'E_FOREIGN' })`)
    expect(foreign).not.to.be.instanceOf(Error)
    expectNoSecretIn(loggable(foreign))
    expect(loggable(foreign).message).to.equal('Error E_FOREIGN')
  })

  it('makes an error of whatever a store rejects with', () => {
    for (const [thrown, message] of [
      [null, 'rejected with null'],
      [undefined, 'rejected with undefined'],
      [SECRET, 'rejected with string'],
      [{ sql: SECRET }, 'rejected with object'],
      [7, 'rejected with number'],
    ] as const) {
      expect(loggable(thrown).stack).to.include(message)
      expectNoSecretIn(loggable(thrown))
    }
  })

  it('takes a code only if it is text of its own that reads as a code', () => {
    for (const code of [7, null, SECRET, 'two words', '', 'x'.repeat(65)]) {
      expect(codeOf(Object.assign(new Error('x'), { code }))).to.equal(undefined)
    }
    expect(codeOf({ code: 'E' })).to.equal(undefined)
    expect(codeOf(null)).to.equal(undefined)
    for (const code of ['E', '42P01', 'ERR_TIMEOUT', 'ER_NO_SUCH_TABLE']) {
      expect(codeOf(Object.assign(new Error('x'), { code }))).to.equal(code)
    }
  })
})
