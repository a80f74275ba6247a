import { type Difference, differing, type LeftOut } from '../support/transcript.js'
import { JSON_PARSE_ERROR } from './recorded-servers.js'

const WRONG = { status: 400, json: { non_field_errors: ['Incorrect password.'] } }
const PASSWORD_REQUIRED = { status: 400, json: { password: ['This field is required.'] } }
const ISSUED = { status: 201, json: { token: 'a new one' }, varies: ['json.token'] }

/** Where timedTokenApi responses otherwise than djangorestframework-timed-auth-token did, why, and what. */
export const differences: readonly Difference[] = [
  ...differing('the response does not show which names exist', WRONG, [
    'timed.login.unknown_user',
    'timed.login.format_json',
    'timed.login.method_override',
    'alt.timed.login.unknown',
  ]),
  ...differing('the response does not show which names exist', PASSWORD_REQUIRED, [
    'timed.login.no_password_unknown_user',
  ]),
  ...differing('an HTML page', PASSWORD_REQUIRED, ['timed.login.accept_html_error']),
  ...differing("the application's own body parser", { status: 400, json: JSON_PARSE_ERROR }, [
    'timed.login.json_bad',
    'timed.login.json_nan',
  ]),
  ...differing(
    'bytes that are no UTF-8 are replaced by the body parser, so that only the password is missing',
    PASSWORD_REQUIRED,
    ['timed.login.json_bad_utf8'],
  ),
  ...differing('a redirect that loses the body', ISSUED, ['timed.login.no_slash_post']),
  ...differing('a redirect', { status: 405, json: { detail: 'Method "GET" not allowed.' } }, [
    'timed.login.no_slash_get',
  ]),
  ...differing('content negotiation', ISSUED, ['timed.login.accept_xml', 'timed.login.format_xml']),
  ...differing('an address that its pattern never meant', { status: 404 }, [
    'timed.login.url_suffix',
    'timed.test_authentication_unanchored',
  ]),
]

/** What is not sent: no case of this package has a multipart body. */
export const leftOut: readonly LeftOut[] = []
