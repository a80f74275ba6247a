import { type Difference, differing, type LeftOut } from '../support/transcript.js'

const NEW = { status: 200, json: { token: 'a new one' }, varies: ['json.token'] }

/** How the responses of expiringTokenApi differ from those of djangorestframework-expiring-authtoken did, why, and what. */
export const differences: readonly Difference[] = [
  ...differing('only digests are kept, so that a login returns a new token and keeps the old one', NEW, [
    'expiring.login.ok_existing',
    'expiring.login.ok_json',
    'expiring.login.ok_29days',
    'expiring.login.bad_token_header',
  ]),
  ...differing('a login looks at what was typed, and at no header', NEW, [
    'expiring.login.bad_basic_header',
    'expiring.login.bad_basic_base64',
    'expiring.login.basic_no_value',
  ]),
  ...differing('a CSRF refusal; no session is involved', NEW, ['expiring.login.with_session']),
  ...differing('a redirect that loses the body', NEW, ['expiring.login.no_slash']),
  ...differing('an HTML page', { status: 401, json: { detail: 'Authentication credentials were not provided.' } }, [
    'expiring.me.accept_html_none',
  ]),
]

/** What is not sent: no case of this package has a multipart body. */
export const leftOut: readonly LeftOut[] = []
