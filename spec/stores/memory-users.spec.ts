import { expect } from 'chai'
import { memoryUsers } from 'koa-tokenapi'
import { behavesLikeAUserStore, PEOPLE } from '../support/user-store.contract.js'

const rows = () => PEOPLE.map((person, at) => ({ id: at + 1, ...person }))

describe('memoryUsers', () => {
  behavesLikeAUserStore(async () => ({
    store: memoryUsers(rows()),
    ids: ['1', '2', '3'],
    strangers: ['', '0', '4', '-1', '01', '+1', ' 1', '1 ', '1.0', '1e0', '1\0', '1abc', 'true', '__proto__', 'ann'],
  }))

  it('keeps ids of any type apart by their text', async () => {
    const store = memoryUsers([
      { id: 9007199254740993n, username: 'big', password: 'x' },
      { id: 'b-7', username: 'text', password: 'x' },
    ])
    expect((await store.findById('9007199254740993'))?.username).to.equal('big')
    expect(await store.findById('9007199254740992')).to.equal(null)
    expect((await store.findById('b-7'))?.username).to.equal('text')
    expect(await store.findById('B-7')).to.equal(null)
  })

  it('keeps further properties', async () => {
    const store = memoryUsers([{ id: 1, username: 'ann', password: 'x', role: 'editor' }])
    expect((await store.findById('1'))?.role).to.equal('editor')
  })

  it('never changes the rows it was given', async () => {
    const given = rows()
    const store = memoryUsers(given)
    await store.bumpEpoch('1')
    Object.assign((await store.findById('1')) ?? {}, { username: 'changed' })
    expect(given).to.deep.equal(rows())
  })

  it('counts the first bump of a user without an epoch as 1', async () => {
    const store = memoryUsers([
      { id: 1, username: 'ann', password: 'x' } as {
        id: number
        username: string
        password: string
        tokenEpoch?: number
      },
    ]) // the literal lacks the optional key
    await store.bumpEpoch('1')
    expect((await store.findById('1'))?.tokenEpoch).to.equal(1)
  })

  it('refuses rows that share an id or a name', () => {
    const ann = { id: 1, username: 'ann', password: null }
    expect(() => memoryUsers([ann, { ...ann, id: 2 }])).to.throw(TypeError, 'rows')
    expect(() => memoryUsers([ann, { ...ann, username: 'bob' }])).to.throw(TypeError, 'rows')
    expect(() =>
      memoryUsers<{ id: number | string; username: string; password: null }>([
        ann,
        { ...ann, id: '1', username: 'bob' },
      ]),
    ).to.throw(TypeError, 'rows')
    expect(() => memoryUsers([ann, { ...ann, id: 2, username: 'bob' }])).not.to.throw()
  })

  it('reads what instances of a class have as getters: a disabled account stays disabled', async () => {
    class Member {
      readonly id = 1
      readonly username = 'ann'
      readonly password = 'hash'
      get isActive(): boolean {
        return false
      }
      get tokenEpoch(): number {
        return 7
      }
    }
    expect(await memoryUsers([new Member()]).findById('1')).to.include({ isActive: false, tokenEpoch: 7 })
  })
})
