import { expect } from 'chai'
import { endedEntry, isEnded, keptEntries } from '../../lib/tokens/ended-logins.js'

const ID = '0123456789'

describe('endedLogins', () => {
  it('ends the logins of its whole entries, over or not', () => {
    for (const text of [
      `${ID}:top2v4`,
      `${ID}:0`,
      `aaaaaaaaaa:1 ${ID}:1`,
      `${ID}:1 aaaaaaaaaa:1`,
      `aaaaaaaaaa:1 ${ID}:2gosa7pa2gv bbbbbbbbbb:1`,
      `garbage ${ID}:1`,
      `${ID}:- ${ID}:1`,
      `x${ID}:1 ${ID}:1`,
    ]) {
      expect(isEnded(text, ID), text).to.equal(true)
    }
  })

  it('ends nothing by garbage or part of an entry', () => {
    for (const text of [
      null,
      undefined,
      '',
      ' ',
      ID,
      `${ID}:`,
      `${ID}: `,
      `${ID}:01`,
      `${ID}:1!`,
      `${ID}:A`,
      `${ID}:zzzzzzzzzzz`,
      `${ID}:zzzzzzzzzzzz`,
      `${ID}:1\n`,
      `${ID}:1,aaaaaaaaaa:1`,
      `x${ID}:1`,
      `\t${ID}:1`,
      ` x${ID}:1`,
      '012345678:1',
      '01234567890:1',
      '1234567890:1',
      'aaaaaaaaaa:0123456789',
      `aaaaaaaaaa:${ID}:1`,
    ]) {
      expect(isEnded(text, ID), String(text)).to.equal(false)
    }
  })

  it('is read in linear time', () => {
    for (const part of [`x${ID}:1`, `${ID}:!`, ` ${ID}:`, ` ${ID}:!`, 'x', ' ', ':']) {
      const text = part.repeat(200_000)
      expect(isEnded(text, ID), part).to.equal(false)
      expect(keptEntries(text, 0), part).to.equal(null)
    }
  })

  it('is an error if it is neither text nor null', () => {
    for (const value of [0, false, Buffer.from(`${ID}:1`), [`${ID}:1`], {}])
      expect(() => isEnded(value, ID)).to.throw(Error, 'endedLogins')
  })

  it('is written as it is read', () => {
    expect(endedEntry(ID, 1795000000)).to.equal(`${ID}:top2v4`)
    expect(isEnded(endedEntry(ID, 2 ** 53 - 1), ID)).to.equal(true)
  })

  it('keeps whole entries until they are over', () => {
    const text = `aaaaaaaaaa:1 ${endedEntry(ID, 101)} garbage  ${endedEntry('bbbbbbbbbb', 100)} ${ID}: x${ID}:zzz`
    expect(keptEntries(text, 100)).to.equal(endedEntry(ID, 101))
    expect(keptEntries(text, 99)).to.equal(`${endedEntry(ID, 101)} ${endedEntry('bbbbbbbbbb', 100)}`)
    expect(keptEntries(text, 101)).to.equal(null)
    expect(keptEntries('', 0)).to.equal(null)
  })
})
