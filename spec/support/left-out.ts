import { leftOut } from './databases.js'

/** Runs after the last spec. */
export function mochaGlobalTeardown(): void {
  if (leftOut.length > 0) {
    console.log(`  Left out, since it cannot be reached here: ${leftOut.join(', ')}. With CI=true this is a failure.`)
  }
}
