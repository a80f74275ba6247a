import { type Difference, differing, type LeftOut } from '../support/transcript.js'
import { JSON_PARSE_ERROR, seed } from './recorded-servers.js'

function guardSays(detail: string): { status: number; json: unknown } {
  return { status: 401, json: { detail } }
}

function routeSays(error: string): { status: number; json: unknown } {
  return { status: 400, json: { non_field_errors: [error] } }
}

const UNREADABLE = 'Error decoding signature.'
const UNACCEPTABLE = 'Incorrect authentication credentials.'

/** Where jwtApi responses otherwise than djangorestframework-jwt did, why, and what. */
export const differences: readonly Difference[] = [
  // Login
  ...differing("the application's own body parser", { status: 400, json: JSON_PARSE_ERROR }, ['jwt.login.json_bad']),
  ...differing('a redirect that loses the body', { status: 200, json: { token: seed.main.jwt['valid'] } }, [
    'jwt.login.no_slash',
  ]),

  // The guard
  ...differing('a 500; exp is a number', guardSays(UNREADABLE), ['jwt.me.tok.exp_null']),
  ...differing('a name that contradicts the id inherits no tokens', guardSays('Invalid signature.'), [
    'jwt.me.tok.wrong_user_id_long',
  ]),
  ...differing('a 500; who is meant is looked up before the signature is checked', guardSays(UNREADABLE), [
    'alt.jwt.me.unknown_user_id',
    'alt.jwt.me.bad_user_id',
    'alt.jwt.me.no_user_id',
  ]),
  ...differing(
    'a browser sends a cookie by itself, and nothing shows where the request comes from',
    { status: 403, json: { detail: 'CSRF Failed: the request must come from the same origin.' } },
    ['alt.jwt.me.cookie_post_no_csrf'],
  ),

  // Verify and refresh
  ...differing('exp is required', routeSays(UNACCEPTABLE), ['jwt.verify.tok.no_exp']),
  ...differing('exp is a number', routeSays(UNREADABLE), ['jwt.verify.tok.exp_string']),
  ...differing('a 500; one algorithm is accepted, by its name', routeSays(UNACCEPTABLE), [
    'jwt.verify.tok.alg_hs512',
    'jwt.verify.tok.alg_lower',
    'alt.jwt.verify.hs256',
  ]),
  ...differing('a 500; a token is good from nbf on', routeSays(UNACCEPTABLE), [
    'jwt.verify.tok.nbf_future',
    'jwt.refresh.tok.nbf_future',
  ]),
  ...differing('a login in the future has not happened', routeSays(UNACCEPTABLE), ['jwt.verify.tok.orig_iat_future']),
  ...differing('a 500; orig_iat is a number', routeSays(UNREADABLE), ['jwt.refresh.tok.orig_iat_string']),
  ...differing('a name that contradicts the id inherits no tokens', routeSays("User doesn't exist."), [
    'jwt.verify.tok.wrong_user_id_long',
    'jwt.refresh.tok.wrong_user_id_long',
  ]),
  ...differing('a 500; a token of another issuer or for another audience', routeSays(UNACCEPTABLE), [
    'alt.jwt.verify.no_aud',
    'alt.jwt.verify.wrong_aud',
    'alt.jwt.verify.wrong_iss',
    'alt.jwt.verify.no_iss_long',
    'alt.jwt.verify.wrong_iss_long',
  ]),
  ...differing('a 500; who is meant is looked up before the signature is checked', routeSays(UNREADABLE), [
    'alt.jwt.verify.unknown_user_id',
    'alt.jwt.verify.no_user_id',
  ]),
  ...differing(
    'before the signature is checked the response does not show what an id may look like',
    routeSays(UNREADABLE),
    ['alt.jwt.verify.bad_user_id'],
  ),
]

/** What is not sent. */
export const leftOut: readonly LeftOut[] = [
  { id: 'jwt.login.ok_multipart', reason: "a multipart body, which the application's own parser decides" },
]
