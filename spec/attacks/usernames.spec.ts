import { expect } from 'chai'
import { NO_LOGIN, INCOMPLETE, PASSWORD, expectRefusal, namedUsers } from '../support/attacks.js'
import { onEachDatabase } from '../support/databases.js'
import { asForm, send } from '../support/send.js'

const resembling: Readonly<Record<string, readonly string[]>> = {
  47: ['ADMIN', 'Admin', 'aDMIN', 'ádmin', 'admın', 'JOSÉ', 'jose', 'ＡＤＭＩＮ'],
  48: ['admin ', 'admin  ', ' admin', '\u00a0admin', 'admin\u3000', '\tadmin', 'admin\n', 'admin\r\n'],
  51: ['\u212a', '\u017f\u017f', 'K', 'S', 'ᴮᴵᴳ', 'BIG'],
  52: ['admin\0', 'admin\0x', '\0admin', '\0', 'admin\u0001', 'admin\x7f'],
  53: ['admin\ud800', '\udc00admin', '\ud800', 'admin\ufffd'],
  54: [
    'a'.repeat(151),
    'a'.repeat(254),
    'a'.repeat(255),
    'a'.repeat(300),
    `admin${' '.repeat(300)}`,
    'a'.repeat(500_000),
    '\u0301'.repeat(300),
  ],
  56: ['ad\u200bmin', '\u202eadmin', 'admin\u2028', '\ufeffadmin', '\x1b[31madmin', 'admin😀', '😀', 'ﷺ'.repeat(200)],
  24: [
    "admin' --",
    "' or '1'='1",
    'adm_n',
    'adm%',
    '%',
    '1',
    'admin\\',
    '1 or 1=1',
    '__proto__',
    'constructor',
    'toString',
  ],
}

describe('attacks with user names', () => {
  onEachDatabase((db) => {
    const { served, hasher, logIn, untouched } = namedUsers(db)

    for (const [row, names] of Object.entries(resembling)) {
      it(`${row}: refuses names that only resemble a user name, for one hash each`, async () => {
        for (const username of names) {
          const before = hasher.hashes()
          const named = JSON.stringify(username.slice(0, 40))
          expectRefusal(await logIn(username), 401, NO_LOGIN, named)
          expect(hasher.hashes() - before, named).to.equal(1)
        }
        untouched(row)
      })
    }

    it('46: refuses user names that are not text, without a hash', async () => {
      const before = hasher.hashes()
      for (const username of [
        true,
        false,
        1,
        0,
        null,
        { username: 1 },
        { length: 5 },
        ['admin'],
        [],
        {},
        [['admin']],
      ]) {
        expectRefusal(await logIn(username), 401, INCOMPLETE, JSON.stringify(username))
      }
      for (const form of [
        'username[]=admin',
        'username.x=admin',
        'username[toString]=admin',
        'username=admin&username=bob',
      ]) {
        const response = await send(
          served().url,
          '/token/new',
          asForm(`${form}&password=${encodeURIComponent(PASSWORD)}`),
        )
        expectRefusal(response, 401, INCOMPLETE, form)
      }
      expect(hasher.hashes()).to.equal(before)
      untouched('46')
    })

    it('50: normalizes user names, however they were typed', async () => {
      for (const [typed, id] of [
        ['admin', 1],
        ['ａdmin', 1],
        ['josé', 2],
        ['jose\u0301', 2],
        ['ᵇⁱᵍ', 3],
        ['ſ', 5],
      ] as const) {
        const response = await logIn(typed)
        expect([response.status, response.json], typed).to.deep.include.members([200])
        expect(response.json, typed).to.have.property('user', id)
      }
    })
  })
})
