/** A name for a log, made when its folder is: two logs never share one, wherever they are copied to. */
import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { storageError } from '../../kernel/files.ts'

export function identityOf(folder: string): string {
  const path = join(folder, 'identity')
  for (;;) {
    try {
      return `file:${readFileSync(path, 'utf8').trim()}`
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw storageError(error, folder)
    }
    // Written beside and linked to its place, which only the first of several processes can do, and whole.
    const own = `${path}.${randomUUID()}`
    try {
      mkdirSync(folder, { recursive: true })
      writeFileSync(own, `${randomUUID()}\n`)
      linkSync(own, path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw storageError(error, folder)
    } finally {
      rmSync(own, { force: true })
    }
  }
}
