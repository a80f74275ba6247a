import type { Reason } from './verdict.js'

/** What an application may log or count. No event holds a token, a password, a hash or what was typed as a user name. */
export type TokenEvent =
  | { readonly type: 'login' | 'revoke-all'; readonly userId: string }
  | { readonly type: 'login-refused' | 'token-refused'; readonly reason: Reason; readonly detail?: string }
  | { readonly type: 'fault'; readonly name: string; readonly code?: string }

export type OnEvent = (event: TokenEvent) => void

/** Tells the application; one that throws while it listens must not change a verdict. */
export function teller(onEvent: OnEvent | undefined): OnEvent {
  if (onEvent === undefined) return () => undefined
  if (typeof onEvent !== 'function') throw new TypeError('onEvent must be a function')
  return (event) => {
    try {
      onEvent(event)
    } catch (error) {
      process.emitWarning(`onEvent threw ${error instanceof Error ? error.name : typeof error}`)
    }
  }
}
