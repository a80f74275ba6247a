import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { expect } from 'chai'
import { exportedApis, exportedKinds, fileOf } from './support/exports.js'

/**
 * Who may import whom, types too: for a folder of lib, or a file beside them, what it may name. Nothing else, no circles.
 * The way of a request reads down the list; what stands lower knows nothing of what stands higher.
 */
const MAY_IMPORT: Readonly<Record<string, readonly RegExp[]>> = {
  index: [/^(?!cli\/)/],
  knex: [/^stores\//],
  jwt: [/^(apis|tokens|koa)\//],
  narrow: [/^limits$/, /^tokens\/sealed-head$/],
  cli: [/^(cli|stores|tokens)\//, /^(limits|event|error-message)$/],
  apis: [
    /^(apis|koa|tokens|credentials)\//,
    /^(login|authenticate|limits|throttle|event|crypto|deadline|response)$/,
    /^passwords\/(passwords|default-passwords)$/,
    /^stores\/([a-z]+-store|active-user)$/,
  ],
  koa: [
    /^koa\//,
    /^(authenticate|login|limits|json-text|error-message|response)$/,
    /^tokens\/token-kind$/,
    /^credentials\/credentials$/,
  ],
  authenticate: [/^credentials\/credentials$/, /^tokens\/token-kind$/, /^limits$/],
  login: [/^passwords\/passwords$/, /^throttle$/],
  tokens: [/^tokens\//, /^stores\/[a-z]+-store$/, /^(limits|crypto|json-text)$/],
  passwords: [/^passwords\//, /^crypto$/],
  stores: [/^stores\//, /^(limits|deadline|error-message)$/],
  credentials: [/^credentials\//],
  throttle: [/^(crypto|deadline)$/],
  limits: [],
  event: [],
  deadline: [],
  errors: [],
  'option-names': [],
  'error-message': [],
  response: [],
  user: [],
  verdict: [],
  clock: [],
  crypto: [],
  'json-text': [],
}

/** What every place may import. */
const BY_ALL = /^(errors|verdict|user|clock|option-names)$/

/** The places that know a package; every other import of one is refused. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  koa: /^(koa|apis)\//,
  '@koa/router': /^(koa|apis)\//,
  'rate-limiter-flexible': /^throttle$/,
  knex: /^stores\/knex\//,
  'jose/errors': /^tokens\/jwt\/signature$/,
  'jose/jws/compact/sign': /^tokens\/jwt\/signature$/,
  'jose/jws/compact/verify': /^tokens\/jwt\/signature$/,
  '@node-rs/argon2': /^passwords\/argon2-package$/,
  argon2: /^passwords\/argon2-package$/,
  '@node-rs/bcrypt': /^passwords\/bcrypt-package$/,
  bcrypt: /^passwords\/bcrypt-package$/,
}

interface Import {
  readonly from: string
  /** A file of lib without its ending, or a package. */
  readonly to: string
  /** Whether it is there only for types, and gone when the code runs. */
  readonly isType: boolean
  readonly isPackage: boolean
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:[^'"=;()]*?\s?from\s+)?'([^']+)'/gm
const EXPRESSION = /\bimport\(\s*'([^']+)'|\brequire\(\s*'([^']+)'|createRequire\([^)]*\)\(\s*'([^']+)'/g

/** What a file imports, in statements and in expressions. */
function importsOf(file: string, text: string): readonly Import[] {
  const found: Import[] = []
  const add = (name: string, isType: boolean): void => {
    if (name.startsWith('node:')) return
    const to = name.startsWith('.') ? posix.join(posix.dirname(file), name).replace(/\.js$/, '') : name
    found.push({ from: file, to, isType, isPackage: !name.startsWith('.') })
  }
  for (const [, type, name = ''] of text.matchAll(STATEMENT)) add(name, type !== undefined)
  for (const [, ...names] of text.matchAll(EXPRESSION)) add(names.find((name) => name !== undefined) ?? '', false)
  return found
}

/** The folder of a file, or the file itself where it stands beside the folders. */
function placeOf(file: string): string {
  return file.split('/')[0] ?? file
}

/** A package and a file may have one name: `knex` is the door and the package. */
function isAllowed({ from, to, isPackage }: Import): boolean {
  if (isPackage) return Object.hasOwn(PACKAGES, to) && PACKAGES[to]?.test(from) === true
  return BY_ALL.test(to) || (MAY_IMPORT[placeOf(from)] ?? []).some((rule) => rule.test(to))
}

function say({ from, to }: Import): string {
  return `${from} → ${to}`
}

/** The first circle that is found from a file on, or null. */
function circleFrom(start: string, edges: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const done = new Set<string>()
  const walk = (file: string, way: readonly string[]): readonly string[] | null => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file]
    if (done.has(file)) return null
    for (const next of edges.get(file) ?? []) {
      const circle = walk(next, [...way, file])
      if (circle !== null) return circle
    }
    done.add(file)
    return null
  }
  return walk(start, [])
}

function edgesOf(imports: readonly Import[]): ReadonlyMap<string, readonly string[]> {
  const edges = new Map<string, string[]>()
  for (const { from, to, isPackage } of imports)
    edges.set(from, [...(edges.get(from) ?? []), isPackage ? `package ${to}` : to])
  return edges
}

/** Everything that is loaded when a file is, packages included. */
function loadedBy(start: string): ReadonlySet<string> {
  const edges = edgesOf(imports.filter((one) => !one.isType))
  const loaded = new Set<string>()
  const load = (name: string): void => {
    if (loaded.has(name)) return
    loaded.add(name)
    for (const next of edges.get(name) ?? []) load(next)
  }
  load(start)
  return loaded
}

const lib = new URL('../lib/', import.meta.url)

function textOf(file: string): string {
  return readFileSync(new URL(`${file}.ts`, lib), 'utf8')
}

function specOf(file: string): string {
  return readFileSync(new URL(`./${file}.spec.ts`, import.meta.url), 'utf8')
}

const files = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.replaceAll('\\', '/').replace(/\.ts$/, ''))
const imports = files.flatMap((file) => importsOf(file, textOf(file)))

describe('the architecture', () => {
  it('allows only the imports of the table', () => {
    expect(imports).to.have.length.above(100)
    expect(imports.filter((one) => !isAllowed(one)).map(say)).to.deep.equal([])
  })

  it('has a place in the table for every file, and a file for every place', () => {
    const places = [...new Set(files.map(placeOf))]
    expect(places.filter((place) => !Object.hasOwn(MAY_IMPORT, place))).to.deep.equal([])
    expect(Object.keys(MAY_IMPORT).filter((place) => !places.includes(place))).to.deep.equal([])
  })

  it('imports files that are there, with their endings', () => {
    const missing = imports.filter(
      ({ to, isPackage }) => !(isPackage ? Object.hasOwn(PACKAGES, to) : files.includes(to)),
    )
    expect(missing.map(say)).to.deep.equal([])
  })

  it('has no circles', () => {
    const edges = edgesOf(imports)
    for (const file of files) expect(circleFrom(file, edges)?.join(' → ') ?? 'none').to.equal('none')
  })

  it('has two levels of folders at most, none of them for odds and ends', () => {
    const folders = files.map((file) => posix.dirname(file))
    expect(folders.filter((folder) => folder.split('/').length > 2)).to.deep.equal([])
    const names = folders.flatMap((folder) => folder.split('/'))
    expect(names.filter((name) => /^(utils?|helpers?|types?|common|errors?|shared|misc)$/.test(name))).to.deep.equal([])
  })

  it('names files in lower case', () => {
    expect(files.filter((file) => !/^([a-z0-9-]+\/){0,2}[a-z0-9-]+$/.test(file))).to.deep.equal([])
  })

  it('uses Koa only in lib/koa and lib/apis', () => {
    const knowing = imports
      .filter(({ to, isPackage }) => isPackage && /^(koa$|@koa\/)/.test(to))
      .map(({ from }) => placeOf(from))
    expect([...new Set(knowing)].toSorted()).to.deep.equal(['apis', 'koa'])
  })

  it('imports index and cli only from outside', () => {
    expect(
      imports
        .filter(({ to }) => to === 'index' || placeOf(to) === 'cli')
        .filter(({ from }) => placeOf(from) !== 'cli')
        .map(say),
    ).to.deep.equal([])
  })

  it('loads neither Knex nor jose nor a hash package for those who import the root', () => {
    const loaded = loadedBy('index')
    expect(loaded).to.include('authenticate')
    expect([...loaded].filter((name) => /^package (knex|jose)\b/.test(name))).to.deep.equal([])
    // They are loaded when their hasher is made, and not when its file is.
    const hashPackages = imports.filter(({ from, isPackage }) => isPackage && from.startsWith('passwords/'))
    expect(hashPackages).to.have.length.above(3)
    for (const { from, to } of hashPackages) {
      const text = readFileSync(new URL(`${from}.ts`, lib), 'utf8')
      expect(text).to.match(new RegExp(`^ {6}const library = require\\('${to}'\\)`, 'm'))
    }
  })

  describe('a security rule that several files need is written once', () => {
    // `anyOf` issues what its first kind issues.
    const kinds = files.filter(
      (file) =>
        file.startsWith('tokens/') &&
        /^export function .*Kind(<.*>)? \{$/m.test(textOf(file)) &&
        file !== 'tokens/any-of',
    )

    it('knows every kind that is exported', () => {
      expect(kinds.toSorted()).to.include.members([...new Set(exportedKinds.map(fileOf))])
    })

    it('the check of a user’s id, in every kind', () => {
      const unchecked = kinds.filter((file) => !/\buserIdText\(user\)|\bopaque\(/.test(textOf(file)))
      expect(unchecked).to.deep.equal([])
      expect(textOf('tokens/opaque')).to.include('userIdText(user)')
      expect(files.filter((file) => textOf(file).includes("'user.id must be"))).to.deep.equal(['user'])
    })

    it('the contract of a kind, in the spec of every kind', () => {
      expect(kinds.filter((file) => !specOf(file).includes('behavesLikeATokenKind('))).to.deep.equal([])
    })

    it('the contract of an API with a login, in the spec of every exported one except the main API', () => {
      const without = exportedApis.filter((name) => !specOf(fileOf(name)).includes('behavesLikeASibling('))
      expect(without.toSorted()).to.deep.equal(['apiKeys', 'tokenApi'])
      expect(textOf(fileOf('apiKeys'))).not.to.include('loginApi')
    })

    it("what users read: each API is in the README's table and in the example app", () => {
      const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
      const routes = new URL('../example-app/routes/', import.meta.url)
      const example = readdirSync(routes)
        .map((file) => readFileSync(new URL(file, routes), 'utf8'))
        .join('\n')
      expect(exportedApis).to.have.length.above(5)
      for (const name of exportedApis) {
        expect(readme, name).to.match(new RegExp(`^\\| \`${name}\` +\\|`, 'm'))
        expect(example, name).to.match(new RegExp(`\\b${name}(<\\w+>)?\\(`))
      }
    })

    it('the clock skew that is allowed', () => {
      const dated = files.filter((file) => /\bisInFuture\(/.test(textOf(file)) && file !== 'clock')
      expect(dated).to.include.members(['tokens/jwt/claims', 'tokens/sealed-pair', 'tokens/signed'])
      expect(files.filter((file) => /\bMAX_SKEW =|> now \+ \d/.test(textOf(file)))).to.deep.equal(['clock'])
    })

    it('what tokens may be bound to, in every kind with boundTo', () => {
      const bound = files.filter((file) => file.startsWith('tokens/') && /\bboundToOption\(/.test(textOf(file)))
      const unchecked = bound.filter(
        (file) => !/\bissueBond\(/.test(textOf(file)) || !/\bverifyBond\(/.test(textOf(file)),
      )
      expect(bound).to.include.members(['tokens/jwt/kind', 'tokens/opaque', 'tokens/sealed-pair', 'tokens/signed'])
      expect(unchecked).to.deep.equal([])
      const takers = files.filter((file) => /readonly boundTo\?:/.test(textOf(file)) && file.startsWith('tokens/'))
      expect(takers.filter((file) => !bound.includes(file))).to.deep.equal([])
    })

    it('the control characters', () => {
      expect(files.filter((file) => /\\p\{Cc\}\/|\\x00-\\x1f|\\u0000-\\u001f/i.test(textOf(file)))).to.deep.equal([
        'user',
      ])
    })
  })

  it('loads nothing of Node.js and no package for those who import narrow, which runs in browsers', () => {
    const loaded = [...loadedBy('narrow')]
    expect(loaded).to.include.members(['limits', 'tokens/sealed-head'])
    expect(loaded.filter((name) => name.startsWith('package '))).to.deep.equal([])
    for (const file of loaded) {
      const text = readFileSync(new URL(`${file}.ts`, lib), 'utf8')
      expect(text, file).not.to.match(/'node:|\bBuffer\.|\bprocess\./)
    }
  })

  describe('the rules themselves', () => {
    it('read every form of import', () => {
      const text = [
        "import one from './one.js'",
        "import type { Two } from '../two.js'",
        "import {\n  three,\n  type Four,\n} from '../a/three.js'",
        "export * from './five.js'",
        "export { six } from './six.js'",
        "export type { Seven } from './seven.js'",
        "import 'eight'",
        "import { readFileSync } from 'node:fs'",
        "const nine = await import('nine')",
        "const ten = createRequire(import.meta.url)('ten')",
        "export const eleven = 'no import'",
        "export function twelve(): string {\n  return 'no import from'\n}",
      ].join('\n')
      expect(importsOf('x/y', text).map(({ to, isType }) => (isType ? `type ${to}` : to))).to.deep.equal([
        'x/one',
        'type two',
        'a/three',
        'x/five',
        'x/six',
        'type x/seven',
        'eight',
        'nine',
        'ten',
      ])
    })

    it('say no to what the table does not name', () => {
      for (const [from, to] of [
        ['verdict', 'crypto'],
        ['credentials/basic', 'crypto'],
        ['tokens/sealed-pair', 'stores/knex/users'],
        ['tokens/sealed-pair', 'stores/memory-users'],
        ['stores/knex/users', 'tokens/opaque'],
        ['passwords/scrypt', 'event'],
        ['koa/routes', 'tokens/sealed-pair'],
        ['koa/routes', 'apis/api'],
        ['apis/api', 'stores/knex/users'],
        ['apis/api', 'passwords/gate'],
        ['apis/api', 'index'],
        ['authenticate', 'tokens/jwt/kind'],
        ['limits', 'crypto'],
        ['narrow', 'crypto'],
        ['narrow', 'tokens/sealed-pair'],
        ['knex', 'apis/api'],
        ['index', 'cli/koa-tokenapi'],
      ] as const) {
        expect(isAllowed({ from, to, isType: false, isPackage: false }), `${from} → ${to}`).to.equal(false)
      }
      for (const [from, to] of [
        ['credentials/basic', 'koa'],
        ['tokens/sealed-pair', 'jose'],
        ['tokens/sealed-pair', 'koa'],
        ['stores/memory-users', 'knex'],
        ['passwords/scrypt', '@node-rs/argon2'],
        ['login', 'rate-limiter-flexible'],
        ['index', 'knex'],
        ['knex', 'knex'],
        ['apis/api', 'left-pad'],
      ] as const) {
        expect(isAllowed({ from, to, isType: false, isPackage: true }), `${from} → package ${to}`).to.equal(false)
      }
    })

    it('find a circle', () => {
      const edges = new Map([
        ['a', ['b']],
        ['b', ['c', 'd']],
        ['d', ['b']],
      ])
      expect(circleFrom('a', edges)).to.deep.equal(['b', 'd', 'b'])
      expect(circleFrom('c', edges)).to.equal(null)
    })
  })
})
