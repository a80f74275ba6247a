import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * The secret that a file keeps, readable only by its owner; if there is no file yet, one of 256 random bits is made.
 * Processes that start at the same time end with the same one: a complete file is linked to its name, which succeeds once.
 */
export async function keptSecret(file: string): Promise<string> {
  const kept = await read(file)
  if (kept !== null) return kept

  await mkdir(dirname(file), { recursive: true })
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, `${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 })
  try {
    await link(draft, file)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error // another process was first
  } finally {
    await unlink(draft)
  }
  return (await read(file)) ?? ''
}

async function read(file: string): Promise<string | null> {
  try {
    const secret = (await readFile(file, 'utf8')).trim()
    // A file that was copied here may have another mode.
    await chmod(file, 0o600)
    return secret
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
