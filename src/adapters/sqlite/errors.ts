/** What SQLite's codes mean to whoever looks after the file. */
import { SixfoldError } from '../../kernel/errors.ts'

export function storageError(error: unknown, path: string): unknown {
  const { code = '' } = error as NodeJS.ErrnoException
  const message = error instanceof Error ? error.message : String(error)
  const is = (pattern: RegExp): boolean => pattern.test(code) || pattern.test(message)
  // A write-ahead file that cannot grow is an input or output error in SQLite's words.
  if (is(/SQLITE_FULL|database or disk is full|^ENOSPC$|^EDQUOT$|SQLITE_IOERR_(WRITE|SHMSIZE)/))
    return new SixfoldError('SX_STORAGE_FULL', `No space is left for '${path}'.`, { cause: error })
  // 14 is SQLITE_CANTOPEN where libsql gives no code; ENOENT is what Node says of folders made on a disk that is read only.
  if (is(/SQLITE_READONLY|SQLITE_CANTOPEN|ConnectionFailed.*: 14\b|^(EROFS|EACCES|EPERM|ENOENT)$/))
    return new SixfoldError('SX_STORE_READ_ONLY', `'${path}' cannot be written to.`, { cause: error })
  if (is(/SQLITE_(CORRUPT|NOTADB)/))
    return new SixfoldError('SX_STORE_CORRUPT', `'${path}' is damaged, or no file of SQLite's.`, {
      fix: 'Restore the file from a copy.',
      cause: error,
    })
  if (is(busy))
    return new SixfoldError('SX_STORE_UNAVAILABLE', `'${path}' is held by another process for longer than 10 s.`, {
      cause: error,
    })
  return error
}

const busy = /SQLITE_(BUSY|LOCKED)/

export const isBusy = (error: unknown): boolean => busy.test((error as NodeJS.ErrnoException).code ?? '')
