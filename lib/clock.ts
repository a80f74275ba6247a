import { ContractViolation } from './errors.js'

/** Whole seconds since 1970. Whatever needs the time takes one as an option. */
export type Clock = () => number

/** The clock of this machine, the default everywhere. */
export const systemClock: Clock = () => Math.floor(Date.now() / 1000)

// Every count of milliseconds since 2001 is above it, and every second up to the year 9999 below.
const MAX_TIME = 1e12
const WRONG_CLOCK = 'clock must be a function that gives whole seconds since 1970'

/**
 * The clock of an option, tried at start-up and looked at each time it is read.
 *
 * @throws {TypeError} then and there, unless it gives whole seconds: a clock in milliseconds or with fractions would make tokens that nobody reads.
 */
export function wholeClock(clock: Clock = systemClock): Clock {
  if (clock === systemClock) return clock
  if (typeof clock !== 'function') throw new ContractViolation(WRONG_CLOCK)
  // Looked at each time: nothing is ever older than a clock that has stopped giving numbers.
  const checked = (): number => {
    const now = clock()
    if (!Number.isSafeInteger(now) || now < 0 || now >= MAX_TIME) throw new ContractViolation(WRONG_CLOCK)
    return now
  }
  checked()
  return checked
}

const MAX_SKEW = 60

/**
 * Whether a time that a token states lies in the future: more than 60 s ahead, which is allowed for servers whose clocks
 * differ, or more than `leeway` seconds if that is larger. True for what is not a number.
 */
export function isInFuture(time: number, now: number, leeway: number = MAX_SKEW): boolean {
  return !(time <= now + Math.max(leeway, MAX_SKEW))
}

/**
 * Checks an option that is a span of time, at start-up, or what a function among the options gives for it.
 *
 * @throws {ContractViolation} that names the option unless it is a safe integer of at least `least`: "7", NaN and Infinity are none.
 */
export function wholeSpan(name: string, value: unknown, least = 1): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw new ContractViolation(`${name} must be a whole number of at least ${least}`)
  }
  return value as number // isSafeInteger has just said so
}

/** A span from options, with its default only where it is absent: an `undefined` that was written comes of a setting that is missing. */
export function spanOption<Name extends string>(
  options: { readonly [N in Name]?: unknown },
  name: Name,
  fallback: number,
  least = 1,
): number {
  return wholeSpan(name, Object.hasOwn(options, name) ? options[name] : fallback, least)
}
