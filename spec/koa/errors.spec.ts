import { ContractViolation } from '../../lib/errors.js'
import { inspect } from 'node:util'
import { expect } from 'chai'
import Koa from 'koa'
import { createUserTable } from 'koa-tokenapi/knex'
import { codeOf } from '../../lib/errors.js'
import { askToRetry, loggable } from '../../lib/koa/errors.js'
import { Overloaded } from '../../lib/passwords/gate.js'
import { DeadlineExceeded } from '../../lib/deadline.js'
import { onEachDatabase } from '../support/databases.js'
import { withServer } from '../support/http.js'
import { send } from '../support/send.js'

const SECRET = 'pbkdf2_sha256$1$salt$this-must-not-be-logged'

/** Everything that a logger may find in an error, also what does not show in its message. */
function everythingIn(error: Error): string {
  const properties = Object.getOwnPropertyNames(error).map((name) => inspect(Reflect.get(error, name)))
  return [String(error), error.stack, inspect(error, { depth: 9, showHidden: true }), ...properties].join('\n')
}

async function rejectionOf(work: PromiseLike<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

describe('loggable', () => {
  onEachDatabase((db) => {
    before(() => createUserTable(db()))

    const queries = {
      'a query for a table that is not there': () => db()('nowhere').where({ password: SECRET }),
      'a query for a column that is not there': () => db()('users').where({ username: SECRET, nothing: SECRET }),
      'a raw query with bindings': () => db().raw('select * from nowhere where password = ?', [SECRET]),
      'a row that is there already': async () => {
        await db()('users').insert({ username: SECRET, password: SECRET })
        await db()('users').insert({ username: SECRET, password: SECRET })
      },
      'a value that the column cannot take': () => db()('users').insert({ username: null, password: SECRET }),
    }
    it('has something to keep out: the driver writes values into its errors', async () => {
      const faults = await Promise.all(Object.values(queries).map((query) => rejectionOf(query())))
      const texts = faults.map((fault) => (fault instanceof Error ? everythingIn(fault) : ''))
      expect(texts.filter((text) => text.includes('this-must-not-be-logged'))).not.to.deep.equal([])
    })

    for (const [name, query] of Object.entries(queries)) {
      it(`keeps the values of ${name} out`, async () => {
        const fault = await rejectionOf(query())
        const safe = loggable(fault)
        expect(everythingIn(safe)).not.to.include('this-must-not-be-logged')
        expect(safe).to.have.property('code').that.equals(codeOf(fault))
        expect(safe.message).to.include(codeOf(fault))
      })
    }
  })

  it('keeps no cause, no property and no message of an error that it does not know', () => {
    const fault = new Error(SECRET, { cause: new Error(SECRET) })
    Object.assign(fault, { sql: SECRET, bindings: [SECRET], detail: SECRET, code: 'E_SOMETHING' })
    expect(everythingIn(loggable(fault))).not.to.include('this-must-not-be-logged')
    expect(loggable(fault).message).to.equal('Error E_SOMETHING')
  })

  it('says where it happened', () => {
    expect(loggable(new Error(SECRET)).stack).to.match(/^Error: Error\n\s+at .*errors\.spec\.ts:[0-9]+:[0-9]+/)
  })

  it('takes no line of a message for a line of the stack', () => {
    const fault = new Error(`insert failed\n    at ${SECRET}\n    at ${SECRET} (x)`)
    expect(everythingIn(loggable(fault))).not.to.include('this-must-not-be-logged')
  })

  it('keeps the words of faults that hold no values', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
    })
    for (const fault of [new Overloaded(), new DeadlineExceeded(5), new ContractViolation('boundTo must …'), refused]) {
      const safe = loggable(fault)
      expect([safe.name, safe.message]).to.deep.equal([fault.name, fault.message])
    }
    expect(loggable(refused)).to.have.property('code', 'ECONNREFUSED')
  })

  it('keeps no words of a TypeError that JavaScript made, which quotes what it was given', () => {
    const quoted = new TypeError(`Cannot use 'in' operator to search for 'x' in ${SECRET}`)
    expect(everythingIn(loggable(quoted))).not.to.include('this-must-not-be-logged')
    const named = Object.assign(new Error(SECRET), { name: 'Overloaded' })
    expect(everythingIn(loggable(named))).not.to.include('this-must-not-be-logged')
  })

  it('survives an error whose stack is no text', () => {
    expect(loggable(Object.assign(new Error('x'), { stack: 7 }))).to.be.instanceOf(Error)
  })

  it('makes an error of whatever a store rejects with', () => {
    for (const [fault, message] of [
      [null, 'rejected with null'],
      [undefined, 'rejected with undefined'],
      [SECRET, 'rejected with string'],
      [{ sql: SECRET }, 'rejected with object'],
      [7, 'rejected with number'],
    ] as const) {
      expect(loggable(fault).stack).to.include(message)
      expect(everythingIn(loggable(fault))).not.to.include('this-must-not-be-logged')
    }
  })

  it('takes a code only where it is text', () => {
    expect(codeOf(Object.assign(new Error('x'), { code: 7 }))).to.equal(undefined)
    expect(codeOf({ code: 'E' })).to.equal(undefined)
    expect(codeOf(null)).to.equal(undefined)
    expect(codeOf(Object.assign(new Error('x'), { code: 'E' }))).to.equal('E')
  })
})

describe('askToRetry', () => {
  it('answers 503 and says when to come back', async () => {
    const app = new Koa()
    app.use((ctx) => {
      askToRetry(ctx)
      ctx.body = ''
    })
    const answer = await withServer(app, ({ url }) => send(url, '/'))
    expect(answer.status).to.equal(503)
    expect(answer.headers['retry-after']).to.match(/^[1-9][0-9]*$/)
    expect(answer.headers['cache-control']).to.equal('no-store')
  })
})
