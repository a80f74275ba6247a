import { expect } from 'chai'
import {
  activeUser,
  djangoPairs,
  type DjangoPairOptions,
  memoryUsers,
  type Reason,
  sealedPairs,
  type TokenKind,
  type User,
} from '../../lib/index.js'
import { watched } from '../support/counting.js'
import { behavesLikeATokenKind } from '../support/token-kind.contract.js'
import { knownAnswers } from '../support/vectors.js'

interface KnownAnswers {
  readonly vectors: readonly {
    readonly secret: string
    readonly pk: string
    readonly pk_type: 'int' | 'str'
    readonly password_hash: string
    readonly date: string
    readonly token: string
  }[]
  readonly checks: readonly {
    readonly why: string
    readonly secret: string
    readonly pk: string
    readonly password_hash: string
    readonly timeout_days: number
    readonly today: string
    readonly token: string
    readonly valid: boolean
  }[]
}

const SECRET = 'django-insecure-of-more-than-32-bytes'
const NOON = at('2026-11-22T12:00:00Z')
const DAY = 86400

const alice: User = { id: 1, username: 'alice', password: 'pbkdf2_sha256$260000$seasalt$abc=' }

function at(text: string): number {
  return Date.parse(text) / 1000
}

/** A kind at a frozen time. */
function pairs(options: Partial<DjangoPairOptions> = {}): TokenKind {
  return djangoPairs({ secret: SECRET, clock: () => NOON, ...options })
}

async function reasonOf(kind: TokenKind, token: string, user: User = alice): Promise<Reason | 'none'> {
  const verdict = await kind.verify({ user: String(user.id), token }, activeUser(memoryUsers([user])))
  return verdict.ok ? 'none' : verdict.reason
}

/** The day of one moment in a zone, as a token states it. */
async function dayIn(timeZone: string): Promise<number> {
  const { token } = await pairs({ timeZone, clock: () => at('2026-11-22T10:30:00Z') }).issue(alice)
  return Number.parseInt(token, 36)
}

/** What a verification asks `find`. */
async function asking(kind: TokenKind, token: string): Promise<readonly object[]> {
  const { find, asked } = watched(activeUser(memoryUsers([alice])))
  await kind.verify({ user: '1', token }, find)
  return asked
}

