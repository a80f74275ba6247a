import { type Passwords, passwords } from './passwords.js'

let defaults: Passwords | undefined

/** The passwords of an application that chose no hashers. They are made at the first call: not at import, which must stay free. */
export function defaultPasswords(): Passwords {
  defaults ??= passwords()
  return defaults
}

/** A new hash in Django's scrypt format, for `user.password`. @throws as `Passwords.hash` does. */
export function hashPassword(password: string): Promise<string> {
  return defaultPasswords().hash(password)
}

/** Whether a password is that of a stored hash of any Django format. It always costs one hash. */
export function verifyPassword(password: string, encoded: string | null): Promise<boolean> {
  return defaultPasswords().verify(password, encoded)
}

/** Whether `hashPassword` would make a stronger hash than the stored one. */
export function needsRehash(encoded: string | null): boolean {
  return defaultPasswords().needsRehash(encoded)
}
