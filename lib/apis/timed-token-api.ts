import { reporter } from '../event.js'
import { response } from '../response.js'
import { SLIDING_TOKEN_OPTIONS, slidingTokens } from '../tokens/sliding.js'
import type { User } from '../user.js'
import { JSON_FIRST } from './drf/routes.js'
import { STORED_API_OPTIONS, storedApi, type StoredApiOptions, type StoredTokenApi } from './drf/stored-api.js'
import { checkOptions, type OptionNames, pickOptions } from '../option-names.js'

export interface TimedTokenApiOptions<U extends User> extends StoredApiOptions<U> {
  /** Seconds for which a token is valid after its last use, or a function of the user; 2592000 (30 days). */
  readonly lifetime?: number | ((user: U) => number)
  /** Seconds after which a token ends however it is used; none by default. */
  readonly maxLifetime?: number
  /** How many tokens a user may have: a login beyond it ends the oldest; 1000. */
  readonly limit?: number
  /** Keeps two kinds of user with one table apart. */
  readonly audience?: string
}

const OPTIONS = {
  ...STORED_API_OPTIONS,
  lifetime: true,
  maxLifetime: true,
  limit: true,
  audience: true,
} as const satisfies OptionNames<TimedTokenApiOptions<User>>

/**
 * djangorestframework-timed-auth-token for Koa: `POST /auth/login/` responds with 201 and a new token, whose life moves with its
 * use. Make one for each kind of user, with lifetimes of their own.
 *
 * Its responses are the ancestor's, except that an unknown user name is refused like a wrong password.
 *
 * @throws {TypeError} at start-up that names the option that is wrong.
 */
export function timedTokenApi<U extends User>(options: TimedTokenApiOptions<U>): StoredTokenApi<U> {
  checkOptions('timedTokenApi', options, OPTIONS)
  // Without a listener the kind emits a warning itself.
  const { internalError } = reporter(options.onEvent)
  const onSlideFault = options.onEvent === undefined ? {} : { onSlideFault: internalError }
  return storedApi(
    options,
    (store) => slidingTokens<U>({ ...pickOptions(options, SLIDING_TOKEN_OPTIONS), ...onSlideFault, store }),
    {
      path: '/auth/login',
      passwordTrimmed: true,
      status: 201,
      view: {
        name: 'Timed Auth Token Create',
        description: '',
        renders: ['application/json', 'text/html'],
        parses: JSON_FIRST,
      },
      // Only a right password learns that the account is disabled.
      loginRefused: ({ reason }) =>
        reason === 'inactive'
          ? response(403, { detail: 'User inactive or deleted.' })
          : response(400, { non_field_errors: ['Incorrect password.'] }),
    },
  )
}
