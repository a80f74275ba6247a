import { expect } from 'chai'
import { newHead, readToken, writeToken } from '../../lib/tokens/sealed-head.js'

const NOW = 1795000000
const TAGS = '0123456789abcdef'.repeat(4)

function writeLimit(length: number): string {
  return writeToken(newHead(NOW, NOW, undefined, ['p'.repeat(length)]), TAGS)
}

describe('the head of a sealed pair', () => {
  it('is read as it is written', () => {
    for (const [loggedInAt, id, limits] of [
      [NOW, undefined, []],
      [NOW - 1, undefined, []],
      [0, '0123456789', []],
      [NOW, '0123456789', ['etop2vd', 'sYQ']],
      [1, 'zzzzzzzzzz', Array<string>(8).fill('e0')],
    ] as const) {
      const head = newHead(NOW, loggedInAt, id, limits)
      const token = writeToken(head, TAGS)
      expect(readToken(token), token).to.deep.equal({ head, seal: TAGS.slice(0, 32), bond: TAGS.slice(32) })
    }
  })

  it('has no time of login if that is not known, and none later than the token', () => {
    expect(newHead(NOW, 0, undefined, [])).to.include({ root: 'top2v4~a0', loggedInAt: undefined })
    expect(newHead(NOW, NOW - 1, undefined, [])).to.include({ root: 'top2v4~atop2v3', loggedInAt: NOW - 1 })
    for (const later of [NOW, NOW + 60])
      expect(newHead(NOW, later, undefined, [])).to.include({ root: 'top2v4', loggedInAt: NOW })
  })

  it('is read at second 0 and up to 2^53 − 1', () => {
    for (const seconds of [0, 1, 2 ** 53 - 1]) {
      const { root } = newHead(seconds, seconds, undefined, [])
      expect(readToken(`${root}-${TAGS}`)?.head).to.include({ issuedAt: seconds, loggedInAt: seconds })
    }
  })

  it('is not read in another form', () => {
    for (const head of [
      '',
      '0top2v4',
      'TOP2V4',
      '2gosa7pa2gw', // 2^53
      'zzzzzzzzzzzz',
      'top2v4~',
      'top2v4~a',
      'top2v4~a00',
      'top2v4~atop2v4',
      'top2v4~atop2v5',
      'top2v4~a1~a2',
      'top2v4~d0123456789~a1',
      'top2v4~d012345678',
      'top2v4~d01234567890',
      'top2v4~oabc',
      'top2v4 ',
      ' top2v4',
      'top2v4\n',
      `top2v4${'.e0'.repeat(9)}`,
      `top2v4.p${'x'.repeat(1017)}`,
    ]) {
      expect(readToken(`${head}-${TAGS}`), head.slice(0, 40)).to.equal(null)
    }
    expect(readToken(`top2v4.p${'x'.repeat(1016)}-${TAGS}`)?.head.limits).to.have.lengthOf(1)
  })

  it('is written in 1024 characters at most', () => {
    expect(writeLimit(1017)).to.have.lengthOf(1024 + 65)
    expect(() => writeLimit(1018))
      .to.throw(TypeError)
      .with.property('code', 'ERR_TOO_MANY_LIMITS')
  })
})
