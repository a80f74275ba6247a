import { expect } from 'chai'
import { passwords, pbkdf2 } from 'koa-tokenapi'
import { NO_LOGIN, INCOMPLETE, PASSWORD, hash, expectRefusal, namedUsers } from '../support/attacks.js'
import { onEachDatabase } from '../support/databases.js'
import { quickPasswords } from '../support/token-app.js'

describe('attacks on the login', () => {
  onEachDatabase((db) => {
    const { hasher, logIn } = namedUsers(db)

    it('77: refuses passwords that are not text', async () => {
      const before = hasher.hashes()
      for (const password of [7, 0, true, false, null, {}, [], [PASSWORD], { length: 9 }]) {
        expectRefusal(await logIn('admin', password), 401, INCOMPLETE, JSON.stringify(password))
      }
      expect(hasher.hashes()).to.equal(before)
    })

    it('75, 78: compares a password exactly as typed, up to 4096 bytes', async () => {
      const wrong = [
        `${PASSWORD} `,
        ` ${PASSWORD}`,
        `${PASSWORD}\0`,
        `${PASSWORD}\n`,
        PASSWORD.toUpperCase(),
        ' ',
        '\ud800',
      ]
      for (const password of [...wrong, 'p'.repeat(4096), 'p'.repeat(4097), 'ü'.repeat(2049), 'p'.repeat(900_000)]) {
        const before = hasher.hashes()
        const named = JSON.stringify(password.slice(0, 40))
        expectRefusal(await logIn('admin', password), 401, NO_LOGIN, named)
        expect(hasher.hashes() - before, named).to.equal(1)
      }
      const exact = [' blanks ', 'a\0b', 'e\u0301', '\ufffd', 'p'.repeat(4096)]
      for (const password of exact) {
        await db()('named_users')
          .where({ id: 4 })
          .update({ password: await quickPasswords.hash(password) })
        expect((await logIn('k', password)).status, JSON.stringify(password.slice(0, 9))).to.equal(200)
        const others = [password.trim(), password.normalize('NFC'), 'a', '\ud800', `${password}p`]
        for (const other of others.filter((one) => one !== password)) {
          expectRefusal(await logIn('k', other), 401, NO_LOGIN, JSON.stringify(other.slice(0, 9)))
        }
      }
    })

    it('73, 87: runs one hash and sends one response, whatever is stored', async () => {
      const stored = [
        null, // no password at all
        '',
        '!', // Django's unusable password
        '!Zm9v',
        'plain text',
        'unknown$1$salt$hash',
        await passwords({ hashers: [pbkdf2({ iterations: 1 })] }).hash(PASSWORD), // an algorithm that is not configured
        hash.slice(0, -4),
        `${hash}x`,
        hash.replace('scrypt$16$', 'scrypt$1073741824$'), // beyond the ceiling
      ]
      const shapes = new Set<string>()
      for (const password of stored) {
        await db()('named_users').where({ id: 5 }).update({ password })
        const before = hasher.hashes()
        const response = await logIn('s')
        expectRefusal(response, 401, NO_LOGIN, String(password))
        expect(hasher.hashes() - before, String(password)).to.equal(1)
        shapes.add(JSON.stringify([response.text, Object.keys(response.headers), response.headers['www-authenticate']]))
      }
      const unknown = await logIn('unknown user')
      shapes.add(JSON.stringify([unknown.text, Object.keys(unknown.headers), unknown.headers['www-authenticate']]))
      expect(shapes.size).to.equal(1)
    })

    it('86: responds to a disabled account with the right password as to an unknown user', async () => {
      await db()('named_users').where({ id: 3 }).update({ is_active: false })
      const before = hasher.hashes()
      expectRefusal(await logIn('big'), 401, NO_LOGIN, 'big')
      expect(hasher.hashes() - before).to.equal(1)
    })
  })
})
