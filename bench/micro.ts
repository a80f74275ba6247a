import { createHmac, createSecretKey } from 'node:crypto'
import { createSigner, createVerifier } from 'fast-jwt'
import { jwtVerify, SignJWT } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import {
  djangoPairs,
  expiringTokens,
  type FindUser,
  memoryTokens,
  sealedPairs,
  signedTokens,
  slidingTokens,
  type TokenKind,
  type User,
} from 'koa-tokenapi'
import { jwtTokens } from 'koa-tokenapi/jwt'
import { narrow } from 'koa-tokenapi/narrow'
import { median, rounded, table } from './numbers.js'
import type { Plan } from './plan.js'

/** One line of the table: microseconds. */
export interface MicroRow {
  readonly name: string
  readonly issue: number
  readonly verify: number
}

/** Issues a token for each user, and verifies tokens that it has not seen. Those that can do without a promise do. */
interface Contender {
  readonly name: string
  readonly issue: (user: Member) => string | Promise<string>
  readonly verify: (token: string, user: Member) => unknown
  /** Verifies the same few tokens again and again. */
  readonly isWarm?: true
}

type Member = User & { readonly id: number; readonly password: string }

const SECRET = 'a secret of the bench only, of more than 32 bytes'
const WARM = 500

/** Issue and verify in this process, one after the other. */
export async function micro({ tokens: count, rounds }: Plan): Promise<readonly MicroRow[]> {
  const users = Array.from({ length: count }, (_, at): Member => memberOf(at + 1))
  const contenders = await contendersOf(users)
  const results = contenders.map(() => ({ issue: [] as number[], verify: [] as number[] }))
  for (let round = 0; round <= rounds; round += 1) {
    for (const [at, contender] of contenders.entries()) {
      const { issued, issue } = await timeIssue(contender, users)
      const verify = await timeVerify(contender, users, issued)
      if (round === 0) continue // to warm up
      results[at]?.issue.push(issue)
      results[at]?.verify.push(verify)
    }
  }
  const rows = contenders.map(({ name }, at) => ({
    name,
    issue: rounded(median(results[at]?.issue ?? []), 2),
    verify: rounded(median(results[at]?.verify ?? []), 2),
  }))
  const sealed = rows.find(({ name }) => name === 'sealedPairs')?.verify ?? Number.NaN
  console.log(
    table(
      ['in process, one core', 'issue µs', 'verify µs', 'verify, of sealedPairs'],
      rows.map(({ name, issue, verify }) => [
        name,
        issue.toFixed(2),
        verify.toFixed(2),
        `${(verify / sealed).toFixed(2)} ×`,
      ]),
    ),
  )
  return rows
}

async function timeIssue(
  { issue }: Contender,
  users: readonly Member[],
): Promise<{ issued: readonly string[]; issue: number }> {
  const issued: string[] = []
  const start = performance.now()
  for (const user of users) {
    const token = issue(user)
    issued.push(typeof token === 'string' ? token : await token)
  }
  return { issued, issue: ((performance.now() - start) * 1000) / users.length }
}

async function timeVerify(
  { verify, isWarm }: Contender,
  users: readonly Member[],
  issued: readonly string[],
): Promise<number> {
  const distinct = isWarm ? WARM : users.length
  if (isWarm) for (let at = 0; at < distinct; at += 1) await verify(issued[at] ?? '', users[at] as Member)
  const start = performance.now()
  for (let at = 0; at < users.length; at += 1) {
    const which = at % distinct
    const verdict = verify(issued[which] ?? '', users[which] as Member) // as many tokens as users
    if (verdict instanceof Promise) await verdict
  }
  return ((performance.now() - start) * 1000) / users.length
}

async function contendersOf(users: readonly Member[]): Promise<readonly Contender[]> {
  const find: FindUser<Member> = async (by) => {
    const id = 'id' in by ? Number(by.id) : Number(by.username.slice(4))
    return { ok: true, value: users[id - 1] as Member } // every one that is asked for is there
  }
  const kind = (name: string, tokens: TokenKind): Contender => ({
    name,
    issue: async (user) => (await tokens.issue(user)).token,
    async verify(token, { id }) {
      const verdict = await tokens.verify({ user: String(id), token }, find)
      if (!verdict.ok) throw new Error(`${name}: ${verdict.reason}`)
    },
  })
  const sealed = sealedPairs({ secret: SECRET })
  const roots = await Promise.all(users.map(async (user) => (await sealed.issue(user)).token))
  const limits = { scopes: ['orders:read'] }
  const key = createSecretKey(Buffer.from(SECRET))
  const claimsOf = (user: Member): object => ({ user_id: user.id, username: user.username })
  const sign = createSigner({ algorithm: 'HS256', key: SECRET, expiresIn: 300_000 })
  const check = createVerifier({ algorithms: ['HS256'], key: SECRET, cache: false })
  const checkCached = createVerifier({ algorithms: ['HS256'], key: SECRET, cache: true })

  return [
    {
      name: 'createHmac, once, on the bytes of a seal',
      issue: (user) => createHmac('sha256', key).update(sealBytes(user)).digest('hex'),
      verify: (tag, user) => createHmac('sha256', key).update(sealBytes(user)).digest('hex') === tag,
    },
    kind('sealedPairs', sealed),
    {
      ...kind('narrow, and a sealed pair with one limit', sealed),
      issue: (user) => narrow(roots[user.id - 1] ?? '', limits),
    },
    kind('djangoPairs', djangoPairs({ secret: SECRET })),
    kind('expiringTokens, in memory', expiringTokens({ store: memoryTokens() })),
    kind('slidingTokens, in memory', slidingTokens({ store: memoryTokens() })),
    kind('signedTokens', signedTokens({ secret: SECRET })),
    kind('jwtTokens (HS256)', jwtTokens({ secret: SECRET })),
    {
      name: 'jsonwebtoken, secret as text',
      issue: (user) => jsonwebtoken.sign(claimsOf(user), SECRET, { algorithm: 'HS256', expiresIn: 300 }),
      verify: (token) => jsonwebtoken.verify(token, SECRET, { algorithms: ['HS256'] }),
    },
    {
      name: 'jsonwebtoken, key object',
      issue: (user) => jsonwebtoken.sign(claimsOf(user), key, { algorithm: 'HS256', expiresIn: 300 }),
      verify: (token) => jsonwebtoken.verify(token, key, { algorithms: ['HS256'] }),
    },
    {
      name: 'fast-jwt, without its cache',
      issue: (user) => sign(claimsOf(user)),
      verify: (token): unknown => check(token),
    },
    {
      name: `fast-jwt, its cache warm with ${WARM} tokens`,
      issue: (user) => sign(claimsOf(user)),
      verify: (token): unknown => checkCached(token),
      isWarm: true,
    },
    {
      name: 'jose',
      issue: (user) =>
        new SignJWT({ ...claimsOf(user) }).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('5m').sign(key),
      verify: (token) => jwtVerify(token, key, { algorithms: ['HS256'] }),
    },
  ]
}

function sealBytes({ id }: Member): string {
  return `4:seal${String(id).length}:${id}6:t5k3p1`
}

function memberOf(id: number): Member {
  const password = `scrypt$16384$${'s'.repeat(22)}$8$5$${'h'.repeat(78)}${id}`
  return { id, username: `user${id}`, password, isActive: true, tokenEpoch: 0 }
}
