import type { Clock } from '../clock.js'

/** How much each address has used lately. */
export interface RecentUse {
  /** The sum of what was added, each amount halved once a minute; 0 for an address that is not known. */
  of(address: string): number
  /** A negative amount gives back; no sum falls below 0. */
  add(address: string, amount: number): void
}

const HALF_LIFE = 60
const MAX_ADDRESSES = 4096

/** Sums that fade. It remembers the 4096 addresses that came last, so that a flood from ever new ones cannot fill the memory. */
export function recentUse(clock: Clock): RecentUse {
  const sums = new Map<string, { readonly sum: number; readonly at: number }>()

  const of = (address: string): number => {
    const known = sums.get(address)
    return known === undefined ? 0 : known.sum * 2 ** (Math.min(0, known.at - clock()) / HALF_LIFE)
  }

  return {
    of,
    add(address, amount) {
      const sum = Math.max(0, of(address) + amount)
      sums.delete(address) // so that it comes last in the map, which keeps the order of insertion
      sums.set(address, { sum, at: clock() })
      if (sums.size <= MAX_ADDRESSES) return
      const [oldest = ''] = sums.keys()
      sums.delete(oldest)
    },
  }
}
