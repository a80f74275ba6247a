import { mock } from 'node:test'
import { inspect } from 'node:util'
import { expect } from 'chai'
import { activeUser, memoryUsers, type User, type UserStore } from 'koa-tokenapi'
import { whilePolluted } from '../support/polluted.js'

const ANN = { id: 1, username: 'ann', password: 'hash of ann' }

/** A store that returns one row for every lookup, and remembers what it was asked. */
function returning(row: unknown): { users: UserStore; asked: string[] } {
  const asked: string[] = []
  const find = (key: string): Promise<User | null> => {
    asked.push(key)
    return row as Promise<User | null> // also what a store in plain JavaScript would return
  }
  return { users: { findById: find, findByUsername: find }, asked }
}

describe('activeUser', () => {
  it('finds a user by id and by name', async () => {
    const find = activeUser(memoryUsers([ANN]))
    for (const by of [{ id: '1' }, { username: 'ann' }]) {
      const verdict = await find(by)
      expect(verdict.ok && verdict.value.password).to.equal('hash of ann')
    }
  })

  it('refuses an unknown user as invalid', async () => {
    for (const unknown of [null, undefined, Promise.resolve(null), Promise.resolve(undefined)]) {
      const { users } = returning(unknown)
      expect(await activeUser(users)({ id: '1' })).to.deep.equal({ ok: false, reason: 'invalid' })
      expect(await activeUser(users)({ username: 'ann' })).to.deep.equal({ ok: false, reason: 'invalid' })
    }
  })

  it('asks the store for no id and no name that is not text', async () => {
    const { users, asked } = returning(ANN)
    for (const value of [undefined, null, 1, true, ['1'], ['ann'], {}] as readonly unknown[]) {
      const text = value as string // as a caller without types
      expect(await activeUser(users)({ id: text })).to.deep.equal({ ok: false, reason: 'invalid' })
      expect(await activeUser(users)({ username: text })).to.deep.equal({ ok: false, reason: 'invalid' })
    }
    expect(asked).to.deep.equal([])
  })

  it('accepts a plain value instead of a promise', async () => {
    const { users } = returning(ANN)
    const verdict = await activeUser(users)({ id: '1' })
    expect(verdict.ok && verdict.value).to.include(ANN)
  })

  for (const isActive of [true, 1, null, undefined]) {
    it(`counts isActive ${isActive} as active`, async () => {
      const verdict = await activeUser(returning({ ...ANN, isActive }).users)({ id: '1' })
      expect(verdict.ok).to.equal(true)
    })
  }

  for (const isActive of [false, 0, '0', '1', '', 'false', 'true', 2, -1, NaN, 0n, 1n, [], {}]) {
    it(`counts isActive ${typeof isActive} ${inspect(isActive)} as inactive`, async () => {
      const { users } = returning({ ...ANN, isActive })
      expect(await activeUser(users)({ id: '1' })).to.deep.equal({ ok: false, reason: 'inactive' })
      expect(await activeUser(users)({ username: 'ann' })).to.deep.equal({ ok: false, reason: 'inactive' })
    })
  }

  it('asks for nothing that cannot be an id', async () => {
    const { users, asked } = returning(ANN)
    for (const id of ['', '1\0', '1\n', '1\x7f', '\ud800', '1\udc00', '1'.repeat(256)]) {
      expect(await activeUser(users)({ id }), JSON.stringify(id)).to.deep.equal({ ok: false, reason: 'invalid' })
    }
    expect(asked).to.deep.equal([])
    await activeUser(users)({ id: 'i'.repeat(255) })
    expect(asked).to.deep.equal(['i'.repeat(255)])
  })

  it('asks for nothing that cannot be a user name', async () => {
    const { users, asked } = returning(ANN)
    for (const username of [
      '',
      'ann\0',
      'ann\0x',
      'ann\n',
      'a\x1b[0m',
      '\udfff',
      'a'.repeat(255),
      'ﷺ'.repeat(100),
      'a'.repeat(1e6),
    ]) {
      const verdict = await activeUser(users)({ username })
      expect(verdict, JSON.stringify(username.slice(0, 20))).to.deep.equal({ ok: false, reason: 'invalid' })
    }
    expect(asked).to.deep.equal([])
    await activeUser(users)({ username: 'a'.repeat(254) })
    expect(asked).to.deep.equal(['a'.repeat(254)])
  })

  it('asks for names in their canonical form', async () => {
    const { users, asked } = returning(null)
    for (const username of ['jose\u0301', 'jos\u00e9', 'ａnn', 'ᴮᴵᴳ', '\u212a', 'ſ'])
      await activeUser(users)({ username })
    expect(asked).to.deep.equal(['jos\u00e9', 'jos\u00e9', 'ann', 'BIG', 'K', 's'])
  })

  it('trusts no row that is not the one it asked for', async () => {
    for (const id of ['01', '1 ', '1abc', '+1', '1.0', '2', 'ann']) {
      expect(await activeUser(returning(ANN).users)({ id })).to.deep.equal({ ok: false, reason: 'invalid' })
    }
    for (const username of ['ANN', 'ann ', 'ánn', 'bob', '1']) {
      expect(await activeUser(returning(ANN).users)({ username })).to.deep.equal({ ok: false, reason: 'invalid' })
    }
  })

  it('reads no property of Object.prototype in what it is asked for', async () => {
    const { users, asked } = returning(ANN)
    await whilePolluted({ id: '7' }, () => activeUser(users)({ username: 'ann' }))
    expect(asked).to.deep.equal(['ann'])
  })

  it('remembers its results, so that several kinds of token cost one lookup', async () => {
    const { users, asked } = returning(ANN)
    const find = activeUser(users)
    const verdicts = [...(await Promise.all([find({ id: '1' }), find({ id: '1' })])), await find({ id: '1' })]
    expect(verdicts.every(({ ok }) => ok)).to.equal(true)
    expect(asked).to.deep.equal(['1'])
    await activeUser(users)({ id: '1' })
    expect(asked).to.deep.equal(['1', '1'])
  })

  it('passes on what a store rejects with or throws', async () => {
    for (const error of [new Error('down'), null, undefined, 'a string']) {
      const rejecting = returning(Promise.reject(error)).users // stores may reject with anything
      expect(await Promise.allSettled([activeUser(rejecting)({ id: '1' })])).to.deep.equal([
        { status: 'rejected', reason: error },
      ])
    }
    const throwing = { ...returning(null).users, findById: () => { throw new RangeError('thrown') } } // prettier-ignore
    const [outcome] = await Promise.allSettled([activeUser(throwing)({ id: '1' })])
    expect(outcome).to.have.property('reason').that.is.instanceOf(RangeError)
  })

  it('rejects when a store hangs, and aborts its signal', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      const signals: (AbortSignal | undefined)[] = []
      const findById: UserStore['findById'] = (_id, options) => {
        signals.push(options?.signal)
        return new Promise(() => undefined)
      }
      const hanging = activeUser({ ...returning(null).users, findById }, { timeout: 3 })({ id: '1' })
      const settled = Promise.allSettled([hanging])
      expect(signals.map((signal) => signal?.aborted)).to.deep.equal([false])
      mock.timers.tick(3000)
      const [outcome] = await settled
      expect(outcome).to.have.property('reason').with.property('name', 'DeadlineExceeded')
      expect(signals.map((signal) => signal?.aborted)).to.deep.equal([true])
    } finally {
      mock.timers.reset()
    }
  })
})
