/** What files are and that they are on disk, for whoever keeps some; and what a disk says that will not have them. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { SixfoldError } from './errors.ts'

/** In constant memory. */
export async function hashOfFile(path: string): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { sha256: hash.digest('hex'), bytes }
}

/** A file, or a folder with the names in it. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Of a disk that is full, or may not be written to, what that means to whoever looks after it; of anything else, itself. */
export function storageError(error: unknown, place: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new SixfoldError('SX_STORAGE_FULL', `No space is left in '${place}'.`, { cause: error })
  // Node calls it so where folders that are to be made along the way cannot be, on a disk that is read only.
  const unmade = code === 'ENOENT' && syscall === 'mkdir'
  if (unmade || code === 'EROFS' || code === 'EACCES' || code === 'EPERM')
    return new SixfoldError('SX_STORE_READ_ONLY', `'${place}' cannot be written to.`, { cause: error })
  return error
}
