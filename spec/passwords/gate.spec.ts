import { expect } from 'chai'
import { type Gate, gate, gateWidth, Overloaded } from '../../lib/passwords/gate.js'
import { warningsOf } from '../support/warnings.js'

/** A job that runs until it is told to end. */
interface Job {
  readonly done: Promise<unknown>
  isRunning: boolean
  end(outcome?: Error): void
}

function start(through: Gate, signal?: AbortSignal): Job {
  const job: Job = { done: Promise.resolve(), isRunning: false, end: () => expect.fail('it does not run') }
  const done = through.run(
    () =>
      new Promise<void>((resolve, reject) => {
        job.isRunning = true
        job.end = (outcome) => {
          job.isRunning = false
          if (outcome === undefined) resolve()
          else reject(outcome)
        }
      }),
    signal,
  )
  return Object.assign(job, { done: done.catch((error: unknown) => error) })
}

/** Lets everything go on that can. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

function running(jobs: readonly Job[]): readonly boolean[] {
  return jobs.map((job) => job.isRunning)
}

describe('gate', () => {
  it('gives what the job gives', async () => {
    expect(await gate({ width: 1 }).run(async () => 42)).to.equal(42)
  })

  it('runs as many at once as it is wide, and the others in turn', async () => {
    const through = gate({ width: 2, line: 3 })
    const jobs = Array.from({ length: 5 }, () => start(through))
    expect(running(jobs)).to.deep.equal([true, true, false, false, false])
    jobs[1]?.end()
    await settle()
    expect(running(jobs)).to.deep.equal([true, false, true, false, false])
    jobs[0]?.end()
    jobs[2]?.end()
    await settle()
    expect(running(jobs)).to.deep.equal([false, false, false, true, true])
    jobs[3]?.end()
    jobs[4]?.end()
    expect(await Promise.all(jobs.map((job) => job.done))).to.deep.equal(Array(5).fill(undefined))
  })

  it('turns away at once who finds the line full', async () => {
    const through = gate({ width: 1, line: 1 })
    const [first, second, third] = [start(through), start(through), start(through)]
    expect(await third.done).to.be.instanceOf(Overloaded)
    first.end()
    await settle()
    expect(second.isRunning).to.equal(true)
    second.end()
    await second.done
    const later = start(through)
    expect(later.isRunning).to.equal(true)
    later.end()
  })

  it('has no line where it is told so', async () => {
    const through = gate({ width: 1, line: 0 })
    const [first, second] = [start(through), start(through)]
    expect(await second.done).to.be.instanceOf(Overloaded)
    first.end()
  })

  it('lets 16 wait for each place by default', async () => {
    const through = gate({ width: 2 })
    const jobs = Array.from({ length: 2 + 32 }, () => start(through))
    expect(await start(through).done).to.be.instanceOf(Overloaded)
    for (const job of jobs) {
      expect(job.isRunning).to.equal(true)
      job.end()
      await settle()
    }
  })

  it('passes the place on when a job fails, too', async () => {
    const through = gate({ width: 1 })
    const fault = new Error('it failed')
    const [first, second] = [start(through), start(through)]
    first.end(fault)
    expect(await first.done).to.equal(fault)
    await settle()
    expect(second.isRunning).to.equal(true)
    second.end()
  })

  it('passes the place on when a job throws before it has begun', async () => {
    const through = gate({ width: 1 })
    const fault = new Error('it threw')
    const outcome = await through
      .run(() => {
        throw fault
      })
      .catch((error: unknown) => error)
    expect(outcome).to.equal(fault)
    expect(await through.run(async () => 'next')).to.equal('next')
  })

  describe('with a signal', () => {
    const gone = new Error('the client has gone')

    it('runs nothing for one that is aborted already', async () => {
      const through = gate({ width: 1 })
      const job = start(through, AbortSignal.abort(gone))
      expect(await job.done).to.equal(gone)
      expect(await through.run(async () => 'next')).to.equal('next')
    })

    it('lets a job leave the line, and the next one move up', async () => {
      const through = gate({ width: 1, line: 2 })
      const controller = new AbortController()
      const [first, second, third] = [start(through), start(through, controller.signal), start(through)]
      controller.abort(gone)
      expect(await second.done).to.equal(gone)
      const fourth = start(through)
      first.end()
      await settle()
      expect(running([second, third, fourth])).to.deep.equal([false, true, false])
      third.end()
      await settle()
      expect(fourth.isRunning).to.equal(true)
      fourth.end()
    })

    it('takes nobody else out of the line when it comes after its job’s turn', async () => {
      const through = gate({ width: 1 })
      const controller = new AbortController()
      const [first, second, third] = [start(through), start(through, controller.signal), start(through)]
      first.end()
      await settle()
      expect(second.isRunning).to.equal(true)
      controller.abort(gone)
      second.end()
      await settle()
      expect(third.isRunning).to.equal(true)
      third.end()
    })

    it('does not disturb a job that runs or has run', async () => {
      const through = gate({ width: 1 })
      const controller = new AbortController()
      const [first, second] = [start(through, controller.signal), start(through, controller.signal)]
      first.end()
      await settle()
      expect(second.isRunning).to.equal(true)
      controller.abort(gone)
      await settle()
      second.end()
      expect(await second.done).to.equal(undefined)
      expect(await through.run(async () => 'next')).to.equal('next')
    })
  })
})

describe('gateWidth', () => {
  it('leaves a core and a thread to the rest, and is at least 1', () => {
    for (const [cores, threads, width] of [
      [8, '4', 3],
      [2, '4', 1],
      [1, '4', 1],
      [16, '8', 7],
      [4, '128', 3],
      [8, '2', 1],
      [8, '', 3],
      [8, 'many', 3],
      [8, '0', 3],
    ] as const) {
      expect(gateWidth(cores, threads), `${cores} cores, ${threads} threads`).to.equal(width)
    }
  })

  it('warns where there is one thread alone', async () => {
    expect(await warningsOf(() => void gateWidth(8, '1'))).to.have.lengthOf(1)
    expect((await warningsOf(() => void gateWidth(8, '1')))[0]).to.include('UV_THREADPOOL_SIZE=1')
    expect(await warningsOf(() => void gateWidth(8, '2'))).to.deep.equal([])
  })
})

describe('Overloaded', () => {
  it('has a name by which it can be told', () => {
    expect(new Overloaded()).to.be.instanceOf(Error).with.property('name', 'Overloaded')
  })
})
