// What a request carries.
export type { Credentials, Source } from './credentials/credentials.js'
export { params, type ParamsOptions } from './credentials/params.js'
export { basic } from './credentials/basic.js'
export { bearer } from './credentials/bearer.js'
export { authorization } from './credentials/authorization.js'
export { apiKey } from './credentials/api-key.js'
export { cookie } from './credentials/cookie.js'
export { firstOf } from './credentials/first-of.js'

// What a token is.
export type { IssueOptions, Issued, Offered, TokenFacts, TokenKind, Verified } from './tokens/token-kind.js'
export { type SealedPairFacts, type SealedPairOptions, sealedPairs } from './tokens/sealed-pair.js'
export { type DjangoPairFacts, type DjangoPairOptions, djangoPairs } from './tokens/django-pair.js'
export { expiringTokens, type ExpiringTokenOptions } from './tokens/expiring.js'
export { slidingTokens, type SlidingTokenOptions } from './tokens/sliding.js'
export { type ApiKeyIssueOptions, type ApiKeyKind, type ApiKeyOptions, apiKeyTokens } from './tokens/api-key.js'
export type { ForeignToken, ListedToken, StoredFacts, StoredTokenKind, StoredTokenOptions } from './tokens/opaque.js'
export { type SignedFacts, type SignedTokenOptions, signedTokens } from './tokens/signed.js'
export { anyOf } from './tokens/any-of.js'
export type { Secret } from './crypto.js'
export type { Clock } from './clock.js'

// What a token may be used for.
export type { LimitedRequest, Limits, Needs } from './limits.js'

// Whose it is.
export { type FindUser, newUsername, type User } from './user.js'
export type { UsersById, UserStore } from './stores/user-store.js'
export { activeUser } from './stores/active-user.js'
export { batchedUsers, type BatchedUsersOptions } from './stores/batched.js'
export { memoryUsers } from './stores/memory-users.js'
export type { NewStoredToken, StoredToken, TokenOwner, TokenStore } from './stores/token-store.js'
export { memoryTokens } from './stores/memory-tokens.js'

// How a password is checked.
export type { Hasher, StoredHash } from './passwords/hasher.js'
export { type Passwords, passwords } from './passwords/passwords.js'
export { hashPassword, needsRehash, verifyPassword } from './passwords/default-passwords.js'
export { scrypt, type ScryptOptions } from './passwords/scrypt.js'
export { pbkdf2, type Pbkdf2Options } from './passwords/pbkdf2.js'
export { argon2, type Argon2Options } from './passwords/argon2.js'
export { bcrypt, type BcryptOptions } from './passwords/bcrypt.js'
export { phc, type PhcOptions } from './passwords/phc.js'
export { betterAuth } from './passwords/better-auth.js'
export { legacy, type LegacyOptions } from './passwords/legacy.js'
export type { LoginAttempt } from './login.js'
export type { LoginLimiter, ThrottleOptions } from './throttle.js'

// What a check returns, and what is reported.
export type { LoginReason, LoginRefusal, Reason, Refusal, TokenReason, TokenRefusal, Verdict } from './verdict.js'
export type { OnEvent, TokenEvent } from './event.js'
export { ContractViolation, type ErrorCode, InternalError } from './errors.js'

// How Koa responds.
export type { OptionalToken, RequireToken, TokenState } from './koa/guard.js'
export {
  jsonBadRequest,
  jsonError,
  jsonForbidden,
  jsonNotAcceptable,
  jsonNotAllowed,
  jsonNotFound,
  jsonResponse,
  jsonUnauthorized,
} from './koa/json.js'
export type { GuardApi, TokenApi } from './apis/token-api-contract.js'
export { tokenApi, type TokenApiOptions } from './apis/token-api.js'
export { timedTokenApi, type TimedTokenApiOptions } from './apis/timed-token-api.js'
export { expiringTokenApi, type ExpiringTokenApiOptions } from './apis/expiring-token-api.js'
export type { StoredTokenApi } from './apis/drf/stored-api.js'
export { signedTokenApi, type SignedTokenApiOptions } from './apis/signed-token-api.js'
export { type ApiKeys, apiKeys, type ApiKeysOptions } from './apis/api-keys.js'
