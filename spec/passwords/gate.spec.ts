import { expect } from 'chai'
import { type Gate, gate, gateWidth, type JobOptions, Overloaded } from '../../lib/passwords/gate.js'
import { warningsOf } from '../support/warnings.js'

/** A job that runs until the spec ends it, with a right or wrong password or an error. */
interface Job {
  readonly done: Promise<unknown>
  isRunning: boolean
  end(outcome?: Error | 'wrong'): void
}

function start(through: Gate, options: JobOptions<boolean> = {}): Job {
  const job: Job = { done: Promise.resolve(), isRunning: false, end: () => expect.fail('it is not running') }
  const done = through.run(
    () =>
      new Promise<boolean>((resolve, reject) => {
        job.isRunning = true
        job.end = (outcome) => {
          job.isRunning = false
          if (outcome instanceof Error) reject(outcome)
          else resolve(outcome !== 'wrong')
        }
      }),
    { isWrong: (isRight) => !isRight, ...options },
  )
  return Object.assign(job, { done: done.catch((error: unknown) => error) })
}

/** Lets everything proceed that can. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

function running(jobs: readonly Job[]): readonly boolean[] {
  return jobs.map((job) => job.isRunning)
}

/** Ends the job that runs, with a right password by default, until none is left, and lists the names of the jobs in the order in which they ran. */
async function orderOf(jobs: Readonly<Record<string, Job>>, outcome?: 'wrong'): Promise<readonly string[]> {
  const order: string[] = []
  for (;;) {
    const [name, job] = Object.entries(jobs).find(([, one]) => one.isRunning) ?? []
    if (name === undefined || job === undefined) return order
    order.push(name)
    job.end(outcome)
    await settle()
  }
}

