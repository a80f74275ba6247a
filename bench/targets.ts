import { table } from './numbers.js'
import type { Results } from './results.js'

interface Target {
  readonly what: string
  readonly limit: number
  readonly isFloor: boolean
  readonly of: (results: Results) => number
}

/** Ratios of one run. */
const TARGETS: readonly Target[] = [
  floor('users in memory, of the open route', 0.6, (r) => http(r, 'tokenApi, users in memory') / http(r, 'open route')),
  floor('PostgreSQL, of the open route', 0.4, (r) => http(r, 'tokenApi, PostgreSQL') / http(r, 'open route')),
  floor(
    'PostgreSQL, to one look-up by hand',
    2.5,
    (r) => http(r, 'tokenApi, PostgreSQL') / http(r, 'by hand, PostgreSQL'),
  ),
  floor('SQLite, of the open route', 0.33, (r) => http(r, 'tokenApi, SQLite') / http(r, 'open route')),
  floor('SQLite, to one look-up by hand', 2.2, (r) => http(r, 'tokenApi, SQLite') / http(r, 'by hand, SQLite')),
  floor(
    'SQLite, to koa-jwt with a secret as text',
    5,
    (r) => http(r, 'tokenApi, SQLite') / http(r, 'koa-jwt, secret as text'),
  ),
  ceiling(
    'verify, of fast-jwt without its cache',
    1.2,
    (r) => verify(r, 'sealedPairs') / verify(r, 'fast-jwt, without its cache'),
  ),
  ceiling(
    'verify, of jsonwebtoken with a key object',
    1,
    (r) => verify(r, 'sealedPairs') / verify(r, 'jsonwebtoken, key object'),
  ),
  floor('jose, of verify', 6, (r) => verify(r, 'jose') / verify(r, 'sealedPairs')),
  ceiling('the largest table, of the smallest', 1.5, (r) =>
    Math.max(...(r.scale?.tables ?? []).map(({ ratio }) => ratio)),
  ),
  ceiling('p99 of checks beside a login flood, ms', 100, (r) =>
    Math.max(...(r.flood ?? []).map(({ flood99 }) => flood99)),
  ),
  ceiling('statements that write, for each guarded request', 0, (r) =>
    Math.max(...(r.http ?? []).filter(({ name }) => name !== 'timedTokenApi, SQLite').map(({ writes }) => writes)),
  ),
  ceiling('answers other than 429 beyond the limit of logins', 0, (r) =>
    Math.max(...(r.cluster ?? []).flatMap(({ judged, limit }) => judged.map((one) => Math.abs(one - limit)))),
  ),
]

/** The targets of which a run has the figures. */
export function targetsTable(results: Results): string {
  const rows = TARGETS.map(({ what, limit, isFloor, of }) => {
    const value = of(results)
    const isMet = isFloor ? value >= limit : value <= limit
    return { what, limit: `${isFloor ? '≥' : '≤'} ${limit}`, value, verdict: isMet ? 'met' : 'missed' }
  }).filter(({ value }) => Number.isFinite(value))
  return table(
    ['target', 'wanted', 'measured', ''],
    rows.map(({ what, limit, value, verdict }) => [what, limit, value.toFixed(2), verdict]),
  )
}

function floor(what: string, limit: number, of: Target['of']): Target {
  return { what, limit, isFloor: true, of }
}

function ceiling(what: string, limit: number, of: Target['of']): Target {
  return { what, limit, isFloor: false, of }
}

function http({ http: rows = [] }: Results, name: string): number {
  return rows.find((row) => row.name === name)?.perSecond ?? Number.NaN
}

function verify({ micro = [] }: Results, name: string): number {
  return micro.find((row) => row.name === name)?.verify ?? Number.NaN
}
