import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { bcryptjs } from '../../lib/passwords/bcryptjs.js'

const PATH = createRequire(import.meta.url).resolve('bcryptjs')
const HERE = new URL('../..', import.meta.url)

/** Counts the event loop's ticks from now until it is stopped. */
function countTicks(): { stop: () => number } {
  let ticks = 0
  const tick = (): void => {
    ticks += 1
    next = setImmediate(tick)
  }
  let next = setImmediate(tick)
  return {
    stop() {
      clearImmediate(next)
      return ticks
    },
  }
}

describe('bcryptjs', () => {
  it('keeps the event loop free while it hashes', async () => {
    const library = bcryptjs(PATH)
    await library.hash('password', 4) // the thread has started
    const ticks = countTicks()
    expect(await library.hash('password', 10)).to.match(/^\$2b\$10\$/)
    expect(ticks.stop()).to.be.above(100)
  })

  it('gives each hash its own result', async () => {
    const library = bcryptjs(PATH)
    const passwords = ['one', 'two', 'three']
    const hashes = await Promise.all(passwords.map((password) => library.hash(password, 4)))
    for (const [at, hash] of hashes.entries()) {
      const results = await Promise.all(passwords.map((password) => library.verify(password, hash)))
      expect(results).to.deep.equal(passwords.map((_, other) => other === at))
    }
  })

  it('lets the process end when it has nothing to do, and not before', async () => {
    const code = `
      import { bcryptjs } from './lib/passwords/bcryptjs.ts'
      const library = bcryptjs(${JSON.stringify(PATH)})
      console.log(await library.verify('password', await library.hash('password', 8)))`
    const args = ['--import', 'tsx', '--input-type=module', '-e', code]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: HERE })
    expect(stdout).to.equal('true\n')
  })

  it('rejects with the error of a thread that cannot start, each time', async () => {
    const library = bcryptjs('/no/such/package')
    for (let times = 0; times < 2; times += 1) {
      const outcomes = await Promise.allSettled([library.hash('password', 4), library.verify('password', 'x')])
      for (const outcome of outcomes) {
        expect(outcome).to.have.property('status', 'rejected')
        expect(outcome).to.have.nested.property('reason.code', 'MODULE_NOT_FOUND')
      }
    }
  })

  it('rejects with an error of the package', async () => {
    const outcome = await bcryptjs(PATH)
      .verify('password', 7 as unknown as string) // wrong on purpose
      .catch((error: unknown) => error)
    expect(outcome).to.be.instanceOf(Error)
  })
})
