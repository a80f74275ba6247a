/**
 * The names of the options of a factory. Write the list with `satisfies OptionNames<Options>`: an option that is added to the
 * interface and not to the list does not compile, and neither does a name that is not an option.
 */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>

/**
 * Checks that a factory was given an object, and in it no property of another name than those of its options.
 *
 * @throws {TypeError} that names what is wrong, and the name that was probably meant. It holds no value.
 */
export function checkOptions(factory: string, options: unknown, names: Readonly<Record<string, true>>): void {
  const known = Object.keys(names)
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`${factory} takes an object with the options ${known.join(', ')}`)
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(names, name))
  if (unknown.length === 0) return
  throw new TypeError(`${factory} has no option ${unknown.map((name) => describe(name, known)).join(', ')}`)
}

function describe(name: string, known: readonly string[]): string {
  const meant = known.find((one) => plain(one) === plain(name))
  return meant === undefined ? name : `${name} (is ${meant} meant?)`
}

function plain(name: string): string {
  return name.replaceAll(/[_-]/g, '').toLowerCase()
}

/** The options of these names that were given, undefined ones too: a factory passes on what is meant for another. */
export function pickOptions<Options extends object, Names extends object>(
  options: Options,
  names: Names,
): Pick<Options, Extract<keyof Options, keyof Names>> {
  const picked = Object.entries(options).filter(([name]) => Object.hasOwn(names, name))
  return Object.fromEntries(picked) as Pick<Options, Extract<keyof Options, keyof Names>> // they have been filtered by name
}

/** @throws {TypeError} that names the options that were given, if `reason` makes them meaningless. */
export function refuseOptions(options: object, names: Readonly<Record<string, true>>, reason: string): void {
  const given = Object.entries(options).filter(([name, value]) => value !== undefined && Object.hasOwn(names, name))
  if (given.length > 0) throw new TypeError(`${given.map(([name]) => name).join(', ')} ${reason}`)
}
