import { codeOf, nameOf } from './errors.js'
import type { LoginReason, Reason, TokenReason, Verdict } from './verdict.js'

/** What an application may log or count. No event holds a token, a password, a hash or what was typed as a user name. */
export type TokenEvent =
  | { readonly type: 'login' | 'renew' | 'logout' | 'revoke-all'; readonly userId: string }
  | { readonly type: 'login-refused' | 'token-refused'; readonly reason: Reason; readonly detail?: string }
  /**
   * A login of a user whose stored hash no hasher reads: no password is right. `format` is
   * what the hash starts with, such as `$x$`, if that is certain to be no part of salt or digest.
   */
  | { readonly type: 'unreadable-hash'; readonly userId: string; readonly format?: string }
  | { readonly type: 'fault'; readonly name: string; readonly code?: string }

/** Called with each event, at once and without waiting. What it returns is ignored. */
export type OnEvent = (event: TokenEvent) => unknown

/** Calls `onEvent` with what happens in one API. Each method that takes work returns its outcome unchanged. */
export interface Reporter {
  readonly emit: (event: TokenEvent) => void
  /** Emits `fault` with the name and code of an internal error, never with its message. */
  readonly internalError: (error: unknown) => void
  /** Emits a stored hash that no hasher reads. */
  readonly unreadableHash: (userId: string, format: string | undefined) => void
  /** Emits an internal error of some work; not if `signal` is aborted, since a client that has gone is no error. */
  readonly errorsOf: <V>(work: Promise<V>, signal?: AbortSignal) => Promise<V>
  /** Emits a token that was refused, or an internal error. */
  readonly tokenCheck: <V>(work: Promise<Verdict<V, TokenReason>>) => Promise<Verdict<V, TokenReason>>
  /** Emits a login, one that was refused, or an internal error. */
  readonly login: <V>(
    work: Promise<Verdict<V, LoginReason>>,
    userIdOf: (value: V) => string,
    signal?: AbortSignal,
  ) => Promise<Verdict<V, LoginReason>>
}

/** The reporter of one API. @throws {TypeError} for an `onEvent` that is not a function. */
export function reporter(onEvent: OnEvent | undefined): Reporter {
  const emit = emitter(onEvent)
  const refused = (type: 'token-refused' | 'login-refused', { reason, detail }: { reason: Reason; detail?: string }) =>
    emit(detail === undefined ? { type, reason } : { type, reason, detail })
  const internalError = (error: unknown): void => {
    const name = nameOf(error)
    const code = codeOf(error)
    emit(code === undefined ? { type: 'fault', name } : { type: 'fault', name, code })
  }
  const errorsOf = async <V>(work: Promise<V>, signal?: AbortSignal): Promise<V> => {
    try {
      return await work
    } catch (error) {
      if (signal?.aborted !== true) internalError(error)
      throw error
    }
  }

  return {
    emit,
    internalError,
    unreadableHash: (userId, format) =>
      emit(format === undefined ? { type: 'unreadable-hash', userId } : { type: 'unreadable-hash', userId, format }),
    errorsOf,
    async tokenCheck(work) {
      const verdict = await errorsOf(work)
      if (!verdict.ok) refused('token-refused', verdict)
      return verdict
    },
    async login(work, userIdOf, signal) {
      const verdict = await errorsOf(work, signal)
      if (verdict.ok) emit({ type: 'login', userId: userIdOf(verdict.value) })
      else refused('login-refused', verdict)
      return verdict
    },
  }
}

/** A listener that throws or rejects must not change a verdict: it is a warning. */
function emitter(onEvent: OnEvent | undefined): (event: TokenEvent) => void {
  if (onEvent === undefined) return () => undefined
  if (typeof onEvent !== 'function') throw new TypeError('onEvent must be a function')
  const call = async (event: TokenEvent): Promise<void> => {
    try {
      await onEvent(event)
    } catch (error) {
      process.emitWarning(`onEvent threw ${nameOf(error)}`)
    }
  }
  return (event) => void call(event)
}
