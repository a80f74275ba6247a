import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { type Claims, type JwtAlgorithm, type JwtKind, type JwtOptions, jwtTokens } from '../../../lib/jwt.js'
import { activeUser, memoryUsers, type User } from '../../../lib/index.js'
import { forgedJwt } from '../../support/forged-jwt.js'
import { parseExact } from '../../support/transcript.js'
import { knownAnswers } from '../../support/vectors.js'

interface Vector {
  readonly algorithm: JwtAlgorithm
  readonly payload_json: string
  readonly extra_header: { readonly kid: string } | null
  readonly token: string
  readonly header_json: string
  readonly key?: string
  readonly private_key_file?: string
}

interface Decoding {
  readonly why: string
  readonly token: string
  readonly key: string
  readonly algorithms: readonly JwtAlgorithm[]
  readonly now: number
  readonly leeway: number
  readonly audience: string | null
  readonly issuer: string | null
  readonly ok: boolean
}

interface KnownAnswers {
  readonly vectors: readonly Vector[]
  readonly decode: readonly Decoding[]
}

/** PyJWT 2.6 sorts the fields of its header, 1.7.1 does not. */
const versions: readonly { file: string; name: string; writesAsWeDo: boolean }[] = [
  { file: 'jwt', name: 'PyJWT 2.6', writesAsWeDo: true },
  { file: 'jwt_pyjwt1', name: 'PyJWT 1.7.1', writesAsWeDo: false },
]

/** What Python accepts and this library refuses, or checks by a setting that does not exist here. */
const REFUSED_HERE: Readonly<Record<string, string>> = {
  'after exp, verify_exp False': 'exp is always checked',
  'payload with duplicate keys': 'exp is required',
  'payload with NaN': 'NaN is not JSON',
  'the same, standard base64 alphabet in the signature': 'base64url has one form',
  "signature's unused low bits changed": 'base64url has one form',
  'exp string number': 'exp is a number',
  'aud list': 'exp is required',
  'aud ok': 'exp is required',
  'at exp+leeway': 'over from that second on, as in PyJWT 2.6',
}

/** Settings that are a start-up error here. */
const NO_SETTING: Readonly<Record<string, string>> = {
  'RS256, only HS256 allowed': 'secret',
  'RS256, key is not a PEM': 'publicKey',
  'HS256 token, key is a PEM': 'secret',
  'HMAC made with the public key, both families allowed (confusion)': 'secret',
}

function privateKey(file: string): string {
  return readFileSync(new URL(`../../fixtures/vectors/${file}`, import.meta.url), 'utf8')
}

function keyOf({ algorithm, extra_header, key, private_key_file }: Vector): JwtOptions {
  const one = key ?? privateKey(private_key_file ?? '')
  if (extra_header !== null) return { algorithm, keys: { [extra_header.kid]: one }, minSecretBytes: 1 }
  return key === undefined ? { algorithm, privateKey: one } : { algorithm, secret: key, minSecretBytes: 1 }
}

/** The user that the claims name, or one that they cannot contradict. */
function userNamedIn({ user_id, username }: Claims): User {
  const isId = typeof user_id === 'string' || typeof user_id === 'number' || typeof user_id === 'bigint'
  return { id: isId ? user_id : 1, username: typeof username === 'string' ? username : 'anyone', password: null }
}

/** A kind that accepts any claims as those of its one user, so that only time, issuer and audience count. */
function kindFor(user: User, options: JwtOptions): JwtKind {
  return jwtTokens({ userOf: () => ({ username: user.username }), ...options })
}

async function refusalOf(kind: JwtKind, token: string, user: User): Promise<string> {
  const verdict = await kind.verify({ token }, activeUser(memoryUsers([user])))
  return verdict.ok ? 'none' : verdict.reason
}

function optional<K extends string>(name: K, value: string | null | undefined): { [P in K]?: string } {
  return typeof value === 'string' ? ({ [name]: value } as { [P in K]?: string }) : {} // the one key that K is
}

function decodeJson(part = ''): unknown {
  return parseExact(Buffer.from(part, 'base64url').toString())
}

