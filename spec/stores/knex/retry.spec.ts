import { expect } from 'chai'
import { retried } from '../../../lib/stores/knex/retry.js'

const CONFLICTS = [
  '40001',
  '40P01',
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_CHECKREAD',
  'SQLITE_BUSY',
  'SQLITE_BUSY_SNAPSHOT',
  'SQLITE_LOCKED',
]

/** A statement that fails some times before it succeeds, and a clock that only its pauses and itself move. */
function failing(times: number, code?: string, duration = 0) {
  let now = 5000
  const pauses: number[] = []
  const lefts: number[] = []
  return {
    pauses,
    lefts,
    run: (timeout: number, random: () => number) =>
      retried(
        async (left) => {
          lefts.push(left)
          now += duration
          if (lefts.length > times) return 'done'
          throw Object.assign(new Error(`failed ${lefts.length}`), code === undefined ? {} : { code })
        },
        {
          timeout,
          random,
          now: () => now,
          sleep: async (milliseconds) => {
            pauses.push(milliseconds)
            now += milliseconds
          },
        },
      ),
  }
}

describe('retried', () => {
  for (const code of CONFLICTS) {
    it(`sends a statement again that ended as ${code}`, async () => {
      for (const times of [0, 1, 9]) {
        const statement = failing(times, code)
        expect(await statement.run(5, () => 0.5)).to.equal('done')
        expect(statement.lefts).to.have.lengthOf(times + 1)
      }
    })
  }

  it('waits a random part of a span that doubles up to 250 ms', async () => {
    const statement = failing(8, '40001')
    await statement.run(5, () => 0.5)
    expect(statement.pauses).to.deep.equal([4, 8, 16, 32, 64, 125, 125, 125])
    const least = failing(3, '40001')
    await least.run(5, () => 0)
    expect(least.pauses).to.deep.equal([0, 0, 0])
  })

  it('says how many seconds are left, and gives up with the last conflict when they are over', async () => {
    const statement = failing(Infinity, '40P01', 100)
    const error: unknown = await statement.run(0.35, () => 0.5).catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(Error).with.property('message', 'failed 4')
    expect(statement.lefts.map((left) => Math.round(left * 1000))).to.deep.equal([350, 246, 138, 22])
    expect(statement.pauses).to.deep.equal([4, 8, 16])
  })

  it('sends nothing again that failed for another reason', async () => {
    for (const code of ['23505', 'ER_DUP_ENTRY', 'SQLITE_CONSTRAINT', 'SQLITE_ERROR', 'ECONNRESET', '', undefined]) {
      const statement = failing(1, code)
      const error: unknown = await statement.run(5, () => 0.5).catch((reason: unknown) => reason)
      expect(error, String(code)).to.be.instanceOf(Error).with.property('message', 'failed 1')
      expect(statement.lefts).to.have.lengthOf(1)
    }
  })
})
