#!/usr/bin/env node
import { ContractViolation } from '../errors.js'
import { importTokens, usage } from './import-tokens.js'

const [command, ...args] = process.argv.slice(2)

/** A wrong argument shows how it is right, what the data showed is said alone; of a database's error only the name is said, since its message may hold a key. */
function fail(error: unknown): void {
  const { name, message, code } = error as NodeJS.ErrnoException // whatever was thrown has a name, or undefined ones
  const isOurs = error instanceof TypeError || String(code).startsWith('ERR_PARSE_ARGS')
  process.exitCode = 1
  if (error instanceof ContractViolation) return console.error(message)
  console.error(isOurs ? `${message}\n\n${usage}` : `failed: ${name} ${code ?? ''}`.trim())
}

if (command === 'import-tokens' && !args.includes('--help')) {
  importTokens(args, (line) => console.log(line)).catch(fail)
} else {
  console.log(usage)
  process.exitCode = command === undefined || args.includes('--help') || command === '--help' ? 0 : 1
}
