import type { IncomingMessage } from 'node:http'
import type { Context, Middleware } from 'koa'
import type { OnEvent } from '../event.js'
import type { OptionalToken, RequireToken } from '../koa/guard.js'
import type { Limits, Needs } from '../limits.js'
import type { LoginAttempt } from '../login.js'
import type { Passwords } from '../passwords/passwords.js'
import type { UsersById, UserStore } from '../stores/user-store.js'
import type { ThrottleOptions } from '../throttle.js'
import type { Issued, TokenFacts, Verified } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import type { LoginReason, TokenReason, Verdict } from '../verdict.js'

/** A token, and the user it is said to belong to. */
export interface OfferedPair {
  readonly user?: string | number | bigint
  readonly token: string
}

/** What every ready-made API offers, with a login or without. A bad token is a `Verdict`; a rejection is an internal error (a store that is down). */
export interface GuardApi<U extends User, T extends TokenFacts = TokenFacts> {
  /** The guard: `tokenRequired()` is a middleware, `tokenRequired(handler)` the handler in one. Sets `ctx.state.user` and `.token`. */
  readonly tokenRequired: RequireToken<U, T>
  /** The guard that lets a request without credentials through; a bad token is refused. */
  readonly tokenOptional: OptionalToken<U, T>
  /**
   * A token for a user, without any check of who asks. It is not a login: no password was typed, so `maxAge` refuses it and it cannot
   * be renewed, unless `loggedInAt` says when one was typed.
   *
   * @param options `limits`: what the token may be used for; everything by default. `loggedInAt`: seconds since 1970; 0, not known.
   * @throws {TypeError} for a user that no token can be bound to, and for limits that the kind has no place for.
   */
  issue(user: U, options?: { readonly limits?: readonly Limits[]; readonly loggedInAt?: number }): Promise<Issued<T>>
  /**
   * Verifies a token that came some other way, with the user it is said to belong to. `request` is what it is to be used for, and
   * `needs` what that asks for: a token that is limited to what is not given here is refused.
   */
  verify(offered: {
    readonly user?: string | number | bigint
    readonly token: string
    readonly request?: { readonly method: string; readonly path: string }
    readonly needs?: Needs
  }): Promise<Verdict<Verified<U, T>, TokenReason>>
  /**
   * Ends all tokens of a user, at once, given as the user or its id. Rejects where an accepted kind or the store cannot
   * honour it, or where there is no such user; never a silent success.
   */
  revokeAll(user: User | User['id']): Promise<void>
  /**
   * Checks the tables behind the stores, for start-up: a query of each that reads nothing. Rejects with what is missing; does nothing
   * for stores without `check`.
   */
  check(): Promise<void>
  /**
   * Authenticates any Node.js request by its headers and query, for example a WebSocket upgrade. For requests that no Koa middleware
   * has rewritten.
   */
  authenticate(request: IncomingMessage, needs?: Needs): Promise<Verdict<Verified<U, T>, TokenReason>>
}

/** A ready-made API with a login. A bad login is a `Verdict`, as a bad token is. */
export interface TokenApi<U extends User, T extends TokenFacts = TokenFacts> extends GuardApi<U, T> {
  /** The API's own routes. `check: false` leaves out the one that takes a token in its path. */
  routes(options?: { readonly check?: boolean }): Middleware
  /** Verifies a user name and a password, throttled and at the cost of one hash, without issuing anything. */
  login(attempt: LoginAttempt): Promise<Verdict<U, LoginReason>>
  /**
   * Exchanges a good token for a fresh one of the same login with the same limits, without a write. Refused as `expired` once the
   * login is too long ago, as `invalid` for a token whose login is not known, as `insufficient_scope` for one that is limited to
   * methods or a path. Rejects if the API has no `renewDays`.
   */
  renew(offered: OfferedPair): Promise<Verdict<{ user: U; issued: Issued<T> }, TokenReason>>
  /**
   * Ends the login that a token belongs to, on one device, with all tokens that were narrowed or renewed from it. The refusals are
   * those of `renew`. Rejects if the user store cannot end a login, or if the token is still good afterwards.
   */
  endLogin(offered: OfferedPair): Promise<Verdict<{ userId: string }, TokenReason>>
}

/** Options that every ready-made API takes. */
export interface GuardOptions<U extends User> {
  readonly users: UsersById<U>
  /**
   * The same users on the primary database, if `users` reads a replica. Logins, renewals, ended logins and `revokeAll` use only it;
   * a token check asks it once more before it refuses a genuine token for what the replica says of its user.
   */
  readonly primary?: UsersById<U>
  /** Called with logins, refusals and internal errors, with reasons, never with tokens. */
  readonly onEvent?: OnEvent
  /** Seconds that a store may take before it counts as an internal error; 5. */
  readonly timeout?: number
}

/** Options that every ready-made API with a login takes. */
export interface ApiOptions<U extends User> extends GuardOptions<U> {
  readonly users: UserStore<U>
  readonly primary?: UserStore<U>
  /** How passwords are checked; every Django format by default. */
  readonly passwords?: Passwords
  /**
   * Limits on login attempts; in memory by default, `false` for none. `addressOf`: the address that a login over HTTP counts
   * for; `ctx.ip`, which trusts proxies only where `app.proxy` is set.
   */
  readonly throttle?: (ThrottleOptions & { readonly addressOf?: (ctx: Context) => string }) | false
}
