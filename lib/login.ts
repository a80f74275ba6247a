import type { Passwords } from './passwords/passwords.js'
import { accountKey, addressKey, type Throttle } from './throttle.js'
import { canonicalUsername, isActive, type User } from './user.js'
import { accept, type LoginReason, refuse, type Verdict } from './verdict.js'

/** What a login offers, untrusted; `address` is the client's, for the throttle. */
export interface LoginAttempt {
  readonly username: unknown
  readonly password: unknown
  readonly address?: string
  /** Aborted when the client has gone: a hash that still waits is skipped. The attempt counts. */
  readonly signal?: AbortSignal
}

/** Finds a user by name, disabled accounts included: their password is verified like any other's. */
export type FindByUsername<U extends User> = (username: string) => Promise<U | null>

export interface LoginOptions {
  readonly passwords: Passwords
  readonly throttle: Throttle
  /** Called with the error of a limiter that failed after a right password: the login succeeds all the same. */
  readonly onLimiterError?: (error: unknown) => void
  /** Called for a user whose stored hash no hasher reads, with the name of its format if that is certain. */
  readonly onUnreadableHash?: (userId: string, format: string | undefined) => void
}

/**
 * A verdict on a user name and a password: `missing` and `malformed` for what is no text, `throttled` before anything is
 * hashed, `invalid` for an unknown user and for a wrong password alike (one hash each), `inactive` only if the password was
 * right. It rejects if the store or a limiter fails, or the queue at the hashing gate is full; such an attempt is not counted.
 */
export function login<U extends User>(
  options: LoginOptions,
): (attempt: LoginAttempt, findByUsername: FindByUsername<U>) => Promise<Verdict<U, LoginReason>> {
  const { passwords, throttle, onLimiterError, onUnreadableHash } = options

  return async (attempt, findByUsername) => {
    const { username, password, address, signal } = attempt
    if (isAbsent(username) || isAbsent(password)) return refuse('missing')
    if (typeof username !== 'string' || typeof password !== 'string') return refuse('malformed')

    const admitted = await throttle.admit(username, address)
    if (!admitted.ok) return admitted
    const [user, matches] = await onError(
      async () => {
        const found = await findByUsername(username)
        const right = await passwords.verify(password, found?.password ?? null, {
          // The decoy goes by the exact name, as a real hash does: with one for all spellings of a name, two spellings would show a user.
          name: canonicalUsername(username) ?? username.slice(0, 254),
          account: accountKey(username),
          ...(address === undefined ? {} : { address: addressKey(address) }),
          ...(signal === undefined ? {} : { signal }),
          onUnreadable: (format) => found !== null && onUnreadableHash?.(String(found.id), format),
        })
        return [found, right] as const
      },
      async (error) => {
        // A client that gives up while it waits has used its attempt; only our own errors are given back.
        if (signal?.aborted === true && error === signal.reason) return
        await throttle.refund(username, address)
      },
    )
    if (user === null || !matches) return refuse('invalid')
    if (!isActive(user)) return refuse('inactive')
    // The password was right, whatever becomes of the counts.
    await throttle.forgive(username, address).catch((error: unknown) => onLimiterError?.(error))
    return accept(user)
  }
}

/** Runs some work and, if it rejects, a handler, which cannot replace the error. */
async function onError<T>(work: () => Promise<T>, handle: (error: unknown) => Promise<void>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await handle(error).catch(() => undefined)
    throw error
  }
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}