describe('gate', () => {
  it('returns what the job returns', async () => {
    expect(await gate({ width: 1 }).run(async () => 42)).to.equal(42)
  })

  it('runs as many jobs at once as it is wide, and the others one after another', async () => {
    const through = gate({ width: 2, queue: 3 })
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
    expect(await Promise.all(jobs.map((job) => job.done))).to.deep.equal(Array(5).fill(true))
  })

  it('refuses a job at once if the queue is full', async () => {
    const through = gate({ width: 1, queue: 1 })
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

  it('may have no queue', async () => {
    const through = gate({ width: 1, queue: 0 })
    const [first, second] = [start(through), start(through)]
    expect(await second.done).to.be.instanceOf(Overloaded)
    first.end()
  })

  it('lets 16 jobs wait for each that runs, by default', async () => {
    const through = gate({ width: 2 })
    const jobs = Array.from({ length: 2 + 32 }, () => start(through))
    expect(await start(through).done).to.be.instanceOf(Overloaded)
    for (const job of jobs) {
      expect(job.isRunning).to.equal(true)
      job.end()
      await settle()
    }
  })

  it('starts the next job when one fails, too', async () => {
    const through = gate({ width: 1 })
    const error = new Error('it failed')
    const [first, second] = [start(through), start(through)]
    first.end(error)
    expect(await first.done).to.equal(error)
    await settle()
    expect(second.isRunning).to.equal(true)
    second.end()
  })

  it('starts the next job when one throws before it has begun', async () => {
    const through = gate({ width: 1 })
    const thrown = new Error('it threw')
    const outcome = await through
      .run(() => {
        throw thrown
      })
      .catch((error: unknown) => error)
    expect(outcome).to.equal(thrown)
    expect(await through.run(async () => 'next')).to.equal('next')
  })

  describe('is fair', () => {
    it('to addresses: one that has nothing waiting comes before the second job of another', async () => {
      const through = gate({ width: 1 })
      const jobs = {
        a1: start(through, { address: 'a' }),
        a2: start(through, { address: 'a' }),
        a3: start(through, { address: 'a' }),
        b1: start(through, { address: 'b' }),
        c1: start(through, { address: 'c' }),
        b2: start(through, { address: 'b' }),
      }
      expect(await orderOf(jobs)).to.deep.equal(['a1', 'b1', 'c1', 'a2', 'b2', 'a3'])
    })

    it('to jobs without an address, in the order in which they came', async () => {
      const through = gate({ width: 1 })
      const jobs = {
        one: start(through),
        two: start(through),
        three: start(through),
        b: start(through, { address: 'b' }),
      }
      expect(await orderOf(jobs)).to.deep.equal(['one', 'b', 'two', 'three'])
    })

    it('to accounts: one that is flooded from many addresses waits behind the others', async () => {
      const through = gate({ width: 1 })
      const jobs = {
        flood1: start(through, { account: 'victim', address: '1' }),
        flood2: start(through, { account: 'victim', address: '2' }),
        flood3: start(through, { account: 'victim', address: '3' }),
        flood4: start(through, { account: 'victim', address: '4' }),
        other: start(through, { account: 'other', address: '5' }),
      }
      expect(await orderOf(jobs, 'wrong')).to.deep.equal(['flood1', 'other', 'flood2', 'flood3', 'flood4'])
      const later = {
        first: start(through, { account: 'x', address: 'x' }),
        victim: start(through, { account: 'victim', address: '5' }),
        other: start(through, { account: 'other', address: '6' }),
      }
      expect(await orderOf(later)).to.deep.equal(['first', 'other', 'victim'])
    })

    it('in that the newest job of the address with the most gives way when the queue is full', async () => {
      const through = gate({ width: 1, queue: 3 })
      const flood = Array.from({ length: 4 }, () => start(through, { address: 'flood' }))
      const newest = start(through, { address: 'flood' })
      expect(await newest.done).to.be.instanceOf(Overloaded)
      const honest = start(through, { address: 'honest' })
      expect(await flood[3]?.done).to.be.instanceOf(Overloaded)
      flood[0]?.end()
      await settle()
      expect([running(flood), honest.isRunning]).to.deep.equal([[false, false, false, false], true])
      honest.end()
      await settle()
      expect(flood[1]?.isRunning).to.equal(true)
    })

    it('to a new address when the queue is full of others that have been refused', async () => {
      const through = gate({ width: 1, queue: 3 })
      const floods = ['a', 'b', 'c', 'd'].map((address) => start(through, { address }))
      for (const address of ['a', 'b', 'c', 'd']) {
        expect(await start(through, { address }).done).to.be.instanceOf(Overloaded)
      }
      const honest = start(through, { address: 'honest' })
      floods[0]?.end('wrong')
      await settle()
      expect(honest.isRunning).to.equal(true)
      honest.end()
      expect(await honest.done).to.equal(true)
    })

    it('in that wrong passwords count ten times', async () => {
      const through = gate({ width: 1 })
      for (const [address, outcome] of [
        ['guesser', 'wrong'],
        ['busy', undefined],
        ['busy', undefined],
      ] as const) {
        const job = start(through, { address })
        job.end(outcome)
        await job.done
      }
      const jobs = {
        first: start(through),
        guesser: start(through, { address: 'guesser' }),
        busy: start(through, { address: 'busy' }),
        fresh: start(through, { address: 'fresh' }),
      }
      expect(await orderOf(jobs)).to.deep.equal(['first', 'fresh', 'busy', 'guesser'])
    })

    it('in that it forgets what was used within minutes', async () => {
      let now = 1000
      const through = gate({ width: 1, clock: () => now })
      const guess = start(through, { address: 'guesser' })
      guess.end('wrong')
      await guess.done
      now += 10 * 60
      for (let login = 0; login < 2; login += 1) {
        const job = start(through, { address: 'busy' })
        job.end()
        await job.done
      }
      const jobs = {
        first: start(through),
        busy: start(through, { address: 'busy' }),
        guesser: start(through, { address: 'guesser' }),
      }
      expect(await orderOf(jobs)).to.deep.equal(['first', 'guesser', 'busy'])
    })

    it('in that no job overtakes an older one of its address, whatever the address is given back', async () => {
      const through = gate({ width: 1 })
      const jobs: Record<string, Job> = {}
      for (const name of ['1', '2', '3', '4', '5']) jobs[name] = start(through, { address: 'a' })
      for (const name of ['1', '2', '3']) {
        jobs[name]?.end()
        await settle()
      }
      jobs['6'] = start(through, { address: 'a' })
      expect(await orderOf(jobs)).to.deep.equal(['4', '5', '6'])
    })

    it('in that jobs that are refused count, too', async () => {
      const through = gate({ width: 1, queue: 1 })
      const first = start(through, { address: 'first' })
      const waits = start(through, { address: 'waits' })
      for (let attempt = 0; attempt < 5; attempt += 1) {
        expect(await start(through, { address: 'hammer' }).done).to.be.instanceOf(Overloaded)
      }
      await orderOf({ first, waits })
      const jobs = {
        first: start(through, { address: 'x' }),
        hammer: start(through, { address: 'hammer' }),
        waits: start(through, { address: 'waits' }),
      }
      expect(await jobs.hammer.done).to.be.instanceOf(Overloaded)
      expect(await orderOf(jobs)).to.deep.equal(['first', 'waits'])
    })

    it('in that jobs that are given up count as wrong passwords', async () => {
      const through = gate({ width: 1 })
      const controller = new AbortController()
      const first = start(through, { address: 'first' })
      const quits = start(through, { address: 'quitter', signal: controller.signal })
      controller.abort(new Error('gone'))
      expect(await quits.done).to.be.instanceOf(Error)
      first.end()
      await first.done
      for (let login = 0; login < 2; login += 1) {
        const job = start(through, { address: 'busy' })
        job.end()
        await job.done
      }
      const jobs = {
        next: start(through),
        quitter: start(through, { address: 'quitter' }),
        busy: start(through, { address: 'busy' }),
      }
      expect(await orderOf(jobs)).to.deep.equal(['next', 'busy', 'quitter'])
    })
  })

  describe('with a signal', () => {
    const gone = new Error('the client has gone')

    it('does not run a job that is aborted already', async () => {
      const through = gate({ width: 1 })
      const job = start(through, { signal: AbortSignal.abort(gone) })
      expect(await job.done).to.equal(gone)
      expect(await through.run(async () => 'next')).to.equal('next')
    })

    it('lets a job leave the queue, and the next one move up', async () => {
      const through = gate({ width: 1, queue: 2 })
      const controller = new AbortController()
      const [first, second, third] = [start(through), start(through, { signal: controller.signal }), start(through)]
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

    it('takes no other job out of the queue when it is aborted after its job has started', async () => {
      const through = gate({ width: 1 })
      const controller = new AbortController()
      const [first, second, third] = [start(through), start(through, { signal: controller.signal }), start(through)]
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
      const [first, second] = [
        start(through, { signal: controller.signal }),
        start(through, { signal: controller.signal }),
      ]
      first.end()
      await settle()
      expect(second.isRunning).to.equal(true)
      controller.abort(gone)
      await settle()
      second.end()
      expect(await second.done).to.equal(true)
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

  it('warns if there is only one thread', async () => {
    expect(await warningsOf(() => void gateWidth(8, '1'))).to.have.lengthOf(1)
    expect((await warningsOf(() => void gateWidth(8, '1')))[0]).to.include('UV_THREADPOOL_SIZE=1')
    expect(await warningsOf(() => void gateWidth(8, '2'))).to.deep.equal([])
  })
})

describe('Overloaded', () => {
  it('has a name and a stable code', () => {
    expect(new Overloaded()).to.be.instanceOf(Error).and.include({ name: 'Overloaded', code: 'ERR_OVERLOADED' })
  })
})
