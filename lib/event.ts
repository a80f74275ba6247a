import type { Reason } from './verdict.js'

/** What an application may log or count. No event holds a token, a password, a hash or what was typed as a user name. */
export type TokenEvent =
  | { readonly type: 'login' | 'revoke-all'; readonly userId: string }
  | { readonly type: 'login-refused' | 'token-refused'; readonly reason: Reason; readonly detail?: string }
  /**
   * A login of a user whose stored hash no hasher reads: no password is right. `format` is
   * what the hash starts with, such as `$x$`, if that is certain to be no part of salt or digest.
   */
  | { readonly type: 'unreadable-hash'; readonly userId: string; readonly format?: string }
  | { readonly type: 'fault'; readonly name: string; readonly code?: string }

/** What it answers is not looked at. */
export type OnEvent = (event: TokenEvent) => unknown

/** Tells the application, at once and without waiting; one that throws or rejects while it listens must not change a verdict. */
export function teller(onEvent: OnEvent | undefined): (event: TokenEvent) => void {
  if (onEvent === undefined) return () => undefined
  if (typeof onEvent !== 'function') throw new TypeError('onEvent must be a function')
  const tell = async (event: TokenEvent): Promise<void> => {
    try {
      await onEvent(event)
    } catch (error) {
      process.emitWarning(`onEvent threw ${error instanceof Error ? error.name : typeof error}`)
    }
  }
  return (event) => void tell(event)
}
