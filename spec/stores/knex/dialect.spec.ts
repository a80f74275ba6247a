import { expect } from 'chai'
import { retried } from '../../../lib/stores/knex/dialect.js'

/** A statement that the database ends some times, and then lets through. */
function ended(times: number, code?: string): { run: () => Promise<string>; runs: () => number } {
  let runs = 0
  return {
    runs: () => runs,
    async run() {
      runs += 1
      if (runs <= times) throw Object.assign(new Error(`ended ${runs}`), code === undefined ? {} : { code })
      return 'done'
    },
  }
}

describe('retried', () => {
  for (const code of ['40P01', 'ER_LOCK_DEADLOCK']) {
    it(`sends a statement again that ended as ${code}, up to five times`, async () => {
      for (const times of [0, 1, 5]) {
        const { run, runs } = ended(times, code)
        expect(await retried(run)).to.equal('done')
        expect(runs()).to.equal(times + 1)
      }
    })

    it(`gives up ${code} after six times, with the last error`, async () => {
      const { run, runs } = ended(6, code)
      const error = await retried(run).catch((reason: unknown) => reason)
      expect(error).to.be.instanceOf(Error).with.property('message', 'ended 6')
      expect(runs()).to.equal(6)
    })
  }

  it('sends nothing again that failed for another reason', async () => {
    for (const code of ['23505', 'ER_DUP_ENTRY', 'SQLITE_BUSY', 'ECONNRESET', '', undefined]) {
      const { run, runs } = ended(1, code)
      const error = await retried(run).catch((reason: unknown) => reason)
      expect(error, String(code)).to.be.instanceOf(Error)
      expect(runs()).to.equal(1)
    }
  })
})
