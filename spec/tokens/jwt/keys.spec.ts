import { createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { expect } from 'chai'
import { jwtKeys, type JwtKeyOptions } from '../../../lib/tokens/jwt/keys.js'

interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const shortRsa = generateKeyPairSync('rsa', { modulusLength: 1024 })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' })
const k256 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
const ed25519 = generateKeyPairSync('ed25519')
const ed448 = generateKeyPairSync('ed448')
const x25519 = generateKeyPairSync('x25519')
const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })

const SECRET = 's'.repeat(64)

function pem({ publicKey }: Pair): string {
  return publicKey.export({ type: 'spki', format: 'pem' }).toString()
}

function privatePem({ privateKey }: Pair): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Options as a caller without types gives them. */
function keysOf(options: unknown): () => unknown {
  return () => jwtKeys(options as JwtKeyOptions) // see above
}

const families: readonly [string, Pair, Pair][] = [
  ['RS256', rsa, otherRsa],
  ['RS384', rsa, otherRsa],
  ['RS512', rsa, otherRsa],
  ['ES256', p256, generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['EdDSA', ed25519, generateKeyPairSync('ed25519')],
]

describe('jwtKeys', () => {
  describe('of an HS algorithm', () => {
    it('are the secrets, the issuing one first', () => {
      for (const secret of [SECRET, [SECRET, 't'.repeat(64)]]) {
        const keys = jwtKeys({ secret })
        expect(keys).to.have.lengthOf(typeof secret === 'string' ? 1 : 2)
        expect(keys[0]?.signing?.export().toString()).to.equal(SECRET)
      }
    })

    it('have at least the bytes of the digest', () => {
      for (const [algorithm, bytes] of [
        ['HS256', 32],
        ['HS384', 48],
        ['HS512', 64],
      ] as const) {
        expect(keysOf({ algorithm, secret: 's'.repeat(bytes) })).not.to.throw()
        for (const secret of ['', 's', 's'.repeat(bytes - 1)]) {
          expect(keysOf({ algorithm, secret }), `${algorithm}, ${secret.length} bytes`).to.throw(TypeError, 'secret')
          expect(keysOf({ algorithm, keys: { a: secret } }), 'by name').to.throw(TypeError, 'secret')
        }
      }
      expect(keysOf({ secret: 'ü'.repeat(16) }), 'bytes, not letters').not.to.throw()
    })

    it('may be shorter with minSecretBytes', () => {
      expect(keysOf({ secret: 's'.repeat(8), minSecretBytes: 8 })).not.to.throw()
      expect(keysOf({ secret: 's'.repeat(7), minSecretBytes: 8 })).to.throw(TypeError, 'secret')
      for (const minSecretBytes of [0, -1, 1.5, NaN, '8', null]) {
        expect(keysOf({ secret: SECRET, minSecretBytes }), String(minSecretBytes)).to.throw(TypeError, 'minSecretBytes')
        expect(keysOf({ keys: { a: SECRET }, minSecretBytes })).to.throw(TypeError, 'minSecretBytes')
      }
    })

    it('are there', () => {
      for (const options of [{}, { secret: undefined }, { secret: null }, { secret: [] }, { keys: {} }]) {
        expect(keysOf(options), JSON.stringify(options)).to.throw(TypeError, 'secret')
      }
    })

    it('are texts', () => {
      for (const secret of [Buffer.from(SECRET), createSecretKey(Buffer.from(SECRET)), rsa.publicKey, 7]) {
        expect(keysOf({ secret })).to.throw(TypeError, 'secret')
        expect(keysOf({ keys: { a: secret } })).to.throw(TypeError, 'secret')
      }
    })

    describe('are not asymmetric keys in disguise', () => {
      for (const [name, pair] of Object.entries({ rsa, shortRsa, p256, p384, p521, k256, ed25519, ed448, pss })) {
        const der = pair.publicKey.export({ type: 'spki', format: 'der' })
        const disguises: Readonly<Record<string, string>> = {
          PEM: pem(pair),
          'a PEM after a line break': `\n${pem(pair)}`,
          'a PEM after other text': `x ${pem(pair)}`,
          'a PEM with CRLF': pem(pair).replaceAll('\n', '\r\n'),
          'a private PEM': privatePem(pair),
          'base64 without its header and footer': der.toString('base64'),
          'base64 with line breaks': pem(pair).split('\n').slice(1, -2).join('\n'),
          base64url: der.toString('base64url'),
        }
        for (const [form, secret] of Object.entries(disguises)) {
          it(`${name}: ${form}`, () => {
            const options = { minSecretBytes: 1 }
            expect(keysOf({ ...options, secret })).to.throw(TypeError, 'PEM')
            expect(keysOf({ ...options, secret: [SECRET, secret] })).to.throw(TypeError, 'PEM')
            expect(keysOf({ ...options, keys: { a: secret } })).to.throw(TypeError, 'PEM')
          })
        }
      }

      it('ssh', () => {
        expect(keysOf({ secret: `ssh-rsa ${'A'.repeat(100)}` })).to.throw(TypeError, 'PEM')
      })

      it('but random secrets are accepted, in any form', () => {
        for (const form of ['hex', 'base64', 'base64url'] as const) {
          // 0x30 is how a key starts, and a length that is not its own is how a secret goes on.
          const bytes = Buffer.alloc(48, 0x30)
          expect(keysOf({ secret: bytes.toString(form) }), form).not.to.throw()
        }
        for (const start of [
          [0x30, 0x82],
          [0x30, 0x81],
          [0x30, 0x82, 0, 43],
          [0x30, 0x81, 44],
        ]) {
          const bytes = Buffer.alloc(48, 0x5a)
          bytes.set(start)
          expect(keysOf({ secret: bytes.toString('base64') }), String(start)).not.to.throw()
        }
        expect(keysOf({ secret: 'MII=', minSecretBytes: 4 })).not.to.throw()
        expect(keysOf({ secret: 'django-insecure-0123456789-=+/0123456789' })).not.to.throw()
      })
    })
  })

  describe('of a key pair', () => {
    for (const [algorithm, pair, other] of families) {
      describe(algorithm, () => {
        it('are read from PEMs and key objects, of which the public one follows from the private one', () => {
          for (const options of [
            { privateKey: privatePem(pair) },
            { privateKey: pair.privateKey },
            { privateKey: privatePem(pair), publicKey: pem(pair) },
            { privateKey: pair.privateKey, publicKey: pair.publicKey },
            { keys: { a: privatePem(pair) } },
          ]) {
            const [key] = jwtKeys({ algorithm, ...options } as JwtKeyOptions) // algorithm comes from the table
            expect(key?.signing?.equals(pair.privateKey)).to.equal(true)
            expect(key?.verifying.equals(createPublicKey(pair.privateKey))).to.equal(true)
          }
        })

        it('only verify without the private half', () => {
          for (const options of [{ publicKey: pem(pair) }, { publicKey: pair.publicKey }, { keys: { a: pem(pair) } }]) {
            const [key] = jwtKeys({ algorithm, ...options } as JwtKeyOptions) // as above
            expect(key).not.to.have.property('signing')
            expect(key?.verifying.type).to.equal('public')
          }
        })

        it('belong together', () => {
          expect(keysOf({ algorithm, privateKey: pair.privateKey, publicKey: other.publicKey })).to.throw(
            TypeError,
            'publicKey must be that of privateKey',
          )
        })

        it('are not mixed with secrets', () => {
          expect(keysOf({ algorithm, secret: SECRET })).to.throw(TypeError, 'secret')
          expect(keysOf({ algorithm, secret: SECRET, publicKey: pem(pair) })).to.throw(TypeError, 'secret')
          expect(keysOf({ algorithm, keys: { a: SECRET } })).to.throw(TypeError)
          expect(keysOf({ algorithm, keys: { a: createSecretKey(Buffer.from(SECRET)) } })).to.throw(TypeError)
          expect(keysOf({ algorithm: 'HS256', secret: SECRET, publicKey: pem(pair) })).to.throw(TypeError, 'publicKey')
          expect(keysOf({ algorithm: 'HS256', secret: SECRET, privateKey: pair.privateKey })).to.throw(TypeError)
        })

        it('are there, and can be read', () => {
          expect(keysOf({ algorithm })).to.throw(TypeError, 'privateKey')
          expect(keysOf({ algorithm, keys: {} })).to.throw(TypeError, 'privateKey')
          for (const publicKey of ['', 'no key', pem(pair).slice(0, 60)]) {
            expect(keysOf({ algorithm, publicKey })).to.throw(TypeError, 'PEM')
          }
        })

        it('show nothing of a key that cannot be read', () => {
          const broken = privatePem(pair).replace(/[A-Za-z0-9]{20}/, '!'.repeat(20))
          let thrown: unknown
          try {
            keysOf({ algorithm, privateKey: broken })()
          } catch (error) {
            thrown = error
          }
          expect(thrown).to.be.instanceOf(TypeError).and.not.have.property('cause')
          expect(String(thrown)).to.equal('TypeError: privateKey must be a PEM or a KeyObject')
        })
      })
    }

    it('are of the algorithm’s own type', () => {
      const types: Readonly<Record<string, Pair>> = { RS256: rsa, ES256: p256, EdDSA: ed25519 }
      for (const algorithm of ['RS256', 'RS384', 'RS512', 'ES256', 'EdDSA']) {
        for (const [name, pair] of Object.entries({ ...types, pss, ed448, x25519 })) {
          if (name === algorithm || (name === 'RS256' && algorithm.startsWith('RS'))) continue
          expect(keysOf({ algorithm, publicKey: pair.publicKey }), `${algorithm} with ${name}`).to.throw(
            TypeError,
            algorithm,
          )
        }
      }
    })

    it('of RSA have at least 2048 bits', () => {
      expect(keysOf({ algorithm: 'RS256', privateKey: shortRsa.privateKey })).to.throw(TypeError, '2048')
      expect(keysOf({ algorithm: 'RS256', publicKey: pem(shortRsa) })).to.throw(TypeError, '2048')
      expect(keysOf({ algorithm: 'RS256', keys: { a: rsa.privateKey, b: shortRsa.publicKey } })).to.throw(TypeError)
    })

    it('of ES256 are on the curve P-256', () => {
      for (const pair of [p384, p521, k256]) {
        expect(keysOf({ algorithm: 'ES256', privateKey: pair.privateKey })).to.throw(TypeError, 'P-256')
      }
    })
  })

  describe('by name', () => {
    it('keep their order and their names, before the one without', () => {
      const keys = jwtKeys({ keys: { b: 'b'.repeat(32), a: 'a'.repeat(32) }, secret: SECRET })
      expect(keys.map(({ kid }) => kid)).to.deep.equal(['b', 'a', undefined])
    })

    it('have names that JavaScript keeps in their order', () => {
      for (const kid of ['0', '7', '2026', '12345678901']) {
        expect(keysOf({ keys: { [kid]: SECRET } }), kid).to.throw(TypeError, 'keys')
        expect(keysOf({ keys: { a: SECRET, [kid]: SECRET } }), kid).to.throw(TypeError, 'keys')
        expect(keysOf({ algorithm: 'RS256', keys: { [kid]: rsa.privateKey } }), kid).to.throw(TypeError, 'keys')
      }
      const written = ['2026-11', '02', 'k1', '-1', '1.5', '']
      const keys = jwtKeys({ keys: Object.fromEntries(written.map((kid) => [kid, SECRET])) })
      expect(keys.map(({ kid }) => kid)).to.deep.equal(written)
    })

    it('are errors that name their option', () => {
      for (const keys of [null, 7, SECRET, true, [SECRET]]) {
        expect(keysOf({ keys }), typeof keys).to.throw(TypeError, 'keys')
        expect(keysOf({ keys, secret: SECRET }), typeof keys).to.throw(TypeError, 'keys')
      }
      for (const key of ['short', undefined, null, 7, pem(rsa)]) {
        expect(keysOf({ keys: { a: key } }), typeof key).to.throw(TypeError, 'a secret in keys')
      }
      for (const key of ['short', undefined, null, 7, shortRsa.privateKey, p256.privateKey]) {
        expect(keysOf({ algorithm: 'RS256', keys: { a: key } }), typeof key).to.throw(TypeError, 'a key in keys')
      }
    })

    it('may have the names that objects have', () => {
      const keys = jwtKeys({ keys: { constructor: SECRET } })
      expect(keys.map(({ kid }) => kid)).to.deep.equal(['constructor'])
    })
  })

  it('are for the algorithms that are named', () => {
    for (const algorithm of ['none', 'hs256', 'HS1', 'PS256', 'ES384', 'RS1', 'toString', '', null, ['HS256'], 7]) {
      expect(keysOf({ algorithm, secret: SECRET, publicKey: undefined }), String(algorithm)).to.throw(
        TypeError,
        'algorithm',
      )
    }
  })
})
