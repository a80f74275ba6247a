import type { GuardResponses } from '../../koa/guard.js'
import type { LoginResponses } from '../../koa/routes.js'
import { type HttpResponse, response, tooManyRequests, unavailable } from '../../response.js'
import type { TokenFacts } from '../../tokens/token-kind.js'
import type { User } from '../../user.js'
import type { LoginReason, Refusal, TokenRefusal } from '../../verdict.js'
import { challenger, NOT_PERMITTED } from '../challenge.js'

/** The responses of the APIs of Django REST framework at a guard and at a login. */
export type DrfResponses<U extends User, T extends TokenFacts> = GuardResponses & LoginResponses<U, T>

export interface DrfTexts<U extends User, T extends TokenFacts> {
  readonly scheme: string
  readonly realm: string
  /** The text of a guard for a token that was refused. */
  readonly tokenRefused: (refusal: TokenRefusal) => string
  /** What a header is called when it cannot be read: "token" or "Authorization", and what it holds. */
  readonly header: readonly [name: string, content: string]
  /** The response to a login that was refused for any other reason than the throttle. */
  readonly loginRefused: (refusal: Refusal<Exclude<LoginReason, 'throttled'>>) => HttpResponse
  readonly loggedIn: DrfResponses<U, T>['loggedIn']
}

/** DRF's responses (rest_framework/exceptions.py, authentication.py): `detail` in every refusal, 401 with a challenge at a guard. */
export function drfResponses<U extends User, T extends TokenFacts>(texts: DrfTexts<U, T>): DrfResponses<U, T> {
  const challenge = challenger(texts.scheme, texts.realm)
  const [name, content] = texts.header
  const headerErrors: Readonly<Record<string, string>> = {
    no_credentials: `Invalid ${name} header. No credentials provided.`,
    spaces: `Invalid ${name} header. ${content} string should not contain spaces.`,
    repeated: `Invalid ${name} header. ${content} string should not contain spaces.`,
  }
  const textOf = (refusal: TokenRefusal): string => {
    if (refusal.reason === 'missing') return 'Authentication credentials were not provided.'
    const header = refusal.reason === 'malformed' ? headerErrors[refusal.detail ?? ''] : undefined
    return header ?? texts.tokenRefused(refusal)
  }

  return {
    tokenRefused(refusal, needs) {
      const { reason } = refusal
      if (reason === 'insufficient_scope' || reason === 'insufficient_user_authentication') {
        const status = reason === 'insufficient_scope' ? 403 : 401
        const headers = { 'WWW-Authenticate': challenge(refusal, needs) }
        return response(status, { detail: NOT_PERMITTED[reason] }, headers)
      }
      if (refusal.detail === 'cross_origin') {
        return response(403, { detail: 'CSRF Failed: the request must come from the same origin.' })
      }
      return response(401, { detail: textOf(refusal) }, { 'WWW-Authenticate': challenge(refusal) })
    },

    loginRefused: (refusal) =>
      refusal.reason === 'throttled' ? drfThrottled(refusal.retryAfter) : texts.loginRefused(refusal),

    loggedIn: texts.loggedIn,

    unavailable: drfUnavailable,
  }
}

/** An internal error in the words of DRF's APIException. */
export function drfUnavailable(): HttpResponse {
  return unavailable({ detail: 'Service temporarily unavailable, try again later.' })
}

/** DRF's Throttled. */
export function drfThrottled(seconds: number): HttpResponse {
  const wait = `${seconds} ${seconds === 1 ? 'second' : 'seconds'}`
  return tooManyRequests({ detail: `Request was throttled. Expected available in ${wait}.` }, seconds)
}

/** DRF's MethodNotAllowed. */
export function drfNotAllowed(method: string, allow: string): HttpResponse {
  return response(405, { detail: `Method "${method}" not allowed.` }, { Allow: allow })
}
