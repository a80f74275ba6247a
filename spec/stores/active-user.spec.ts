import { mock } from 'node:test'
import { inspect } from 'node:util'
import { expect } from 'chai'
import { activeUser, memoryUsers, type User, type UserStore } from 'koa-tokenapi'

const ANN = { id: 1, username: 'ann', password: 'hash of ann' }

/** A store that answers everybody with one row, and remembers what it was asked. */
function answering(row: unknown): { users: UserStore; asked: string[] } {
  const asked: string[] = []
  const answer = (key: string): Promise<User | null> => {
    asked.push(key)
    return row as Promise<User | null> // also what a store in plain JavaScript would answer
  }
  return { users: { findById: answer, findByUsername: answer }, asked }
}

describe('activeUser', () => {
  it('finds a user by id and by name', async () => {
    const find = activeUser(memoryUsers([ANN]))
    for (const by of [{ id: '1' }, { username: 'ann' }]) {
      const verdict = await find(by)
      expect(verdict.ok && verdict.value.password).to.equal('hash of ann')
    }
  })

  it('says that nobody is invalid', async () => {
    for (const nobody of [null, undefined, Promise.resolve(null), Promise.resolve(undefined)]) {
      const { users } = answering(nobody)
      expect(await activeUser(users)({ id: '1' })).to.deep.equal({ ok: false, reason: 'invalid' })
      expect(await activeUser(users)({ username: 'ann' })).to.deep.equal({ ok: false, reason: 'invalid' })
    }
  })

  it('asks the store for no id and no name that is no text', async () => {
    const { users, asked } = answering(ANN)
    for (const value of [undefined, null, 1, true, ['1'], ['ann'], {}] as readonly unknown[]) {
      const text = value as string // as a caller without types
      expect(await activeUser(users)({ id: text })).to.deep.equal({ ok: false, reason: 'invalid' })
      expect(await activeUser(users)({ username: text })).to.deep.equal({ ok: false, reason: 'invalid' })
    }
    expect(asked).to.deep.equal([])
  })

  it('takes a plain value for an answer', async () => {
    const { users } = answering(ANN)
    expect(await activeUser(users)({ id: '1' })).to.deep.equal({ ok: true, value: ANN })
  })

  for (const isActive of [true, 1, null, undefined]) {
    it(`counts isActive ${isActive} as active`, async () => {
      const verdict = await activeUser(answering({ ...ANN, isActive }).users)({ id: '1' })
      expect(verdict.ok).to.equal(true)
    })
  }

  for (const isActive of [false, 0, '0', '1', '', 'false', 'true', 2, -1, NaN, 0n, 1n, [], {}]) {
    it(`counts isActive ${typeof isActive} ${inspect(isActive)} as inactive`, async () => {
      const { users } = answering({ ...ANN, isActive })
      expect(await activeUser(users)({ id: '1' })).to.deep.equal({ ok: false, reason: 'inactive' })
      expect(await activeUser(users)({ username: 'ann' })).to.deep.equal({ ok: false, reason: 'inactive' })
    })
  }

  it('asks for nothing that can be nobody’s id', async () => {
    const { users, asked } = answering(ANN)
    for (const id of ['', '1\0', '1\n', '1\x7f', '\ud800', '1\udc00', '1'.repeat(256)]) {
      expect(await activeUser(users)({ id }), JSON.stringify(id)).to.deep.equal({ ok: false, reason: 'invalid' })
    }
    expect(asked).to.deep.equal([])
    await activeUser(users)({ id: 'i'.repeat(255) })
    expect(asked).to.deep.equal(['i'.repeat(255)])
  })

  it('asks for nothing that can be nobody’s name', async () => {
    const { users, asked } = answering(ANN)
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

  it('asks for names in their one normal form', async () => {
    const { users, asked } = answering(null)
    for (const username of ['jose\u0301', 'jos\u00e9', 'ａnn', 'ᴮᴵᴳ', '\u212a', 'ſ'])
      await activeUser(users)({ username })
    expect(asked).to.deep.equal(['jos\u00e9', 'jos\u00e9', 'ann', 'BIG', 'K', 's'])
  })

  it('trusts no row that is not the one it asked for', async () => {
    for (const id of ['01', '1 ', '1abc', '+1', '1.0', '2', 'ann']) {
      expect(await activeUser(answering(ANN).users)({ id })).to.deep.equal({ ok: false, reason: 'invalid' })
    }
    for (const username of ['ANN', 'ann ', 'ánn', 'bob', '1']) {
      expect(await activeUser(answering(ANN).users)({ username })).to.deep.equal({ ok: false, reason: 'invalid' })
    }
  })

  it('remembers its answers, so that several kinds of token cost one look-up', async () => {
    const { users, asked } = answering(ANN)
    const find = activeUser(users)
    const verdicts = [...(await Promise.all([find({ id: '1' }), find({ id: '1' })])), await find({ id: '1' })]
    expect(verdicts.every(({ ok }) => ok)).to.equal(true)
    expect(asked).to.deep.equal(['1'])
    await activeUser(users)({ id: '1' })
    expect(asked).to.deep.equal(['1', '1'])
  })

  it('passes on what a store rejects with or throws', async () => {
    for (const fault of [new Error('down'), null, undefined, 'a string']) {
      const rejecting = answering(Promise.reject(fault)).users // stores may reject with anything
      expect(await Promise.allSettled([activeUser(rejecting)({ id: '1' })])).to.deep.equal([
        { status: 'rejected', reason: fault },
      ])
    }
    const throwing = { ...answering(null).users, findById: () => { throw new RangeError('thrown') } } // prettier-ignore
    const [outcome] = await Promise.allSettled([activeUser(throwing)({ id: '1' })])
    expect(outcome).to.have.property('reason').that.is.instanceOf(RangeError)
  })

  it('rejects when a store hangs, and tells it to stop', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      const signals: (AbortSignal | undefined)[] = []
      const findById: UserStore['findById'] = (_id, options) => {
        signals.push(options?.signal)
        return new Promise(() => undefined)
      }
      const hanging = activeUser({ ...answering(null).users, findById }, { timeout: 3 })({ id: '1' })
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
