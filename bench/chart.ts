import type { HttpRow } from './http.js'
import { grouped } from './numbers.js'

const WIDTH = 760
const LEFT = 230
const RIGHT = 150
const BAR = 18
const GAP = 8
const TOP = 44

/** Requests per second as bars, one for each line of the table; black on white, so that it reads on any page. */
export function chart(rows: readonly HttpRow[]): string {
  const most = Math.max(...rows.map(({ perSecond }) => perSecond))
  const bars = rows.map(({ name, perSecond, toOpen }, at) => {
    const y = TOP + at * (BAR + GAP)
    const width = Math.max(1, Math.round((perSecond / most) * (WIDTH - LEFT - RIGHT)))
    const middle = y + BAR / 2 + 4
    return `  <text x="${LEFT - 8}" y="${middle}" text-anchor="end">${escaped(name)}</text>
  <rect x="${LEFT}" y="${y}" width="${width}" height="${BAR}" fill="${colour(name)}"/>
  <text x="${LEFT + width + 6}" y="${middle}">${grouped(perSecond)} (${Math.round(toOpen * 100)} %)</text>`
  })
  const height = TOP + rows.length * (BAR + GAP) + 8
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13" fill="#222">
  <title>Requests per second over 32 connections</title>
  <rect width="${WIDTH}" height="${height}" fill="#fff"/>
  <text x="12" y="24" font-size="15" font-weight="bold">Requests per second over 32 connections, and share of the open route</text>
${bars.join('\n')}
</svg>
`
}

function colour(name: string): string {
  if (name === 'open route') return '#9aa5b1'
  return name.includes('okenApi') || name.startsWith('jwtApi') ? '#2563a8' : '#d9a441'
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
