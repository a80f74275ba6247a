import { createHmac, randomBytes } from 'node:crypto'
import type { StoredHash } from './hasher.js'

/**
 * Chooses the work of a login that has no hash to verify, so that its time says nothing about whether the account exists: not
 * for one name, and not for many names of a table with hashes of several costs.
 */
export interface Decoys {
  /** Notes what the stored hash of an account costs; `cost` is one text for all hashes whose work takes the same time. */
  see(account: string, hash: { readonly stored: StoredHash; readonly cost: string }): void
  /** The work for an account without a readable hash. */
  for(account: string): StoredHash
}

/** Accounts that are looked at. At this number a share of them is off by 2 % or less, and nothing is noted after it. */
const MAX_ACCOUNTS = 1024

/**
 * Decoys that cost what the hashes of known accounts cost, in the same proportions.
 *
 * A keyed hash of the account's name chooses among the costs, each weighted by the number of different accounts that have it, so
 * that one name has one cost, and no account counts more by logging in often. The weights are taken over only when the number of
 * accounts has doubled, up to 1024: a single login changes no decoy, and whoever compares decoys before and after it learns
 * nothing. The cost of a name changes seldom, since each cost is drawn for itself (weighted rendezvous hashing).
 *
 * @param options `first` is the work before any account was seen; `key` is random unless given. Processes with different keys
 *   choose different costs for one name, as long as the table has several.
 */
export function decoys(options: { readonly first: StoredHash; readonly key?: string | undefined }): Decoys {
  const { first, key = randomBytes(32) } = options
  const keyed = (...texts: readonly string[]): Buffer =>
    createHmac('sha256', key).update(JSON.stringify(texts)).digest()

  const seen = new Set<string>()
  /** One hash of each cost, and the number of accounts that have it. */
  const costs = new Map<string, { readonly stored: StoredHash; readonly weight: number }>()
  let published: ReadonlyMap<string, { readonly stored: StoredHash; readonly weight: number }> = new Map()

  return {
    see(account, { stored, cost }) {
      if (seen.size >= MAX_ACCOUNTS) return
      const name = keyed('account', account).toString('base64')
      if (seen.has(name)) return
      seen.add(name)
      costs.set(cost, { stored: costs.get(cost)?.stored ?? stored, weight: (costs.get(cost)?.weight ?? 0) + 1 })
      if (Number.isInteger(Math.log2(seen.size))) published = new Map(costs)
    },

    for(account) {
      let chosen = first
      let earliest = Infinity
      for (const [cost, { stored, weight }] of published) {
        // Exponentially distributed, so that the earliest one is that of each cost with the probability of its weight.
        const time = -Math.log((keyed('cost', account, cost).readUInt32BE() + 1) / 2 ** 32) / weight
        if (time < earliest) [chosen, earliest] = [stored, time]
      }
      return chosen
    },
  }
}
