import { expect } from 'chai'
import { strip } from '../../../lib/apis/drf/fields.js'

describe('strip', () => {
  it('removes what Python’s str.strip() removes, only at both ends', () => {
    for (let code = 0; code <= 0xffff; code += 1) {
      const unit = String.fromCharCode(code)
      const isBlank = /\p{White_Space}/u.test(unit) || (code >= 0x1c && code <= 0x1f)
      const text = `${unit}a${unit}b${unit}`
      expect(strip(text), code.toString(16)).to.equal(isBlank ? `a${unit}b` : text)
    }
  })

  it('leaves nothing of blanks, and a text without any as it is', () => {
    expect([strip(''), strip(' \t\n\u3000'), strip('a'), strip('\ufeff a')]).to.deep.equal(['', '', 'a', '\ufeff a'])
  })
})
