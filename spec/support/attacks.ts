import { expect } from 'chai'
import type { Knex } from 'knex'
import {
  djangoPairs,
  memoryUsers,
  passwords,
  scrypt,
  sealedPairs,
  tokenApi,
  type TokenApiOptions,
  type User,
} from 'koa-tokenapi'
import { knexUsers } from 'koa-tokenapi/knex'
import { type Counting, counting } from './counting.js'
import { type Served, serve } from './http.js'
import { asJson, type Received, send, type Sent } from './send.js'
import { NOON, PARSERS, quickPasswords, SECRET, type TokenApp, tokenApp } from './token-app.js'

export type Request = Sent & { readonly path: string }

/** A request, and the status that refuses it. */
export type Offer = readonly [status: 401 | 403, request: Request]

export const MISSING = "Must include 'user' and 'token' parameters with request."
export const WRONG_PAIR = 'Incorrect user and token pair.'
export const NO_MATCH = 'Token did not match user.'
export const NO_LOGIN = 'Unable to log you in, please try again.'
export const INCOMPLETE = "Must include 'username' and 'password' as POST parameters."

export const PASSWORD = 'the password of the admin'
export const hash = await quickPasswords.hash(PASSWORD)
export const quick = scrypt({ cost: 16, blockSize: 1, parallelization: 1 })

export const clock = (): number => NOON
export const sealer = sealedPairs({ secret: SECRET, clock })
export const django = djangoPairs({ secret: SECRET, clock })

export const ADMIN = { id: 1, username: 'admin', isActive: true, tokenEpoch: 0 }
export const BOB = { ...ADMIN, id: 2, username: 'bob' }
export const token = (await sealer.issue({ ...ADMIN, password: hash })).token
export const djangoToken = (await django.issue({ ...ADMIN, password: hash })).token
export const bobsToken = (await sealer.issue({ ...BOB, password: hash })).token

/** What no response to a refused request may hold. */
const secrets = [hash, PASSWORD, SECRET, token, djangoToken, bobsToken]

/** The same request with one value after another. */
export function each<V>(status: 401 | 403, values: readonly V[], request: (value: V) => Request): readonly Offer[] {
  return values.map((value) => [status, request(value)])
}

export function query(user: string, text: string): string {
  return `user=${encodeURIComponent(user)}&token=${encodeURIComponent(text)}`
}

export function sendTo(url: string, { path, ...sent }: Request): Promise<Received> {
  return send(url, path, sent)
}

/** What holds for every refusal: JSON, a challenge with each 401 and 403, nothing cached, nothing secret in it. */
export function expectRefusal(response: Received, status: number, errors: string, named: string): void {
  expect([response.status, response.json], named).to.deep.equal([status, { success: false, errors }])
  expect('www-authenticate' in response.headers, named).to.equal(status === 401 || status === 403)
  expect(response.headers['cache-control'], named).to.equal('no-store')
  expect(response.headers['x-content-type-options'], named).to.equal('nosniff')
  const everything = JSON.stringify([response.headers, response.text])
  for (const secret of secrets) expect(everything, named).not.to.include(secret)
}

/** What holds after refusals: no handler ran, no user was set, and there was no internal error. */
export function expectUntouched({ reached, users }: TokenApp, { errors }: Served, named: string): void {
  expect(reached, named).to.deep.equal([])
  expect(
    users.filter((user) => user !== undefined),
    named,
  ).to.deep.equal([])
  expect(errors, named).to.deep.equal([])
}

/** Clears what earlier requests left, so that specs do not depend on each other. */
export function forget({ reached, users }: TokenApp, { errors }: Served): void {
  for (const list of [reached, users, errors]) list.splice(0)
}

export const CONTROL = /\p{Cc}/u

/** A token whose seal fits this very text: only the lookup can refuse it. None for a text that is sealed nowhere. */
export async function sealedFor(id: string): Promise<readonly string[]> {
  if (id === '' || id.length > 255 || CONTROL.test(id)) return []
  return [(await sealer.issue({ id, username: 'admin', password: hash })).token]
}

/** The main API with a frozen clock, quick hashes and no throttle. */
export function apiOf<U extends User>(users: TokenApiOptions<U>['users'], more: Partial<TokenApiOptions<U>> = {}) {
  return tokenApi<U>({ users, secret: SECRET, clock, passwords: quickPasswords, throttle: false, ...more })
}

/** What a spec needs of an app that is served while the specs of its block run. */
export interface Target {
  readonly served: () => Served
  readonly guarded: () => TokenApp
  readonly refused: (request: Request, status: 401 | 403, named: string) => Promise<void>
  readonly untouched: (named: string) => void
}

/** Defines the same specs on an app of two users, behind each body parser. */
export function onEachParser(define: (target: Target) => void): void {
  for (const [name, parser] of Object.entries(PARSERS)) {
    describe(`with ${name}`, () => {
      const rows: User[] = [ADMIN, BOB].map((user) => ({ ...user, password: hash }))
      const target = serving(() => tokenApp(apiOf(memoryUsers(rows)), parser()))
      define(target)
    })
  }
}

/** What a spec needs of an app with user names on a database. */
export interface NamedUsers extends Target {
  readonly hasher: Counting
  readonly logIn: (username: unknown, password?: unknown) => Promise<Received>
}

/** A table with the users admin, josé, big, k and s (1 to 5), fresh for each spec, and an app on it that counts its hashes. */
export function namedUsers(db: () => Knex): NamedUsers {
  const hasher = counting(quick)
  before(() =>
    // A table as an application would make it: MariaDB compares its names without case, accents and blanks at the end.
    db().schema.createTable('named_users', (table) => {
      table.increments('id')
      table.string('username', 150).unique()
      table.string('password', 255)
      table.boolean('is_active').notNullable().defaultTo(true)
    }),
  )
  const target = serving(() => {
    const users = knexUsers(db(), { table: 'named_users', columns: { tokenEpoch: null } })
    return tokenApp(apiOf(users, { passwords: passwords({ hashers: [hasher] }) }))
  })
  beforeEach(async () => {
    await db()('named_users').delete()
    const names = ['admin', 'josé', 'big', 'k', 's']
    await db()('named_users').insert(names.map((username, at) => ({ id: at + 1, username, password: hash })))
  })
  const logIn = (username: unknown, password: unknown = PASSWORD): Promise<Received> =>
    send(target.served().url, '/token/new', asJson({ username, password }))
  return { ...target, hasher, logIn }
}

/** Serves an app while the specs of a block run, and forgets after each spec what arrived. */
export function serving(make: () => TokenApp): Target {
  let app: TokenApp
  let running: Served
  before(async () => {
    app = make()
    running = await serve(app.app)
  })
  beforeEach(() => forget(app, running))
  after(() => running.close())

  const untouched = (named: string): void => expectUntouched(app, running, named)
  return {
    served: () => running,
    guarded: () => app,
    untouched,
    refused: async (request, status, named) => {
      expectRefusal(await sendTo(running.url, request), status, status === 401 ? MISSING : WRONG_PAIR, named)
      untouched(named)
    },
  }
}
