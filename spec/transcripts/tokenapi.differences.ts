import { type Difference, differing, type LeftOut } from '../support/transcript.js'
import { seed } from './recorded-servers.js'

const NO_LOGIN = { success: false, errors: "Must include 'username' and 'password' as POST parameters." }
const NO_PAIR = { success: false, errors: "Must include 'user' and 'token' parameters with request." }
const WRONG_PAIR = { success: false, errors: 'Incorrect user and token pair.' }
const NO_MATCH = { success: false, errors: 'Token did not match user.' }

const ok = { status: 200, json: { success: true } }
const mustInclude = { status: 401, json: NO_PAIR }
const wrongPair = { status: 403, json: WRONG_PAIR }
const noMatch = { status: 401, json: NO_MATCH }

function loginOf(user: number, username: string): { status: number; json: unknown } {
  return { status: 200, json: { success: true, user, token: seed.main.tokenapi[username]?.['0'] } }
}

/** Where tokenApi responses otherwise than django-tokenapi did, why, and what. */
export const differences: readonly Difference[] = [
  // Login
  ...differing('user names are compared in one form, NFKC', loginOf(3, 'ünïcødé-用户'), ['tokenapi.new.username_nfd']),
  ...differing('media types are case-insensitive (RFC 9110 §8.3.1)', loginOf(1, 'jpulgarin'), [
    'tokenapi.new.content_type_upper',
  ]),
  ...differing('a repeated parameter is refused, never guessed', { status: 401, json: NO_LOGIN }, [
    'tokenapi.new.duplicate_last_wins',
  ]),
  ...differing("an HTML page; the application's body parser has a limit of its own", { status: 413 }, [
    'tokenapi.new.too_big',
  ]),
  ...differing('methods are case-sensitive (RFC 9110 §9.1), and Node.js knows no "post"', { status: 400 }, [
    'tokenapi.new.method.lowercase_post',
  ]),
  ...differing('a login does not change the stored hash, so that older tokens stay valid', ok, [
    'tokenapi.upgrade.legacy.3_token_after',
    'tokenapi.upgrade.shortsalt.3_token_after',
    'tokenapi.upgrade.legacysha1.3_token_after',
  ]),

  // The token in the path
  ...differing('an HTML page; what cannot be a pair is refused like a wrong one', noMatch, [
    'tokenapi.verify.four_digit_day',
    'tokenapi.verify.short_token',
    'tokenapi.verify.user_abc',
    'tokenapi.verify.trailing_slash',
  ]),
  ...differing('an id has one form', noMatch, ['tokenapi.verify.user_arabic_digit']),
  ...differing('a 500; an id out of range is no user', noMatch, ['tokenapi.verify.user_too_big']),
  ...differing('a CSRF refusal; no session is involved', ok, ['tokenapi.verify.method.PUT']),

  // The guard
  ...differing('a 500; a header that cannot be read carries no pair', mustInclude, [
    'tokenapi.me.basic_tab',
    'tokenapi.me.basic_no_value',
    'tokenapi.me.basic_no_colon',
    'tokenapi.me.scheme_without_space',
    'tokenapi.me.partial_params_broken_basic',
  ]),
  ...differing('a 500; control characters are refused (RFC 7617 §2)', mustInclude, ['tokenapi.me.basic_user_nul']),
  ...differing('control characters are refused (RFC 7617 §2)', mustInclude, [
    'tokenapi.me.basic_trailing_without_padding',
  ]),
  ...differing('base64 has one form', mustInclude, [
    'tokenapi.me.basic_inner_garbage',
    'tokenapi.me.basic_inner_spaces',
  ]),
  ...differing('a second Authorization header is refused, never guessed', mustInclude, [
    'tokenapi.me.two_auth_headers',
  ]),
  ...differing('a repeated parameter is refused, never guessed', mustInclude, ['tokenapi.me.query_duplicate']),
  ...differing('a 500; what cannot be an id is no user', wrongPair, [
    'tokenapi.me.basic_user_abc',
    'tokenapi.me.basic_user_float',
    'tokenapi.me.basic_user_huge',
    'tokenapi.me.query_user_abc',
    'alt.tokenapi.me.braces_urn_upper',
    'alt.tokenapi.me.abc',
    'alt.tokenapi.me.number',
  ]),
  ...differing('an id has one form', wrongPair, [
    'tokenapi.me.basic_user_spaces',
    'tokenapi.me.basic_user_plus',
    'tokenapi.me.basic_user_underscore',
    'tokenapi.me.basic_user_leading_zero',
    'alt.tokenapi.me.no_hyphens',
    'alt.tokenapi.me.braces',
  ]),
]

/** What is not sent. */
export const leftOut: readonly LeftOut[] = [
  'tokenapi.new.multipart',
  'tokenapi.new.multipart_bad',
  'tokenapi.new.multipart_truncated',
  'tokenapi.me.multipart_ok',
].map((id) => ({ id, reason: "a multipart body, which the application's own parser decides" }))
