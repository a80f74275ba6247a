import * as fc from 'fast-check'
import { type LimitedRequest, type Limits } from '../../lib/limits.js'

// Few values, so that random limits and requests often have something to do with each other.
const scope = fc.constantFrom('a', 'b', 'c', 'orders:read', '!', '~')
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'M-SEARCH')
const segment = fc.constantFrom('a', 'b', 'files', '1', '...', 'a.b', '%20', '~')

const path = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([segments, isFolder]) => `/${segments.join('/')}${isFolder ? '/' : ''}`)

/** Limits that have a text form, one to four of them in one object. */
export const anyLimits: fc.Arbitrary<Limits> = fc
  .record(
    {
      expiresAt: fc.nat({ max: 2000 }),
      scopes: fc.array(scope, { minLength: 1, maxLength: 4 }),
      methods: fc.array(method, { minLength: 1, maxLength: 4 }),
      path,
    },
    { requiredKeys: [] },
  )
  .filter((limits) => Object.keys(limits).length > 0)

/** One limit. */
export const anyLimit: fc.Arbitrary<Limits> = fc.oneof(
  fc.nat({ max: 2000 }).map((expiresAt) => ({ expiresAt })),
  fc.array(scope, { minLength: 1, maxLength: 4 }).map((scopes) => ({ scopes })),
  fc.array(method, { minLength: 1, maxLength: 4 }).map((methods) => ({ methods })),
  path.map((one) => ({ path: one })),
)

const oddPath = fc.oneof(
  { weight: 4, arbitrary: path },
  path.map((one) => `${one}?x=/../y`),
  path.map((one) => `${one}/../a`),
  path.map((one) => `${one}#/x`),
  path.map((one) => `http://host${one}`),
  fc.constantFrom('/', '*', '', '//a', '/files/%2e%2e/a', '/a%2fb', '/a\\b'),
)

/** A request, or none. */
export const anyRequest: fc.Arbitrary<LimitedRequest | undefined> = fc.option(
  fc.record({
    method: fc.oneof({ weight: 6, arbitrary: method }, fc.constantFrom('CONNECT', 'get', '')),
    path: oddPath,
    upgrade: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true)),
  }),
  { nil: undefined, freq: 8 },
)

/** What a route needs, or nothing. */
export const anyScopes: fc.Arbitrary<readonly string[] | undefined> = fc.option(
  fc.array(scope, { minLength: 1, maxLength: 3 }),
  { nil: undefined },
)
