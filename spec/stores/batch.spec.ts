import { mock } from 'node:test'
import { expect } from 'chai'
import { batch } from '../../lib/stores/batch.js'

/** Answers each key with itself in capitals, and remembers what was asked for together. */
function recording(load = async (keys: readonly string[]) => capitals(keys)) {
  const loads: (readonly string[])[] = []
  const find = batch(async (keys) => {
    loads.push(keys)
    return load(keys)
  })
  return { loads, find }
}

function capitals(keys: readonly string[]): Map<string, string> {
  return new Map(keys.filter((key) => key !== 'nobody').map((key) => [key, key.toUpperCase()]))
}

describe('batch', () => {
  it('sends the look-ups of one turn out together', async () => {
    const { loads, find } = recording()
    expect(await Promise.all(['a', 'b', 'c'].map(find))).to.deep.equal(['A', 'B', 'C'])
    expect(loads).to.deep.equal([['a', 'b', 'c']])
  })

  it('takes in what arrives in later microtasks of the turn', async () => {
    const { loads, find } = recording()
    const later = Promise.resolve().then(() => find('b'))
    expect(await Promise.all([find('a'), later])).to.deep.equal(['A', 'B'])
    expect(loads).to.deep.equal([['a', 'b']])
  })

  it('asks for a key once in a turn and again in the next', async () => {
    const { loads, find } = recording()
    expect(await Promise.all([find('a'), find('a')])).to.deep.equal(['A', 'A'])
    await find('a')
    expect(loads).to.deep.equal([['a'], ['a']])
  })

  it('takes in what the next turns bring, as long as each brings more', async () => {
    const { loads, find } = recording()
    const found = [find('a')]
    for (const key of ['b', 'c', 'd', 'e']) {
      await new Promise((resolve) => setImmediate(resolve))
      found.push(find(key))
    }
    expect(await Promise.all(found)).to.deep.equal(['A', 'B', 'C', 'D', 'E'])
    expect(loads.flat()).to.deep.equal(['a', 'b', 'c', 'd', 'e'])
    expect(loads).to.have.lengthOf(2) // four turns, and not a fifth
  })

  it('collects while a load is under way, and sends all that came when it ends', async () => {
    const ends: (() => void)[] = []
    const { loads, find } = recording(async (keys) => {
      await new Promise<void>((end) => ends.push(end))
      return capitals(keys)
    })
    const first = find('a')
    await someTurns()
    const second = find('b')
    await someTurns()
    const third = [find('c'), find('a')]
    await someTurns()
    expect(loads).to.deep.equal([['a']])
    ends[0]?.()
    expect(await first).to.equal('A')
    await someTurns()
    expect(loads).to.deep.equal([['a'], ['b', 'c', 'a']])
    ends[1]?.()
    expect(await Promise.all([second, ...third])).to.deep.equal(['B', 'C', 'A'])
  })

  it('lets nobody wait longer than 10 ms for a load of others', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      const { loads, find } = recording((keys) =>
        keys.includes('slow') ? new Promise(() => undefined) : Promise.resolve(capitals(keys)),
      )
      void find('slow')
      await someTurns()
      const next = find('a')
      await someTurns()
      mock.timers.tick(9)
      await someTurns()
      expect(loads).to.deep.equal([['slow']])
      mock.timers.tick(1)
      expect(await next).to.equal('A')
    } finally {
      mock.timers.reset()
    }
  })

  it('answers null for what was not found', async () => {
    const { find } = recording()
    expect(await Promise.all(['a', 'nobody'].map(find))).to.deep.equal(['A', null])
  })

  it('loads at most 500 keys at once', async () => {
    const { loads, find } = recording()
    const keys = Array.from({ length: 501 }, (_, at) => `k${at}`)
    const found = await Promise.all(keys.map(find))
    expect(found).to.deep.equal(keys.map((key) => key.toUpperCase()))
    expect(loads.map((load) => load.length)).to.deep.equal([500, 1])
  })

  it('harms nobody with a key that breaks the load', async () => {
    const { find } = recording(async (keys) => {
      if (keys.includes('bad')) throw new Error('a bad key')
      return capitals(keys)
    })
    const outcomes = await Promise.allSettled(['a', 'bad', 'b', 'nobody', 'bad'].map(find))
    expect(outcomes.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).to.deep.equal([
      'A',
      'Error: a bad key',
      'B',
      null,
      'Error: a bad key',
    ])
  })

  it('rejects everybody with the cause where every load fails, and works again afterwards', async () => {
    let isDown = true
    const { find } = recording((keys) => {
      if (isDown) throw new Error('down')
      return Promise.resolve(capitals(keys))
    })
    const outcomes = await Promise.allSettled(['a', 'b'].map(find))
    expect(outcomes.map((one) => (one.status === 'rejected' ? String(one.reason) : 'found'))).to.deep.equal([
      'Error: down',
      'Error: down',
    ])
    isDown = false
    expect(await find('a')).to.equal('A')
  })

  it('does not ask again, key by key, after a failure that no key is to blame for', async () => {
    let loads = 0
    const find = batch<string>(
      () => {
        loads += 1
        return Promise.reject(new RangeError('too slow'))
      },
      (fault) => fault instanceof RangeError,
    )
    const outcomes = await Promise.allSettled(['a', 'b', 'a'].map(find))
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected', 'rejected'])
    expect(loads).to.equal(1)
  })
})

async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}
