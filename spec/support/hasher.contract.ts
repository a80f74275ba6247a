import { expect } from 'chai'
import type { Hasher, StoredHash } from '../../lib/index.js'

/** A hasher, and what the suite needs to test it. */
export interface HasherUnderTest {
  /** A hasher at a cost that a spec can afford, and a costlier one. */
  readonly cheap: () => Hasher
  readonly costly: () => Hasher
  /** What a new hash looks like. */
  readonly form: RegExp
  /** Stored hashes that are nearly this hasher's, by what is wrong with them. */
  readonly unreadable: Readonly<Record<string, string>>
}

const PASSWORD = 'pässwörd 用户 💡\0 '

/** Stored values that no hasher reads. */
export const unreadableHashes: Readonly<Record<string, string>> = {
  'an empty text': '',
  blanks: '  ',
  'a password in clear': 'password',
  'an unusable password': '!',
  'Django’s unusable password': '!RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR',
  'an unusable password before a good hash': '!sha1$salt$6292fe549ea4fd63a742ce4c58115c04e58732ea',
  dollars: '$$$$$$$$$$',
  'an unknown algorithm': 'whirlpool$1$salt$digits',
  'a name every object has': 'constructor$1$salt$digits',
  __proto__: '__proto__$1$salt$digits',
  'a wide letter': 'é$1$2$3',
  'a lone surrogate': '\ud800',
  NUL: '\0',
  'a megabyte': '$'.repeat(1_000_000),
}

function readable(hasher: Hasher, encoded: string): StoredHash {
  const stored = hasher.read(encoded)
  if (stored === null) throw new Error(`the hasher does not read ${encoded}`)
  return stored
}

/** What every hasher that makes new hashes promises. */
export function behavesLikeAHasher(subject: HasherUnderTest): void {
  const { cheap, costly, form, unreadable } = subject

  describe('behaves like a hasher', () => {
    it('makes hashes of one form, each with a salt of its own, which fit into 255 characters', async () => {
      const hashes = await Promise.all(Array.from({ length: 5 }, () => cheap().hash(PASSWORD)))
      for (const hash of hashes) expect(hash).to.match(form).and.to.have.length.below(256)
      expect(new Set(hashes).size).to.equal(5)
    })

    it('verifies the password of its hash, as it was, and no other', async () => {
      const stored = readable(cheap(), await cheap().hash(PASSWORD))
      expect(await stored.verify(PASSWORD)).to.equal(true)
      const others = [
        '',
        PASSWORD.trim(),
        PASSWORD.normalize('NFD'),
        PASSWORD.toUpperCase(),
        `${PASSWORD}x`,
        'pässwörd 用户 💡',
      ]
      for (const other of others) expect(await stored.verify(other), JSON.stringify(other)).to.equal(false)
    })

    it('compares passwords of up to 4096 bytes to the last one', async () => {
      const long = 'x'.repeat(4096)
      const stored = readable(cheap(), await cheap().hash(long))
      expect(await stored.verify(long)).to.equal(true)
      expect(await stored.verify(`${'x'.repeat(4095)}y`)).to.equal(false)
      expect(await stored.verify(`${'x'.repeat(72)}y${'x'.repeat(4023)}`)).to.equal(false)
    })

    it('reads hashes of another cost', async () => {
      const hash = await costly().hash(PASSWORD)
      expect(await readable(cheap(), hash).verify(PASSWORD)).to.equal(true)
    })

    it('finds its own hashes up to date, cheaper ones outdated and costlier ones not', async () => {
      const [low, high] = [await cheap().hash(PASSWORD), await costly().hash(PASSWORD)]
      expect(readable(cheap(), low).outdated).to.equal(false)
      expect(readable(costly(), low).outdated).to.equal(true)
      expect(readable(cheap(), high).outdated).to.equal(false)
    })

    it('has a decoy at its own cost that no password verifies', async () => {
      for (const hasher of [cheap(), costly()]) {
        const decoy = readable(hasher, hasher.decoy)
        expect(decoy.outdated).to.equal(false)
        for (const password of ['', 'password', hasher.decoy]) expect(await decoy.verify(password)).to.equal(false)
      }
      expect(readable(costly(), cheap().decoy).outdated).to.equal(true)
    })

    it('labels hashes of one cost alike and of another cost differently, without their salt or digest', async () => {
      const [one, other, high] = [await cheap().hash('one'), await cheap().hash('other'), await costly().hash('one')]
      const label = readable(cheap(), one).cost
      expect(label).to.match(/^[a-z0-9_]+( [0-9]+)*$/)
      expect(readable(cheap(), other).cost).to.equal(label)
      expect(readable(costly(), one).cost).to.equal(label)
      expect(readable(cheap(), cheap().decoy).cost).to.equal(label)
      expect(readable(cheap(), high).cost).not.to.equal(label)
    })

    for (const [what, encoded] of Object.entries({ ...unreadableHashes, ...unreadable })) {
      it(`does not read ${what}`, () => {
        expect(cheap().read(encoded)).to.equal(null)
      })
    }

    it('does not read its own hash with something around it', async () => {
      const hash = await cheap().hash(PASSWORD)
      for (const encoded of [
        `${hash}\n`,
        `${hash} `,
        ` ${hash}`,
        `${hash}$`,
        `$${hash}`,
        `${hash}=`,
        hash.toUpperCase(),
      ]) {
        expect(cheap().read(encoded), JSON.stringify(encoded)).to.equal(null)
      }
    })
  })
}
