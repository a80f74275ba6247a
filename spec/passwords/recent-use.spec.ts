import { expect } from 'chai'
import { recentUse } from '../../lib/passwords/recent-use.js'

describe('recentUse', () => {
  it('is the sum of what an address has used, which is halved once a minute', () => {
    let now = 1000
    const use = recentUse(() => now)
    expect(use.of('a')).to.equal(0)
    use.add('a', 10)
    use.add('a', 6)
    use.add('b', 1)
    expect([use.of('a'), use.of('b')]).to.deep.equal([16, 1])
    now += 60
    expect(use.of('a')).to.equal(8)
    use.add('a', 8)
    now += 120
    expect(use.of('a')).to.equal(4)
  })

  it('falls to 0 and not below it', () => {
    const use = recentUse(() => 1000)
    use.add('a', 1)
    use.add('a', -9)
    use.add('b', -9)
    expect([use.of('a'), use.of('b')]).to.deep.equal([0, 0])
  })

  it('does not grow when the clock goes back', () => {
    let now = 1000
    const use = recentUse(() => now)
    use.add('a', 1)
    now -= 3600
    expect(use.of('a')).to.equal(1)
  })

  it('remembers the 4096 addresses that came last', () => {
    const use = recentUse(() => 1000)
    use.add('first', 1)
    use.add('second', 1)
    for (let at = 0; at < 4094; at += 1) use.add(`address ${at}`, 1)
    expect([use.of('first'), use.of('second')]).to.deep.equal([1, 1])
    use.add('first', 1)
    use.add('one more', 1)
    expect([use.of('first'), use.of('second'), use.of('address 0')]).to.deep.equal([2, 0, 1])
  })
})
