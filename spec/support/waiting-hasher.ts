import { EventEmitter, once } from 'node:events'
import { type Hasher, type Passwords, passwords, pbkdf2 } from 'koa-tokenapi'
import { gate } from '../../lib/passwords/gate.js'

/** Passwords whose check goes on only when the spec says so. */
export interface WaitingPasswords {
  readonly passwords: Passwords
  /** Resolves when a password is being checked. */
  readonly started: Promise<void>
  /** Lets it go on, and every later one pass. */
  readonly release: () => void
}

export function waitingPasswords(): WaitingPasswords {
  const start = signal()
  const go = signal()
  const cheap = pbkdf2({ iterations: 1 })
  const hasher: Hasher = {
    ...cheap,
    read(encoded) {
      const stored = cheap.read(encoded)
      if (stored === null) return null
      return {
        ...stored,
        async verify(password) {
          start.give()
          await go.given
          return stored.verify(password)
        },
      }
    },
  }
  return {
    passwords: passwords({ hashers: [hasher], gate: gate({ width: 4 }) }),
    started: start.given,
    release: go.give,
  }
}

function signal(): { given: Promise<void>; give: () => void } {
  const events = new EventEmitter()
  return { given: once(events, 'given').then(() => undefined), give: () => void events.emit('given') }
}
