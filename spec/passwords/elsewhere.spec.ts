import { expect } from 'chai'
import { argon2, bcrypt, betterAuth, type Hasher, passwords, pbkdf2, scrypt } from '../../lib/index.js'
import { knownAnswers } from '../support/vectors.js'

interface Vector {
  readonly made_by: string
  readonly password: string
  readonly encoded: string
}

const HASHERS: readonly Hasher[] = [scrypt(), pbkdf2(), argon2(), bcrypt(), betterAuth()]
const { hashes } = knownAnswers('password_hashes_elsewhere') as { hashes: readonly Vector[] } // as the file is written

/** Those of production cost have the same forms. */
const CHEAP = /^\$2.\$05|m=1024,|=1000\$|\$1000\$|ln=8,|ln=10,/

async function verify(password: string, encoded: string): Promise<boolean> {
  for (const hasher of HASHERS) {
    const stored = hasher.read(encoded)
    if (stored !== null) return stored.verify(password)
  }
  return false
}

/** The same hash with another character at one place. */
function changed(encoded: string, at: number): string {
  const other = encoded[at] === '1' ? '2' : '1'
  return encoded.slice(0, at) + other + encoded.slice(at + 1)
}

/** Where salt and digest stand: behind the last two separators, or the last one in bcrypt. */
function secretPlaces(encoded: string): readonly number[] {
  const separators = [...encoded.matchAll(/[$:]/g)].map(({ index }) => index)
  const start = encoded.startsWith('$2') ? separators.at(-1) : encoded.startsWith('$') ? separators.at(-2) : -1
  const places = Array.from({ length: encoded.length }, (_, at) => at).slice((start ?? -1) + 1)
  return places.filter((at) => !separators.includes(at))
}

describe('hashes that other packages and languages made', () => {
  it('are of every format', () => {
    expect(hashes).to.have.lengthOf(70)
    const starts = hashes.map(({ encoded }) => /^\$[a-z0-9-]+\$/.exec(encoded)?.[0] ?? 'hex')
    expect([...new Set(starts)].toSorted()).to.deep.equal(
      '$2a$ $2b$ $2y$ $argon2d$ $argon2i$ $argon2id$ $pbkdf2$ $pbkdf2-sha256$ $pbkdf2-sha512$ $scrypt$ hex'.split(' '),
    )
  })

  for (const { made_by, password, encoded } of hashes) {
    const [start] = /^\$.*\$(?=[^$]+\$)|^\$2.\$\d\d\$|^.{8}/.exec(encoded) ?? []

    it(`verify: ${start} of ${made_by}, with "${password.slice(0, 20)}"`, async () => {
      expect(await verify(password, encoded)).to.equal(true)
      for (const wrong of ['', `x${password}`]) {
        expect(await verify(wrong, encoded), wrong).to.equal(false)
      }
      const isDefault = encoded.startsWith('$')
      expect(await passwords().verify(password, encoded)).to.equal(isDefault)
      expect(passwords().needsRehash(encoded)).to.equal(true)
    })
  }

  it('never verify with another character in their salt or digest', async () => {
    const cheap = hashes.filter(({ encoded }) => CHEAP.test(encoded))
    expect(cheap).to.have.length.above(50)
    for (const [which, { password, encoded }] of cheap.entries()) {
      const places = secretPlaces(encoded)
      // Each hash at other places, so that every place of each format is changed somewhere.
      for (const at of places.filter((_, index) => index % 7 === which % 7 || index === places.length - 1)) {
        expect(await verify(password, changed(encoded, at)), `${encoded} at ${at}`).to.equal(false)
      }
    }
  })

  it('are not read with a cost beyond the ceiling', () => {
    const raised: readonly (readonly [RegExp, string])[] = [
      [/^(\$2.\$)\d\d/, '$117'],
      [/m=\d+/, 'm=262145'],
      [/t=\d+/, 't=17'],
      [/p=\d+/, 'p=17'],
      [/ln=\d+/, 'ln=21'],
      [/ln=\d+/, 'ln=1024'],
      [/r=\d+/, 'r=4294967295'],
      [/i=\d+/, 'i=5000001'],
      [/^(\$pbkdf2[^$]*\$)\d+/, '$15000001'],
    ]
    for (const [from, to] of raised) {
      const beyond = hashes.map(({ encoded }) => encoded).filter((encoded) => from.test(encoded))
      expect(beyond, String(from)).to.have.length.above(1)
      for (const encoded of beyond.map((one) => one.replace(from, to))) {
        expect(
          HASHERS.map((hasher) => hasher.read(encoded)),
          encoded,
        ).to.deep.equal(HASHERS.map(() => null))
      }
    }
  })
})