describe('djangoPairs', () => {
  const timeZones = ['UTC', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'America/Sao_Paulo', 'Asia/Kathmandu']
  for (const timeZone of timeZones) {
    describe(`in ${timeZone}`, () => {
      behavesLikeATokenKind({
        make: (clock) => djangoPairs({ secret: SECRET, timeZone, clock }),
        isPair: true,
        provesFirst: false,
        issuesForEmptyId: true,
        afterPasswordChange: 'invalid',
        revokesAll: false,
      })
    })
  }

  describe('with timeoutDays 0, on the day that summer time ends', () => {
    behavesLikeATokenKind({
      make: (clock) => djangoPairs({ secret: [SECRET], timeoutDays: 0, timeZone: 'Europe/Berlin', clock }),
      isPair: true,
      provesFirst: false,
      issuesForEmptyId: true,
      afterPasswordChange: 'invalid',
      revokesAll: false,
      start: at('2026-10-25T00:30:00Z'),
    })
  })

  describe('known answers', () => {
    const { vectors, checks } = knownAnswers('django_pair') as KnownAnswers // as the file is written

    it('are all there', () => {
      expect(vectors).to.have.lengthOf(115)
      expect(checks).to.have.lengthOf(42)
    })

    for (const { secret, pk, pk_type, password_hash, date, token } of vectors) {
      const kind = (): TokenKind => djangoPairs({ secret, minSecretBytes: 1, clock: () => at(`${date}T12:00:00Z`) })
      const user: User = { id: pk_type === 'int' ? BigInt(pk) : pk, username: 'anyone', password: password_hash }

      if (password_hash === '') {
        it(`${token} is not issued, since an empty password binds nothing`, async () => {
          const outcome = await kind()
            .issue(user)
            .catch((error: unknown) => error)
          expect(outcome).to.be.instanceOf(TypeError)
          expect(await reasonOf(kind(), token, user)).to.equal('invalid')
        })
        continue
      }

      it(`${token} is issued for ${JSON.stringify(pk)} on ${date}`, async () => {
        expect((await kind().issue(user)).token).to.equal(token)
      })

      it(`${token} is ${pk === '' ? 'refused: an empty id is invalid' : 'accepted'}`, async () => {
        expect(await reasonOf(kind(), token, user)).to.equal(pk === '' ? 'invalid' : 'none')
      })
    }

    for (const { why, secret, pk, password_hash, timeout_days, today, token, valid } of checks) {
      const options = { secret, timeoutDays: timeout_days, minSecretBytes: 1, clock: () => at(`${today}T12:00:00Z`) }
      const user: User = { id: Number(pk), username: 'anyone', password: password_hash }
      const ahead = Number(/^token is -([0-9]+) day/.exec(why)?.[1] ?? 0)

      if (timeout_days < 0) {
        it(`${why}: cannot be configured here`, () => {
          expect(() => djangoPairs(options)).to.throw(TypeError, 'timeoutDays')
        })
      } else if (ahead > 1) {
        it(`${why}: refused here, though Django accepts it`, async () => {
          expect(valid).to.equal(true)
          expect(await reasonOf(djangoPairs(options), token, user)).to.equal('invalid')
        })
      } else {
        it(`${why}, today ${today}: ${valid ? 'accepted' : 'refused'}`, async () => {
          const reason = await reasonOf(djangoPairs(options), token, user)
          if (valid) expect(reason).to.equal('none')
          else expect(reason).to.equal(why.includes('day(s) old') ? 'expired' : 'invalid')
        })
      }
    }
  })

  describe('whole days', () => {
    it('count 7 by default', async () => {
      const { token, expiresAt } = await pairs().issue(alice)
      expect(expiresAt).to.equal(at('2026-11-30T00:00:00Z'))
      expect(await reasonOf(pairs({ clock: () => NOON + 7 * DAY }), token)).to.equal('none')
      expect(await reasonOf(pairs({ clock: () => NOON + 8 * DAY }), token)).to.equal('expired')
    })

    it('are kept with any timeout, on both sides', async () => {
      for (const timeoutDays of [0, 1, 30, 100000]) {
        const { token } = await pairs({ timeoutDays }).issue(alice)
        const later = (days: number): Promise<string> =>
          reasonOf(pairs({ timeoutDays, clock: () => NOON + days * DAY }), token)
        expect(await later(timeoutDays), `${timeoutDays} days`).to.equal('none')
        expect(await later(timeoutDays + 1), `${timeoutDays} + 1 days`).to.equal('expired')
      }
    })

    it('accept tomorrow’s token, for a server whose zone is ahead, but not one from the day after', async () => {
      const tomorrow = (await pairs({ clock: () => NOON + DAY }).issue(alice)).token
      expect(await reasonOf(pairs(), tomorrow)).to.equal('none')
      for (const days of [2, 3650]) {
        const { token } = await pairs({ clock: () => NOON + days * DAY }).issue(alice)
        expect(await reasonOf(pairs(), token), `${days} days ahead`).to.equal('invalid')
      }
    })

    it('change at midnight of the zone, and not of the process', async () => {
      const environment = process.env['TZ']
      const midnight = at('2026-11-23T00:00:00Z')
      try {
        for (const zone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago', 'UTC']) {
          process.env['TZ'] = zone
          const { token } = await pairs({ timeoutDays: 0, clock: () => midnight - 1 }).issue(alice)
          expect(token.slice(0, 3), zone).to.equal('7ao')
          expect(await reasonOf(pairs({ timeoutDays: 1, clock: () => midnight + 1 }), token), zone).to.equal('none')
          expect(await reasonOf(pairs({ timeoutDays: 0, clock: () => midnight + 1 }), token), zone).to.equal('expired')
        }
      } finally {
        if (environment === undefined) delete process.env['TZ']
        else process.env['TZ'] = environment
      }
    })

    it('are those of timeZone', async () => {
      const utc = await dayIn('UTC')
      expect(await dayIn('Pacific/Kiritimati')).to.equal(utc + 1)
      expect(await dayIn('Pacific/Pago_Pago')).to.equal(utc - 1)
      expect(await dayIn('Europe/Berlin')).to.equal(utc)
    })
  })

  describe('lookups', () => {
    it('are only made for readable tokens that have not expired', async () => {
      const { token } = await pairs().issue(alice)
      expect(await asking(pairs(), token)).to.deep.equal([{ id: '1' }])
      expect(await asking(pairs({ clock: () => NOON + 8 * DAY }), token), 'expired').to.deep.equal([])
      expect(await asking(pairs({ clock: () => NOON - 2 * DAY }), token), 'from the future').to.deep.equal([])
      expect(await asking(pairs(), token.toUpperCase()), 'upper case').to.deep.equal([])
    })
  })

  describe('what is covered', () => {
    it('is the id, the password hash and the day, run together as Django does', async () => {
      const one = await pairs().issue({ ...alice, id: 1, password: '2secret' })
      const twelve = await pairs().issue({ ...alice, id: 12, password: 'secret' })
      expect(one.token).to.equal(twelve.token)
    })

    it('is not a user without a password', async () => {
      const asText = await pairs().issue({ ...alice, password: 'null' })
      for (const password of [null, '']) {
        const outcome = await pairs()
          .issue({ ...alice, password })
          .catch((error: unknown) => error)
        expect(outcome).to.be.instanceOf(TypeError).with.property('message').that.includes('password')
        expect(await reasonOf(pairs(), asText.token, { ...alice, password })).to.equal('invalid')
      }
    })

    it('is an unusable password like any other', async () => {
      const unusable = { ...alice, password: '!abc' }
      expect(await reasonOf(pairs(), (await pairs().issue(unusable)).token, unusable)).to.equal('none')
    })
  })

  describe('secrets', () => {
    const old = 'the SECRET_KEY of last year, 32 bytes and more'

    it('issue by the first and verify by all', async () => {
      const rotated = pairs({ secret: [SECRET, old] })
      expect(await rotated.issue(alice)).to.deep.equal(await pairs().issue(alice))
      const { token } = await pairs({ secret: old }).issue(alice)
      expect(await reasonOf(rotated, token)).to.equal('none')
      expect(await reasonOf(pairs(), token)).to.equal('invalid')
    })

    it('are taken as UTF-8, as Django does', async () => {
      const { token } = await pairs({ secret: 'ключ-秘密-🔑', minSecretBytes: 20 }).issue(alice)
      expect(await reasonOf(pairs({ secret: ['ключ-秘密-🔑'], minSecretBytes: 1 }), token)).to.equal('none')
      expect(await reasonOf(pairs({ secret: 'ключ-秘密-\ufffd', minSecretBytes: 1 }), token)).to.equal('invalid')
    })

    it('shared with sealed pairs make neither kind read the other’s tokens', async () => {
      const sealed = sealedPairs({ secret: SECRET, clock: () => NOON })
      expect(await reasonOf(pairs(), (await sealed.issue(alice)).token)).to.equal('invalid')
      expect(await reasonOf(sealed, (await pairs().issue(alice)).token)).to.equal('invalid')
    })
  })

  describe('wrong options', () => {
    const wrong: Readonly<Record<string, readonly [string, unknown]>> = {
      'a timeout of -1': ['timeoutDays', -1],
      'a timeout that is not a number': ['timeoutDays', NaN],
      'a timeout without an end': ['timeoutDays', Infinity],
      'a timeout in a text': ['timeoutDays', '7'],
      'a timeout of half a day': ['timeoutDays', 0.5],
      'a timeout of null': ['timeoutDays', null],
      'no secret': ['secret', undefined],
      'an empty secret': ['secret', ''],
      'a short secret': ['secret', 'fake-key'],
      'a secret in bytes': ['secret', Buffer.alloc(32)],
      'an empty secret behind a good one': ['secret', [SECRET, '']],
      'an unknown time zone': ['timeZone', 'Europe/Atlantis'],
      'an empty time zone': ['timeZone', ''],
      'a time zone of null': ['timeZone', null],
      'a clock in milliseconds': ['clock', () => NOON * 1000],
    }
    for (const [what, [option, value]] of Object.entries(wrong)) {
      it(`name themselves at start-up: ${what}`, () => {
        const options = { [option]: value } as Partial<DjangoPairOptions> // wrong on purpose: what JavaScript lets through
        expect(() => pairs(options)).to.throw(TypeError, option)
      })
    }
  })
})
