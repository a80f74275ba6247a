import { mock } from 'node:test'
import { expect } from 'chai'
import { withDeadline } from '../../lib/deadline.js'
import { batch, type Load } from '../../lib/stores/batch.js'

/** Finds each key as itself in capitals, and records which keys were loaded together. */
function recording(load: Load<string> = async (keys) => capitals(keys), isFinal?: (error: unknown) => boolean) {
  const loads: (readonly string[])[] = []
  const find = batch<string>(async (keys, throwIfAbandoned) => {
    loads.push(keys)
    return load(keys, throwIfAbandoned)
  }, isFinal)
  return { loads, find: (key: string, asker?: { readonly signal?: AbortSignal }) => find(key, asker) }
}

function capitals(keys: readonly string[]): Map<string, string> {
  return new Map(keys.filter((key) => key !== 'unknown').map((key) => [key, key.toUpperCase()]))
}

/** A load that waits until it is released, as one without a free connection does, and only then goes to the database. */
function waitingForConnections() {
  const waiting: (() => void)[] = []
  const statements: (readonly string[])[] = []
  const load: Load<string> = async (keys, throwIfAbandoned) => {
    await new Promise<void>((connected) => waiting.push(connected))
    throwIfAbandoned()
    statements.push(keys)
    return capitals(keys)
  }
  const connect = (): void => {
    for (const connected of waiting.splice(0)) connected()
  }
  return { load, statements, connect }
}

function failsWith(isBad: (key: string) => boolean): Load<string> {
  return async (keys) => {
    if (keys.some(isBad)) throw new Error('a bad key')
    return capitals(keys)
  }
}

const keysOf = (count: number): string[] => Array.from({ length: count }, (_, at) => `k${at}`)

async function outcomesOf(lookups: readonly Promise<string | null>[]): Promise<(string | null)[]> {
  const settled = await Promise.allSettled(lookups)
  return settled.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))
}

