/** What artifacts are put from, and under which name they are kept. */
import { access, constants, stat } from 'node:fs/promises'
import { SixfoldError } from '../../kernel/errors.ts'

/** Throws SX_ARTIFACT_INVALID where there is no such file, or it is not this user's to read. */
export async function mustBeReadable(path: string): Promise<void> {
  try {
    if (!(await stat(path)).isFile()) throw new Error('It is no file.')
    await access(path, constants.R_OK)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new SixfoldError('SX_ARTIFACT_INVALID', `'${path}' cannot be read. ${why}`, {
      fix: 'Correct the path, or give this user the right to read it.',
      cause: error,
    })
  }
}

/** What names an artifact's file or object below its folder. */
export function artifactName(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new SixfoldError('SX_INTERNAL', `'${sha256}' is no SHA-256.`)
  return `${sha256.slice(0, 2)}/${sha256}`
}
