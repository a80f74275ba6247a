import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { startServer, withFolder } from './process.js'
import { stepsOf, tell } from './story.js'

const README = new URL('../../example-app/README.md', import.meta.url)

describe("the example's README", () => {
  it('tells what the server answers, line by line', async () => {
    const steps = stepsOf(await readFile(README, 'utf8'))
    expect(steps).to.have.length.above(10)

    await withFolder(async (folder) => {
      const server = await startServer({ DATABASE_URL: `sqlite:${join(folder, 'story.sqlite3')}` })
      try {
        await tell(steps, server.url)
      } finally {
        await server.stop()
      }
    })
  })
})
