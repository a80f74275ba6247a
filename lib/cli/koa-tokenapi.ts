#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { codeOf, ContractViolation, InternalError } from '../errors.js'
import { importTokens, usage } from './import-tokens.js'

const [command, ...args] = process.argv.slice(2)

if (command === undefined || command === '--help' || args.includes('--help')) {
  console.log(usage)
} else if (command === '--version' || args.includes('--version')) {
  console.log(version())
} else if (command === 'import-tokens') {
  importTokens(args, (line) => console.log(line), process.env).catch(fail)
} else {
  console.error(usage)
  process.exitCode = 1
}

/** Prints why the command failed, with the usage after a wrong argument. A database's own message may hold a key, so only its code is printed. */
function fail(error: unknown): void {
  process.exitCode = 1
  if (error instanceof InternalError || error instanceof ContractViolation) return console.error(error.message)
  const isOurs = error instanceof TypeError || codeOf(error)?.startsWith('ERR_PARSE_ARGS') === true
  if (error instanceof Error && isOurs) return console.error(`${error.message}\n\n${usage}`)
  const { name, code } = error as NodeJS.ErrnoException // what was thrown has these, or undefined ones
  console.error(`failed: ${code ?? name}`)
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