async function someTicks(): Promise<void> {
  for (let tick = 0; tick < 6; tick += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('batch', () => {
  it('sends the lookups of one event-loop tick out together', async () => {
    const { loads, find } = recording()
    expect(await Promise.all(['a', 'b', 'c'].map((key) => find(key)))).to.deep.equal(['A', 'B', 'C'])
    expect(loads).to.deep.equal([['a', 'b', 'c']])
  })

  it('takes in what arrives in later microtasks of the tick', async () => {
    const { loads, find } = recording()
    const later = Promise.resolve().then(() => find('b'))
    expect(await Promise.all([find('a'), later])).to.deep.equal(['A', 'B'])
    expect(loads).to.deep.equal([['a', 'b']])
  })

  it('loads a key once in a tick and again in the next', async () => {
    const { loads, find } = recording()
    expect(await Promise.all([find('a'), find('a')])).to.deep.equal(['A', 'A'])
    await find('a')
    expect(loads).to.deep.equal([['a'], ['a']])
  })

  it('takes in what the next ticks bring, as long as each brings more', async () => {
    const { loads, find } = recording()
    const found = [find('a')]
    for (const key of ['b', 'c', 'd', 'e']) {
      await new Promise((resolve) => setImmediate(resolve))
      found.push(find(key))
    }
    expect(await Promise.all(found)).to.deep.equal(['A', 'B', 'C', 'D', 'E'])
    expect(loads.flat()).to.deep.equal(['a', 'b', 'c', 'd', 'e'])
    expect(loads).to.have.lengthOf(2) // four ticks, and not a fifth
  })

  it('collects while a load is under way, and sends all that came when it ends', async () => {
    const ends: (() => void)[] = []
    const { loads, find } = recording(async (keys) => {
      await new Promise<void>((end) => ends.push(end))
      return capitals(keys)
    })
    const first = find('a')
    await someTicks()
    const second = find('b')
    await someTicks()
    const third = [find('c'), find('a')]
    await someTicks()
    expect(loads).to.deep.equal([['a']])
    ends[0]?.()
    expect(await first).to.equal('A')
    await someTicks()
    expect(loads).to.deep.equal([['a'], ['b', 'c', 'a']])
    ends[1]?.()
    expect(await Promise.all([second, ...third])).to.deep.equal(['B', 'C', 'A'])
  })

  it('waits no longer than 10 ms for a load of others', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      const { loads, find } = recording((keys) =>
        keys.includes('slow') ? new Promise(() => undefined) : Promise.resolve(capitals(keys)),
      )
      void find('slow')
      await someTicks()
      const next = find('a')
      await someTicks()
      mock.timers.tick(9)
      await someTicks()
      expect(loads).to.deep.equal([['slow']])
      mock.timers.tick(1)
      expect(await next).to.equal('A')
    } finally {
      mock.timers.reset()
    }
  })

  it('returns null for what was not found', async () => {
    const { find } = recording()
    expect(await Promise.all(['a', 'unknown'].map((key) => find(key)))).to.deep.equal(['A', null])
  })

  it('loads at most 500 keys at once', async () => {
    const { loads, find } = recording()
    const keys = keysOf(501)
    expect(await Promise.all(keys.map((key) => find(key)))).to.deep.equal(keys.map((key) => key.toUpperCase()))
    expect(loads.map((load) => load.length)).to.deep.equal([500, 1])
  })

  describe('a load that fails', () => {
    it('because of one key harms no other key', async () => {
      const { find } = recording(failsWith((key) => key === 'bad'))
      const outcomes = await outcomesOf(['a', 'bad', 'b', 'unknown', 'bad'].map((key) => find(key)))
      expect(outcomes).to.deep.equal(['A', 'Error: a bad key', 'B', null, 'Error: a bad key'])
    })

    it('because of one of 200 keys is split in halves: 17 loads and not 201, wherever the key stands', async () => {
      for (const at of [0, 99, 100, 200]) {
        const { loads, find } = recording(failsWith((key) => key === 'bad'))
        const keys = keysOf(200).toSpliced(at, 0, 'bad')
        const outcomes = await outcomesOf(keys.map((key) => find(key)))
        expect(outcomes.filter((one) => one === 'Error: a bad key')).to.have.lengthOf(1)
        expect(outcomes[at]).to.equal('Error: a bad key')
        expect(outcomes.filter((one) => one?.startsWith('K'))).to.have.lengthOf(200)
        expect(loads.length, `at ${at}`).to.be.at.most(17) // 1 + 2 for each of the 8 halvings of 201
      }
    })

    it('for each key costs less than two loads a key', async () => {
      const { loads, find } = recording(failsWith(() => true))
      const outcomes = await outcomesOf(keysOf(100).map((key) => find(key)))
      expect(new Set(outcomes)).to.deep.equal(new Set(['Error: a bad key']))
      expect(loads).to.have.lengthOf(199)
    })

    it('before it returns a promise is handled like one that rejects', async () => {
      const { find } = recording((keys) => {
        if (keys.includes('bad')) throw new Error('thrown')
        return Promise.resolve(capitals(keys))
      })
      expect(await outcomesOf(['a', 'bad'].map((key) => find(key)))).to.deep.equal(['A', 'Error: thrown'])
    })

    it('rejects every lookup with the cause, and works again afterwards', async () => {
      let isDown = true
      const { find } = recording((keys) => {
        if (isDown) throw new Error('down')
        return Promise.resolve(capitals(keys))
      })
      expect(await outcomesOf([find('a'), find('b')])).to.deep.equal(['Error: down', 'Error: down'])
      isDown = false
      expect(await find('a')).to.equal('A')
    })

    it('for a reason that is final is not repeated', async () => {
      const { loads, find } = recording(
        () => Promise.reject(new RangeError('too slow')),
        (error) => error instanceof RangeError,
      )
      expect(await outcomesOf([find('a'), find('b'), find('a')])).to.deep.equal(Array(3).fill('RangeError: too slow'))
      expect(loads).to.have.lengthOf(1)
    })

    it('rejects every lookup with the cause if isFinal throws, and works again afterwards', async () => {
      let isDown = true
      const { loads, find } = recording(
        (keys) => (isDown ? Promise.reject(new Error('down')) : Promise.resolve(capitals(keys))),
        () => {
          throw new Error('a bug in isFinal')
        },
      )
      expect(await outcomesOf([find('a'), find('b')])).to.deep.equal(['Error: down', 'Error: down'])
      expect(loads).to.have.lengthOf(1)
      isDown = false
      expect(await find('a')).to.equal('A')
    })
  })

  describe('a lookup whose askers have gone', () => {
    it('is not loaded, and is rejected with the reason of the signal', async () => {
      const { loads, find } = recording()
      const [gone, staying] = [new AbortController(), new AbortController()]
      const lookups = outcomesOf([find('a', gone), find('b', staying), find('c')])
      gone.abort(new Error('gone'))
      expect(await lookups).to.deep.equal(['Error: gone', 'B', 'C'])
      expect(loads).to.deep.equal([['b', 'c']])
    })

    it('is loaded for the askers that are left', async () => {
      const { loads, find } = recording()
      const gone = new AbortController()
      const lookups = outcomesOf([find('a', gone), find('a')])
      gone.abort(new Error('gone'))
      expect(await lookups).to.deep.equal(['A', 'A'])
      expect(loads).to.deep.equal([['a']])
    })

    it('causes no load at all if they were the only ones', async () => {
      const { loads, find } = recording()
      expect(await outcomesOf([find('a', { signal: AbortSignal.abort(new Error('gone')) })])).to.deep.equal([
        'Error: gone',
      ])
      expect(loads).to.deep.equal([])
      expect(await find('b')).to.equal('B')
    })

    it('does not reach the database when the load has waited for a connection until they were all gone', async () => {
      const { load, statements, connect } = waitingForConnections()
      const { loads, find } = recording(load)
      const askers = [new AbortController(), new AbortController(), new AbortController()] as const
      const lookups = outcomesOf(['a', 'b', 'b'].map((key, at) => find(key, askers[at])))
      await someTicks()
      for (const asker of askers) asker.abort(new Error('gone'))
      connect()
      expect(await lookups).to.deep.equal(Array(3).fill('Error: gone'))
      expect(statements).to.deep.equal([])
      expect(loads).to.have.lengthOf(1) // it is not split
    })

    it('reaches the database together with those whose askers are left', async () => {
      const { load, statements, connect } = waitingForConnections()
      const { find } = recording(load)
      const gone = new AbortController()
      const lookups = outcomesOf([find('a', gone), find('b')])
      await someTicks()
      gone.abort(new Error('gone'))
      connect()
      expect(await lookups).to.deep.equal(['A', 'B'])
      expect(statements).to.deep.equal([['a', 'b']])
    })

    it('is let go while ten loads hang, and their loads make room for others', async () => {
      mock.timers.enable({ apis: ['setTimeout'] })
      try {
        const { loads, find } = recording((keys) =>
          keys.includes('good') ? Promise.resolve(capitals(keys)) : new Promise(() => undefined),
        )
        const askers = keysOf(12).map(() => new AbortController())
        const lookups: Promise<string | null>[] = []
        for (const [at, asker] of askers.entries()) {
          lookups.push(find(`k${at}`, asker))
          await someTicks()
          mock.timers.tick(10)
        }
        const outcomes = outcomesOf(lookups.slice(10))
        mock.timers.tick(1000)
        expect(loads).to.deep.equal(keysOf(10).map((key) => [key]))
        for (const asker of askers.slice(10)) asker.abort(new Error('gone'))
        mock.timers.tick(10)
        expect(await outcomes).to.deep.equal(['Error: gone', 'Error: gone'])
        const next = find('good')
        await someTicks()
        mock.timers.tick(10)
        expect(loads).to.have.lengthOf(10)
        askers[3]?.abort(new Error('gone'))
        mock.timers.tick(10)
        expect(await next).to.equal('GOOD')
      } finally {
        mock.timers.reset()
      }
    })

    it('is over when the deadline of the asker is', async () => {
      mock.timers.enable({ apis: ['setTimeout'] })
      try {
        const { load, statements, connect } = waitingForConnections()
        const { find } = recording(load)
        const late = outcomesOf([withDeadline(5, (call) => find('a', call))])
        await someTicks()
        mock.timers.tick(5000)
        expect(await late).to.deep.equal(['DeadlineExceeded: a store or a limiter did not respond within 5 s'])
        connect()
        await someTicks()
        expect(statements).to.deep.equal([])
        const next = find('b')
        await someTicks()
        mock.timers.tick(10)
        connect()
        expect(await next).to.equal('B')
      } finally {
        mock.timers.reset()
      }
    })
  })
})
