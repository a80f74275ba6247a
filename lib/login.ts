import type { Passwords } from './passwords/passwords.js'
import type { Throttle } from './throttle.js'
import { isActive, type User } from './user.js'
import { accept, type LoginReason, refuse, type Verdict } from './verdict.js'

/** What a login offers, as untrusted as it came; `address` is the client's, for the throttle. */
export interface LoginAttempt {
  readonly username: unknown
  readonly password: unknown
  readonly address?: string
  /** Aborted when the client has gone: a hash that still waits is skipped. */
  readonly signal?: AbortSignal
}

/** A look-up by name that answers a disabled account too: its password is checked like any other's. */
export type FindByUsername<U extends User> = (username: string) => Promise<U | null>

/**
 * A user name and a password to a verdict: `missing` and `malformed` for what is no text, `throttled` before anything is
 * hashed, `invalid` for nobody and for a wrong password alike (one hash each), `inactive` only where the password was right.
 * A store, a limiter or a full line at the hashing gate is a rejection.
 */
export function login<U extends User>(options: {
  readonly passwords: Passwords
  readonly throttle: Throttle
}): (attempt: LoginAttempt, findByUsername: FindByUsername<U>) => Promise<Verdict<U, LoginReason>> {
  const { passwords, throttle } = options

  return async (attempt, findByUsername) => {
    const { username, password, address, signal } = attempt
    if (isAbsent(username) || isAbsent(password)) return refuse('missing')
    if (typeof username !== 'string' || typeof password !== 'string') return refuse('malformed')

    const admitted = await throttle.admit(username, address)
    if (!admitted.ok) return admitted
    const [user, matches] = await unlessFault(
      async () => {
        const found = await findByUsername(username)
        const until = signal === undefined ? {} : { signal }
        return [found, await passwords.verify(password, found?.password ?? null, until)] as const
      },
      () => throttle.refund(username, address),
    )
    if (user === null || !matches) return refuse('invalid')
    if (!isActive(user)) return refuse('inactive')
    await throttle.forgive(username, address)
    return accept(user)
  }
}

/** Runs some work, and makes good for it where it ends in a fault; the fault is what is told. */
async function unlessFault<T>(work: () => Promise<T>, makeGood: () => Promise<void>): Promise<T> {
  try {
    return await work()
  } catch (fault) {
    await makeGood().catch(() => undefined)
    throw fault
  }
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}
