import { expect } from 'chai'
import { calendar } from '../../lib/tokens/calendar.js'

const DAY = 86400

function at(text: string): number {
  return Date.parse(text) / 1000
}

describe('calendar', () => {
  it('counts days since 2001-01-01', () => {
    const days = calendar('UTC')
    expect(days.dayOf(at('2001-01-01T00:00:00Z'))).to.equal(0)
    expect(days.dayOf(at('2000-12-31T23:59:59Z'))).to.equal(-1)
    expect(days.dayOf(at('2026-11-22T23:59:59Z'))).to.equal(9456)
    expect(days.startOf(9456)).to.equal(at('2026-11-22T00:00:00Z'))
  })

  it('starts local days where they start', () => {
    const cases: readonly (readonly [string, string, string])[] = [
      ['Europe/Berlin', '2026-11-22', '2026-11-21T23:00:00Z'],
      ['Europe/Berlin', '2026-03-30', '2026-03-29T22:00:00Z'],
      ['Europe/Berlin', '2026-10-26', '2026-10-25T23:00:00Z'],
      ['Pacific/Kiritimati', '2026-11-22', '2026-11-21T10:00:00Z'],
      ['Pacific/Pago_Pago', '2026-11-22', '2026-11-22T11:00:00Z'],
      ['Asia/Kathmandu', '2026-11-22', '2026-11-21T18:15:00Z'],
      // Summer time began at midnight: the day has no 00:00.
      ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00Z'],
      // It ended at midnight: 23:00 to 24:00 of the day before came twice.
      ['America/Sao_Paulo', '2019-02-17', '2019-02-17T03:00:00Z'],
    ]
    for (const [timeZone, date, start] of cases) {
      const days = calendar(timeZone)
      const day = calendar('UTC').dayOf(at(`${date}T00:00:00Z`))
      expect(days.startOf(day), `${date} in ${timeZone}`).to.equal(at(start))
      expect(days.dayOf(at(start)), `${date} in ${timeZone}`).to.equal(day)
      expect(days.dayOf(at(start) - 1), `the second before ${date} in ${timeZone}`).to.equal(day - 1)
    }
  })

  it('skips the day that a zone skipped', () => {
    const days = calendar('Pacific/Apia')
    const skipped = calendar('UTC').dayOf(at('2011-12-30T00:00:00Z'))
    expect(days.startOf(skipped))
      .to.equal(days.startOf(skipped + 1))
      .and.to.equal(at('2011-12-30T10:00:00Z'))
    expect(days.dayOf(days.startOf(skipped) - 1)).to.equal(skipped - 1)
    expect(days.dayOf(days.startOf(skipped))).to.equal(skipped + 1)
  })

  it('agrees with itself on every day of a year, in zones on both sides', () => {
    const first = calendar('UTC').dayOf(at('2026-01-01T00:00:00Z'))
    for (const timeZone of ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Chatham']) {
      const days = calendar(timeZone)
      for (let day = first; day < first + 365; day += 1) {
        expect(days.dayOf(days.startOf(day)), `${day} in ${timeZone}`).to.equal(day)
        expect(days.dayOf(days.startOf(day) - 1), `${day} in ${timeZone}`).to.equal(day - 1)
        expect(days.startOf(day + 1) - days.startOf(day)).to.be.within(DAY - 3600, DAY + 3600)
      }
    }
  })

  it('counts to the year 9999', () => {
    for (const timeZone of ['UTC', 'Asia/Tokyo']) {
      expect(calendar(timeZone).dayOf(at('9999-12-31T12:00:00Z'))).to.equal(2921573)
    }
  })

  it('throws for a zone that Node.js does not know', () => {
    for (const timeZone of ['', 'Mars/Olympus', 'Europe/Berlin\n']) {
      expect(() => calendar(timeZone), timeZone).to.throw(TypeError, 'timeZone')
    }
  })
})
