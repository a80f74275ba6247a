import { ContractViolation } from '../errors.js'
import { type HttpResponse, response } from '../response.js'
import type { JwtFacts } from '../tokens/jwt/claims.js'
import type { Issued } from '../tokens/token-kind.js'
import type { User } from '../user.js'
import type { TokenRefusal } from '../verdict.js'
import { type DrfResponses, drfResponses } from './drf/responses.js'
import type { Respond } from './options.js'

/** djangorestframework-jwt's responses. */
export interface JwtResponses<U extends User> extends DrfResponses<U, JwtFacts> {
  /** The token of a login, a refresh or a check. */
  issued(user: U, issued: Issued<JwtFacts>): Promise<HttpResponse>
  /** A token in the body of a refresh or a check that was refused. */
  bodyTokenRefused(refusal: TokenRefusal): HttpResponse
}

/** The ancestor's texts for the details of the kind's refusals. The same refusal has another text at a guard than at a route. */
const TEXTS: Readonly<Record<string, string>> = {
  claims: 'Incorrect authentication credentials.',
  payload: 'Invalid payload.',
  no_orig_iat: 'orig_iat field is required.',
  no_refresh: 'orig_iat field is required.',
  refresh_expired: 'Refresh has expired.',
}

/** @param options `scheme` and `realm` of the challenge; `respond`: the JSON of login, refresh and check. */
export function jwtResponses<U extends User>(options: {
  readonly scheme: string
  readonly realm: string
  readonly respond: Respond<U, JwtFacts>
}): JwtResponses<U> {
  const { scheme, realm, respond } = options
  const issued = async (user: U, token: Issued<JwtFacts>): Promise<HttpResponse> => {
    const json: unknown = await respond(user, token)
    if (typeof json !== 'object' || json === null) throw new ContractViolation('respond must return an object')
    return response(200, json)
  }
  return {
    ...drfResponses<U, JwtFacts>({
      scheme,
      realm,
      header: ['Authorization', 'Credentials'],
      tokenRefused: (refusal) => textFor(refusal, 'Invalid signature.'),
      loginRefused: () => response(400, { non_field_errors: ['Unable to log in with provided credentials.'] }),
      loggedIn: issued,
    }),
    issued,
    bodyTokenRefused: (refusal) => response(400, { non_field_errors: [textFor(refusal, "User doesn't exist.")] }),
  }
}

function textFor({ reason, detail = '' }: TokenRefusal, noUser: string): string {
  if (Object.hasOwn(TEXTS, detail)) return TEXTS[detail] ?? noUser
  if (reason === 'expired') return 'Signature has expired.'
  if (reason === 'inactive') return 'User account is disabled.'
  return detail === 'no_user' || reason === 'revoked' ? noUser : 'Error decoding signature.'
}
