import type { IncomingMessage } from 'node:http'
import type { Context, Middleware } from 'koa'
import type { OnEvent } from '../event.js'
import type { OptionalToken, RequireToken } from '../koa/guard.js'
import type { LoginAttempt } from '../login.js'
import type { Passwords } from '../passwords/passwords.js'
import type { UserStore } from '../stores/user-store.js'
import type { ThrottleOptions } from '../throttle.js'
import type { Issued, TokenFacts, Verified } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import type { LoginReason, TokenReason, Verdict } from '../verdict.js'

/** What every ready-made API offers. A bad token or login is a `Verdict`; a rejection is a fault (a store that is down). */
export interface TokenApi<U extends User, T extends TokenFacts = TokenFacts> {
  /** The guard: `tokenRequired()` is a middleware, `tokenRequired(handler)` the handler in one. Sets `ctx.state.user` and `.token`. */
  readonly tokenRequired: RequireToken<U, T>
  /** The guard that lets a request without credentials through; a bad token is refused. */
  readonly tokenOptional: OptionalToken<U, T>
  /** The API's own routes. `check: false` leaves out the one that takes a token in its path. */
  routes(options?: { readonly check?: boolean }): Middleware
  /** A token for a user, without any check of who asks. @throws {TypeError} for a user that no token can be bound to. */
  issue(user: U): Promise<Issued<T>>
  /** Judges a token that came by another road, with the user it is said to belong to. */
  verify(offered: {
    readonly user?: string | number | bigint
    readonly token: string
  }): Promise<Verdict<Verified<U, T>, TokenReason>>
  /** Judges a user name and a password, throttled and at the cost of one hash, without issuing anything. */
  login(attempt: LoginAttempt): Promise<Verdict<U, LoginReason>>
  /**
   * Ends all tokens of a user, at once, given as the user or its id. Rejects where an accepted kind or the store cannot
   * honour it, or where there is no such user; never a silent success.
   */
  revokeAll(user: User | User['id']): Promise<void>
  /** Judges any Node.js request by its headers and query, for example a WebSocket upgrade. */
  authenticate(request: IncomingMessage): Promise<Verdict<Verified<U, T>, TokenReason>>
}

/** Options that every ready-made API takes. */
export interface ApiOptions<U extends User> {
  readonly users: UserStore<U>
  /** How passwords are checked; every Django format by default. */
  readonly passwords?: Passwords
  /**
   * Limits on login attempts; in memory by default, `false` for none. `addressOf`: the address that a login over HTTP counts
   * for; `ctx.ip`, which trusts proxies only where `app.proxy` is set.
   */
  readonly throttle?: (ThrottleOptions & { readonly addressOf?: (ctx: Context) => string }) | false
  /** Told of logins, refusals and faults, with reasons, never with tokens. */
  readonly onEvent?: OnEvent
  /** Seconds that a store may take before it counts as a fault; 5. */
  readonly timeout?: number
}