describe('jwtTokens, by the known answers of PyJWT', () => {
  it('has them all', () => {
    const counts = versions.map(({ file }) => {
      const { vectors, decode } = knownAnswers(file) as KnownAnswers // as the file is written
      return [vectors.length, decode.length]
    })
    expect(counts).to.deep.equal([
      [17, 41],
      [13, 30],
    ])
  })

  for (const { file, name, writesAsWeDo } of versions) {
    const { vectors, decode } = knownAnswers(file) as KnownAnswers // as the file is written

    describe(`${name}: what it writes`, () => {
      for (const vector of vectors) {
        const { algorithm, payload_json, header_json, token } = vector
        const claims = parseExact(payload_json) as Readonly<Record<string, unknown>> // the payload of every vector is an object
        const { exp, orig_iat, aud, iss } = claims as { exp?: number; orig_iat?: number; aud?: string; iss?: string } // where it has them
        const user = userNamedIn(claims)
        const title = `${header_json} ${payload_json}`
        const options = { ...keyOf(vector), ...optional('audience', aud), ...optional('issuer', iss) }

        it(`${title} is ${exp === undefined ? 'refused: exp is required' : 'read'}`, async () => {
          const until = exp ?? 1768478700
          const kind = kindFor(user, { ...options, clock: () => until - 1 })
          expect(await refusalOf(kind, token, user)).to.equal(exp === undefined ? 'invalid' : 'none')
          const later = kindFor(user, { ...options, clock: () => until })
          expect(await refusalOf(later, token, user)).to.equal(exp === undefined ? 'invalid' : 'expired')
        })

        if (!writesAsWeDo) continue

        const now = orig_iat ?? (exp === undefined ? 1768478400 : Math.max(0, exp - 300))
        const lifetime = exp === undefined ? 300 : exp - now
        const { exp: _exp, orig_iat: _origin, aud: _aud, iss: _iss, ...payload } = claims
        const kind = kindFor(user, {
          ...options,
          lifetime,
          payload: () => payload,
          refreshLifetime: orig_iat === undefined ? false : 604800,
          clock: () => now,
        })

        it(`${title} has the header that is written here`, async () => {
          const { token: written } = await kind.issue(user)
          expect(written.split('.')[0]).to.equal(token.split('.')[0])
          expect(decodeJson(written.split('.')[0])).to.deep.equal(JSON.parse(header_json))
        })

        // exp always stands behind user_id and username, and before what else there is.
        if (Object.hasOwn(claims, 'user_id') && exp !== undefined) {
          it(`${title} is written, byte for byte`, async () => {
            expect((await kind.issue(user)).token).to.equal(token)
          })
        }

        it(`${title} names its algorithm: a kind with another one refuses it`, async () => {
          const other = algorithm === 'HS256' ? 'HS384' : 'HS256'
          const secret = 'k'.repeat(64)
          const stranger = kindFor(user, { algorithm: other, secret, clock: () => now })
          expect(await refusalOf(stranger, token, user)).to.equal('invalid')
        })
      }
    })

    describe(`${name}: what it reads`, () => {
      for (const { why, token, key, algorithms, now, leeway, audience, issuer, ok } of decode) {
        const user = userNamedIn({ user_id: 13, username: 'jpueblo' })
        const [algorithm = 'HS256'] = algorithms
        const kind = (): JwtKind =>
          kindFor(user, {
            algorithm,
            leeway,
            ...(algorithm.startsWith('HS') ? { secret: key, minSecretBytes: 1 } : { publicKey: key }),
            ...optional('audience', audience),
            ...optional('issuer', issuer),
            clock: () => now,
          })
        const setting = NO_SETTING[why]
        const difference = REFUSED_HERE[why]

        if (setting !== undefined) {
          it(`${why}: cannot be configured here`, () => {
            expect(kind).to.throw(TypeError, setting)
          })
        } else if (difference !== undefined) {
          it(`${why}: refused here, since ${difference}`, async () => {
            expect(ok).to.equal(true)
            expect(await refusalOf(kind(), token, user)).to.be.oneOf(['invalid', 'expired'])
          })
        } else {
          it(`${why}: ${ok ? 'accepted' : 'refused'}`, async () => {
            const refusal = await refusalOf(kind(), token, user)
            if (ok) expect(refusal).to.equal('none')
            else expect(refusal).to.equal(why === 'one second after exp' ? 'expired' : 'invalid')
          })
        }
      }
    })
  }

  it('differ from Python where they are said to', () => {
    const whys = versions.flatMap(({ file }) => {
      const { decode } = knownAnswers(file) as KnownAnswers // as the file is written
      return decode.map(({ why }) => why)
    })
    for (const why of [...Object.keys(REFUSED_HERE), ...Object.keys(NO_SETTING)]) expect(whys).to.include(why)
  })

  it('accept an audience in a list or by itself, if there is an exp', async () => {
    const user = userNamedIn({ user_id: 13, username: 'jpueblo' })
    const secret = 'k'.repeat(32)
    const now = 1768478400
    for (const aud of ['my_aud', ['x', 'my_aud']]) {
      const token = forgedJwt(secret, { username: 'jpueblo', exp: now + 300, aud })
      const reader = kindFor(user, { secret, audience: 'my_aud', clock: () => now })
      expect(await refusalOf(reader, token, user)).to.equal('none')
      expect(await refusalOf(kindFor(user, { secret, audience: 'my', clock: () => now }), token, user)).to.equal(
        'invalid',
      )
      expect(await refusalOf(kindFor(user, { secret, clock: () => now }), token, user)).to.equal('invalid')
    }
  })
})
