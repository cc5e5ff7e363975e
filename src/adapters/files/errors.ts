/** What a disk that is full, or may not be written to, means to whoever looks after it. */
import { SixfoldError } from '../../kernel/errors.ts'

export function storageError(error: unknown, place: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new SixfoldError('SX_STORAGE_FULL', `No space is left in '${place}'.`, { cause: error })
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM')
    return new SixfoldError('SX_STORE_READ_ONLY', `'${place}' cannot be written to.`, { cause: error })
  return error
}
