import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { startServer, withFolder } from './process.js'
import { runSteps, stepsOf } from './story.js'

const README = new URL('../../example-app/README.md', import.meta.url)

describe("the example's README", function () {
  this.timeout(60_000) // it starts a process and runs it twice through

  it('shows what the server responds, line by line, also when it is run again', async () => {
    const steps = stepsOf(await readFile(README, 'utf8'))
    expect(steps).to.have.length.above(10)

    await withFolder(async (folder) => {
      const server = await startServer({ DATABASE_URL: `sqlite:${join(folder, 'story.sqlite3')}`, SEED_DEMO: '1' })
      try {
        await runSteps(steps, server.url)
        await runSteps(steps, server.url)
      } finally {
        await server.stop()
      }
    })
  })
})
