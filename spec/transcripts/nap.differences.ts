import { type Difference, differing, type LeftOut } from '../support/transcript.js'

const ANONYMOUS = { status: 401, json: { detail: 'anonymous' } }

function issued(token: string): { status: number; json: unknown } {
  return { status: 200, json: { token } }
}

/** The tokens that the recorded logins returned. */
const TOKENS = {
  unicode:
    'WzMsImRqYW5nby5jb250cmliLmF1dGguYmFja2VuZHMuTW9kZWxCYWNrZW5kIl0:1vgM1A:6gBqy7yF4Gl8HqrgjdZV1zpt_Pm5GgogJGubZr6PD1g',
  spacey:
    'WzksImRqYW5nby5jb250cmliLmF1dGguYmFja2VuZHMuTW9kZWxCYWNrZW5kIl0:1vgM1A:V6redJhVRKB3gSQauG8rs3q3Byi805BZo6qrYHJPZUw',
  'test-nap':
    'WzE0LCJkamFuZ28uY29udHJpYi5hdXRoLmJhY2tlbmRzLk1vZGVsQmFja2VuZCJd:1vgM1A:f4F0ObmHxHthH7NKVqB8U859zwFhRA16RksGkQB9KPA',
}

/** Where signedTokenApi responses otherwise than nap-token-auth did, why, and what. */
export const differences: readonly Difference[] = [
  // Login
  ...differing('text/html; the same token, in JSON', issued(TOKENS.unicode), [
    'nap.token.ok_unicode',
    'nap.token.ok_nfd',
  ]),
  ...differing('text/html; the same token, in JSON', issued(TOKENS.spacey), ['nap.token.ok_spacey']),
  ...differing(
    'an HTML page, and 200 for a login that failed',
    {
      status: 401,
      json: { detail: 'Please enter a correct username and password. Note that both fields may be case-sensitive.' },
    },
    ['nap.token.wrong_password'],
  ),
  ...differing(
    'an HTML page, and 200 for a login that failed',
    { status: 401, json: { detail: "Must include 'username' and 'password'." } },
    ['nap.token.missing'],
  ),
  ...differing('a CSRF refusal; no session is involved', issued(TOKENS['test-nap']), [
    'nap.token.csrf_verbatim',
    'nap.token.csrf_exempt',
  ]),

  // The guard
  ...differing('a token from the future is refused', ANONYMOUS, ['nap.me.tok.future']),
  ...differing('a 500; a payload without a user is refused', ANONYMOUS, [
    'nap.me.tok.three_items',
    'nap.me.tok.not_a_list',
    'nap.me.tok.null_payload',
    'alt.nap.me.bad_uuid',
  ]),
  ...differing(
    'schemes are case-insensitive (RFC 9110 §11.1)',
    { status: 200, json: { user: 14, username: 'test-nap', is_staff: true, method: 'GET' } },
    ['nap.me.lower'],
  ),
  ...differing(
    'a CSRF refusal; a token is no cookie that a browser sends by itself',
    { status: 200, json: { user: 14, username: 'test-nap', is_staff: true, method: 'POST' } },
    ['nap.post_needs_csrf'],
  ),
  ...differing('a redirect to a login page', ANONYMOUS, [
    'nap.login_required.none',
    'nap.admin.none',
    'nap.admin.expired',
  ]),
  ...differing(
    "a redirect to a login page; a good token of somebody who is no staff is the application's to refuse",
    { status: 403, json: { detail: 'Staff only.' } },
    ['nap.admin.not_staff'],
  ),

  // Beside a session
  ...differing('a bad token is refused, never taken for the session’s user or for an anonymous one', ANONYMOUS, [
    'nap.session.plus_tampered_token',
    'nap.session.plus_expired_token',
    'nap.session.plus_inactive_token',
  ]),
]

/** What is not sent: no case of this package has a multipart body. */
export const leftOut: readonly LeftOut[] = []
