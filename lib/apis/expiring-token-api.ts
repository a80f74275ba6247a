import { response } from '../response.js'
import { EXPIRING_TOKEN_OPTIONS, expiringTokens } from '../tokens/expiring.js'
import type { User } from '../user.js'
import { STORED_API_OPTIONS, storedApi, type StoredApiOptions, type StoredTokenApi } from './drf/stored-api.js'
import { checkOptions, type OptionNames, pickOptions } from '../option-names.js'

export interface ExpiringTokenApiOptions<U extends User> extends StoredApiOptions<U> {
  /** Seconds for which a token is valid; 2592000 (30 days). */
  readonly lifetime?: number
  /** How many tokens a user may have: a login beyond it ends the oldest; 1000. */
  readonly limit?: number
  /** Keeps two kinds of user with one table apart. */
  readonly audience?: string
}

const OPTIONS = { ...STORED_API_OPTIONS, lifetime: true, limit: true, audience: true } as const satisfies OptionNames<
  ExpiringTokenApiOptions<User>
>

/**
 * djangorestframework-expiring-authtoken for Koa: `POST /api-token-auth/` responds with a token of a fixed life. Only
 * digests are stored, so each login issues a new one, while the ancestor shows the old one again.
 *
 * @throws {TypeError} at start-up that names the option that is wrong.
 */
export function expiringTokenApi<U extends User>(options: ExpiringTokenApiOptions<U>): StoredTokenApi<U> {
  checkOptions('expiringTokenApi', options, OPTIONS)
  return storedApi(options, (store) => expiringTokens<U>({ ...pickOptions(options, EXPIRING_TOKEN_OPTIONS), store }), {
    path: '/api-token-auth',
    passwordTrimmed: false,
    status: 200,
    view: {
      name: 'Obtain Expiring Auth Token',
      description: 'View enabling username/password exchange for expiring token.',
      renders: ['application/json'],
      parses: ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json'],
      returned: ['token'],
    },
    loginRefused: () => response(400, { non_field_errors: ['Unable to log in with provided credentials.'] }),
  })
}
