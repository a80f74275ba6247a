import { expect } from 'chai'
import type { IssueOptions } from '../../lib/index.js'
import { issueOptions } from '../../lib/tokens/issue-options.js'

const NOW = 1795000000

describe('the options of issue', () => {
  it('are no limits, a login now and no id by default', () => {
    for (const options of [undefined, {}, { limits: [] }])
      expect(issueOptions(options, NOW)).to.deep.equal({ limits: [], loggedInAt: NOW, id: undefined })
  })

  it('are limits in their text form, the time of the login and its id', () => {
    const options: IssueOptions = { limits: [{ scopes: ['b', 'a'] }], loggedInAt: 0, id: '0123456789' }
    const checked = { limits: ['sYSBi'], loggedInAt: 0, id: '0123456789' }
    expect(issueOptions(options, NOW, 's')).to.deep.equal(checked)
  })

  it('may name a login up to a minute ahead, as another server’s clock has it', () => {
    expect(issueOptions({ loggedInAt: NOW + 60 }, NOW).loggedInAt).to.equal(NOW + 60)
    expect(() => issueOptions({ loggedInAt: NOW + 61 }, NOW)).to.throw(TypeError, 'loggedInAt')
  })

  it('are a TypeError for limits that the kind has no place for, in every kind by default', () => {
    for (const [limit, carries] of [
      [{ scopes: ['a'] }, ''],
      [{ scopes: ['a'] }, 'emp'],
      [{ expiresAt: NOW }, 's'],
    ] as const) {
      expect(() => issueOptions({ limits: [limit] }, NOW, carries))
        .to.throw(TypeError)
        .with.property('code', 'ERR_LIMIT_NOT_SUPPORTED_BY_KIND')
    }
    expect(() => issueOptions({ limits: [{ path: '/a' }] }, NOW)).to.throw(TypeError)
  })

  it('never leave a limit out that was meant', () => {
    for (const options of [
      { limits: undefined },
      { limits: null },
      { limits: {} },
      { limits: [undefined] },
      { limit: [{ path: '/a' }] },
      { scopes: ['a'] },
      { id: undefined },
      { loggedInAt: undefined },
      { [Symbol('limits')]: [] },
    ]) {
      // What a caller without types may pass.
      expect(() => issueOptions(options as IssueOptions, NOW, 'esmp'), JSON.stringify(options)).to.throw(TypeError)
    }
  })
})
