import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { anyOf, sealedPairs, signedTokens, tokenApi } from 'koa-tokenapi'
import { createUserTable, knexUsers } from 'koa-tokenapi/knex'
import {
  WRONG_PAIR,
  NO_MATCH,
  NO_LOGIN,
  INCOMPLETE,
  hash,
  clock,
  sealer,
  django,
  ADMIN,
  token,
  query,
  expectRefusal,
  expectUntouched,
  onEachParser,
} from '../support/attacks.js'
import { onEachDatabase } from '../support/databases.js'
import { basicHeader, withServer } from '../support/http.js'
import { asJson, send } from '../support/send.js'
import { NOON, quickPasswords, SECRET, tokenApp } from '../support/token-app.js'

async function issuedAt(time: number): Promise<string> {
  return (await sealedPairs({ secret: SECRET, clock: () => time }).issue({ ...ADMIN, password: hash })).token
}

function base64Json(data: object): string {
  return Buffer.from(JSON.stringify(data)).toString('base64url')
}

function mac(algorithm: string, text: string): string {
  return createHmac(algorithm, SECRET).update(text).digest('hex')
}

describe('attacks on the text of a token', () => {
  onEachParser(({ served, refused }) => {
    it('1, 2, 3, 4, 5, 6, 8: refuses malformed, padded and changed tokens', async () => {
      const [head = '', tag = ''] = token.split('-')
      const flipped = (at: number): string => `${tag.slice(0, at)}${tag[at] === '0' ? '1' : '0'}${tag.slice(at + 1)}`
      const texts: Readonly<Record<string, readonly string[]>> = {
        1: ['-', 'a', 'a-b-c', '-abc', 'abc-', '--', ' ', `-${tag}`, `${head}-`, head, tag, `${head}-${head}-${tag}`],
        2: [`${'1'.repeat(14)}-${tag}`, `${'1'.repeat(12)}-${tag}`, `${'1'.repeat(500_000)}-${tag}`],
        3: [`zzzzzzzzzzzzz-${tag}`, `2gosa7pa2gw-${tag}`, `zzzzzzzzzzz-${tag}`, `10000000000000-${tag}`],
        4: [`1z!x-${tag}`, `1_0-${tag}`, `+1-${tag}`, ` 1-${tag}`, `١-${tag}`, `+${token}`, `-${token}`, `1.0-${tag}`],
        5: [
          token.toUpperCase(),
          `0${token}`,
          `00-${tag}`,
          `${token}\n`,
          `${token} `,
          ` ${token}`,
          `${token}\r\n`,
          `${head.toUpperCase()}-${tag}`,
          `${head}-${tag.toUpperCase()}`,
        ],
        6: [
          `${token}0`,
          token.slice(0, -1),
          `${head}-${flipped(0)}`,
          `${head}-${flipped(31)}`,
          `${head}-${flipped(32)}`,
          `${head}-${flipped(63)}`,
          `${head}-${tag.slice(0, 20)}`,
          `${head}-${tag}${tag}`,
          `${head}-${tag.slice(32)}${tag.slice(0, 32)}`,
        ],
        8: [`${token}\0`, `\0${token}`, `${token}\ud800`, '\ufffd', '\ud800', `${head}–${tag}`, 'x'.repeat(500_000)],
      }
      for (const [row, offers] of Object.entries(texts)) {
        for (const offer of offers) {
          const named = `${row}: ${JSON.stringify(offer.slice(0, 100))}`
          await refused({ path: '/guarded', ...asJson({ user: 1, token: offer }) }, 403, named)
          if (offer.length < 4000 && offer.isWellFormed()) {
            await refused({ path: `/guarded?${query('1', offer)}` }, 403, named)
            const response = await send(served().url, `/token/${encodeURIComponent(offer)}/1`)
            expectRefusal(response, 401, NO_MATCH, named)
          }
        }
      }
      await refused({ path: '/guarded?user=1&token=' }, 401, '1')
    })

    it('9: accepts a token from the future up to one minute’s skew', async () => {
      for (const ahead of [61, 86_400, 10 * 365 * 86_400]) {
        await refused({ path: `/guarded?${query('1', await issuedAt(NOON + ahead))}` }, 403, String(ahead))
      }
      expect((await send(served().url, `/guarded?${query('1', await issuedAt(NOON + 60))}`)).status).to.equal(200)
    })

    it('20, 21: refuses what was made with the same secret for another purpose', async () => {
      const user = { ...ADMIN, password: hash }
      const claims = `${base64Json({ alg: 'HS256', typ: 'JWT' })}.${base64Json({ sub: '1', username: 'admin', exp: NOON + 99 })}`
      const head = NOON.toString(36)
      const tokens = [
        (await django.issue(user)).token,
        (await signedTokens({ secret: SECRET, clock }).issue(user)).token,
        `${claims}.${createHmac('sha256', SECRET).update(claims).digest('base64url')}`,
        ...['reset', 'socket'].map((purpose) =>
          sealedPairs({ secret: SECRET, lifetime: 99, purpose, clock }).issue(user),
        ),
        ...[
          ['ab', 'c'],
          ['a', 'bc'],
          ['abc', ''],
        ].map(([audience = '', purpose = '']) =>
          sealedPairs({ secret: SECRET, lifetime: 99, audience, purpose, clock }).issue(user),
        ),
        `${head}-${mac('sha256', `1${hash}${head}`)}`,
        `${head}-${mac('sha1', `1${hash}${head}`).slice(0, 20)}`,
        mac('sha256', '1'),
        hash,
      ]
      for (const one of tokens) {
        const issued = await one
        const text = typeof issued === 'string' ? issued : issued.token
        await refused({ path: `/guarded?${query('1', text)}` }, 403, text)
        await refused({ path: '/guarded', headers: basicHeader('1', text) }, 403, text)
      }
    })
  })

  onEachDatabase((db, name) => {
    it(`11: refuses tokens of a user without a password, on ${name}`, async () => {
      await createUserTable(db(), { table: 'sso_users' })
      await db()('sso_users').insert([
        { id: 1, username: 'sso', password: null },
        { id: 2, username: 'blank', password: '' },
      ])
      const users = knexUsers(db(), { table: 'sso_users' })
      const guarded = tokenApp(tokenApi({ users, tokens: anyOf(sealer, django), passwords: quickPasswords }))
      await withServer(guarded.app, async (served) => {
        for (const id of [1, 2]) {
          for (const password of ['null', 'undefined', 'None', '0']) {
            for (const kind of [sealer, django]) {
              const issued = await kind.issue({ id, username: 'sso', password })
              const response = await send(served.url, `/guarded?${query(String(id), issued.token)}`)
              expectRefusal(response, 403, WRONG_PAIR, `${id} ${password}`)
            }
          }
          for (const password of ['', 'null', 'None', '!']) {
            const attempt = asJson({ username: id === 1 ? 'sso' : 'blank', password })
            const response = await send(served.url, '/token/new', attempt)
            expectRefusal(response, 401, password === '' ? INCOMPLETE : NO_LOGIN, password)
          }
        }
        expectUntouched(guarded, served, '11')
      })
    })
  })
})
