/** What a disk that is full, or may not be written to, means to whoever looks after it. */
import { SixfoldError } from '../../kernel/errors.ts'

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
