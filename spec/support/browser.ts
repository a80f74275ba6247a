import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'
import { leftOut } from './databases.js'

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const root = new URL('../../', import.meta.url).pathname

const FLAGS: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A name that is not localhost, for what a browser allows only in secure contexts.
  '--host-resolver-rules=MAP insecure.example 127.0.0.1',
]

/** Whether specs that need a browser are to run. Without one they are named at the end of the run; with CI=true they run, and fail. */
export function hasChromium(): boolean {
  if (existsSync(CHROMIUM) || process.env['CI'] === 'true') return true
  if (!leftOut.includes('Chromium')) leftOut.push('Chromium')
  return false
}

/** A real browser, with a profile of its own. */
export async function openChromium(): Promise<{ browser: BrowserContext; close: () => Promise<void> }> {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: apt-get install chromium`)
  const profile = mkdtempSync(join(tmpdir(), 'koa-tokenapi-chromium-'))
  const browser = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, args: [...FLAGS] })
  return {
    browser,
    async close() {
      await browser.close()
      rmSync(profile, { recursive: true, force: true })
    },
  }
}

/**
 * A file of lib and what it imports, compiled for browsers: without the types of Node.js, so that what it needs of Node.js is an error.
 *
 * @returns The folder with the JavaScript.
 */
export function compiledForBrowsers(file: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'koa-tokenapi-browser-'))
  symlinkSync(join(root, 'lib'), join(folder, 'lib'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const base = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as { compilerOptions: object }
  const compilerOptions = {
    ...base.compilerOptions,
    types: [],
    paths: {},
    lib: ['es2023', 'es2024.string', 'dom'],
    noEmit: false,
    preserveSymlinks: true,
    rootDir: 'lib',
    outDir: 'out',
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [`lib/${file}`] }))
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { stdio: 'pipe' })
  } catch (error) {
    throw new Error(String((error as { stdout?: Buffer }).stdout), { cause: error }) // execFileSync adds it
  }
  return join(folder, 'out')
}

/** Serves the scripts of a folder, and an empty page for every other path. */
export async function serveFolder(folder: string): Promise<{ port: number; close: () => void }> {
  const server = createServer((request, response) => {
    const file = join(folder, new URL(request.url ?? '/', 'http://localhost').pathname)
    if (!file.endsWith('.js') || !existsSync(file)) {
      response.setHeader('content-type', 'text/html')
      response.end('<!doctype html><title>empty</title>')
      return
    }
    response.setHeader('content-type', 'text/javascript')
    response.end(readFileSync(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, close: () => server.close() } // it listens on a port
}
