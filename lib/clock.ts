import { ContractViolation } from './errors.js'

/** Returns whole seconds since 1970. Everything that needs the time takes a clock as an option. */
export type Clock = () => number

/** The clock of this machine, the default everywhere. */
export const systemClock: Clock = () => Math.floor(Date.now() / 1000)

// Every count of milliseconds since 2001 is above it, and every second up to the year 9999 below.
const MAX_TIME = 1e12
const WRONG_CLOCK = 'clock must be a function that returns whole seconds since 1970'

/**
 * The clock of an option, checked at start-up and each time it is read.
 *
 * @throws {ContractViolation} at both times unless it returns whole seconds: with a clock in milliseconds or with fractions no token
 *   would be readable.
 */
export function wholeClock(clock: Clock = systemClock): Clock {
  if (clock === systemClock) return clock
  if (typeof clock !== 'function') throw new ContractViolation(WRONG_CLOCK)
  // Checked each time, since no token ever expires by a clock that has stopped returning numbers.
  const checked = (): number => {
    const now = clock()
    if (!Number.isSafeInteger(now) || now < 0 || now >= MAX_TIME) throw new ContractViolation(WRONG_CLOCK)
    return now
  }
  checked()
  return checked
}

/** Seconds by which the clocks of two servers may differ. */
export const MAX_SKEW = 60

/**
 * Whether a time that a token states lies in the future: more than 60 s ahead, which is allowed for servers whose clocks
 * differ, or more than `leeway` seconds if that is larger. True for what is not a number.
 */
export function isInFuture(time: number, now: number, leeway: number = MAX_SKEW): boolean {
  return !(time <= now + Math.max(leeway, MAX_SKEW))
}

/**
 * Checks an option that is a span of time, at start-up, or what a function among the options returns for it.
 *
 * @throws {ContractViolation} that names the option unless it is a safe integer of at least `least`, which "7", NaN and Infinity are not.
 */
export function wholeSpan(name: string, value: unknown, least = 1): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw new ContractViolation(`${name} must be a whole number of at least ${least}`)
  }
  return value as number // isSafeInteger has just checked it
}

/** A span from options, with its default only if it is absent: an `undefined` that was written comes from a missing setting. */
export function spanOption<Name extends string>(
  options: { readonly [N in Name]?: unknown },
  name: Name,
  fallback: number,
  least = 1,
): number {
  return wholeSpan(name, Object.hasOwn(options, name) ? options[name] : fallback, least)
}
