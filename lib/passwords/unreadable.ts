/**
 * What the format of a stored hash that no hasher reads is called, such as `$x$` (the modular crypt and PHC formats) or
 * `whirlpool$` (Django's). Undefined for a text whose beginning may be something else, part of a salt or digest for example.
 */
export function formatOf(encoded: string): string | undefined {
  return (MODULAR.exec(encoded) ?? DJANGO.exec(encoded))?.[0]
}

/** An identifier of at most 2 characters, or a word with a version behind it: never as long and mixed as a salt. */
const MODULAR = /^\$(?:[0-9A-Za-z]{1,2}|[a-z]{3,10}[0-9]{0,3}(?:id?|d)?(?:-[a-z]{2,6}[0-9]{0,3})?)\$/
/** Without a "$" before it, what comes first may be a salt, so that only names of algorithms are shown. */
const DJANGO =
  /^(?:argon2|bcrypt|scrypt|pbkdf2|crypt|md[245]|sha[0-9]?|hmac|blake|whirlpool|ripemd)(?:_?(?:sha)?[0-9]{0,4})(?:_(?:md5|sha[0-9]{1,3}|php|passlib))?\$/

const MAX_WARNINGS = 16

/** Warns once for each format, and for at most 16 of them: what stands in a column may be anything. */
export function unreadableWarnings(): (format: string | undefined) => void {
  const warned = new Set<string | undefined>()
  return (format) => {
    if (warned.has(format) || warned.size >= MAX_WARNINGS) return
    warned.add(format)
    const which = format === undefined ? 'hashes of an unknown format' : `hashes that start with '${format}'`
    process.emitWarning(
      `users with ${which} cannot log in, unless a hasher reads them: install the optional package for the format, ` +
        'give passwords() a hasher for it, or look for hashes that are malformed or too costly',
    )
  }
}

/** Whether no password logs in on purpose: there is no hash, or one that Django marks as unusable. */
export function isUnusable(encoded: string | null): boolean {
  return typeof encoded !== 'string' || encoded === '' || encoded.startsWith('!')
}
