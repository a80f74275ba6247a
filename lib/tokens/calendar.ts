const DAY = 24 * 60 * 60
const FIRST_DAY = Date.UTC(2001, 0, 1) / 1000 / DAY

/** Days since 2001-01-01, as django-tokenapi counts them, in one time zone. */
export interface Calendar {
  /** The local day of a moment (seconds since 1970). */
  dayOf(time: number): number
  /** The first second of a local day. */
  startOf(day: number): number
}

/** @throws {TypeError} that names `timeZone` for one that this Node.js does not know. */
export function calendar(timeZone: string): Calendar {
  const utc: Calendar = {
    dayOf: (time) => Math.floor(time / DAY) - FIRST_DAY,
    startOf: (day) => (day + FIRST_DAY) * DAY,
  }
  if (timeZone === 'UTC') return utc

  const format = formatOf(timeZone)
  const dayOf = (time: number): number => {
    const part: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(time * 1000)) part[type] = Number(value)
    return Date.UTC(part['year'] ?? NaN, (part['month'] ?? NaN) - 1, part['day'] ?? NaN) / 1000 / DAY - FIRST_DAY
  }
  return {
    dayOf,
    // Offsets lie within a day of UTC and local days never run backwards, so that halving finds the first second.
    startOf(day) {
      let before = utc.startOf(day - 1)
      let after = utc.startOf(day + 1)
      while (after - before > 1) {
        const middle = Math.floor((before + after) / 2)
        if (dayOf(middle) >= day) after = middle
        else before = middle
      }
      return after
    },
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
      timeZone,
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
    })
  } catch (cause) {
    throw new TypeError('timeZone must be an IANA name such as "Europe/Berlin"', { cause })
  }
}
