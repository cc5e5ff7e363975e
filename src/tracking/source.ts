/**
 * From where a version is registered: an address that its client names. Each belongs to somebody, and is taken only together with the
 * run or logged model that it belongs to; a path on the server's own disk belongs to nobody. MLflow had to learn these rules one by
 * one, since whoever may name any address can have the server read any file.
 */
import { SixfoldError } from '../kernel/errors.ts'
import { shorten } from '../kernel/shorten.ts'
import type { LoggedModel, Run } from '../ports/tracking-store.ts'

export type Source =
  | { readonly kind: 'logged model'; readonly id: string }
  /** `which` is a number, a stage, 'latest', or an alias after '@'. */
  | { readonly kind: 'version'; readonly model: string; readonly which: string }
  | { readonly kind: 'run'; readonly run: string; readonly path: string }
  /** A folder of this server: its path among all files. */
  | { readonly kind: 'files'; readonly folder: string }
  /** Anywhere else: kept as it is named. */
  | { readonly kind: 'elsewhere' }

const artifactsRoute = /^\/(?:.*\/)?(?:ajax-)?api\/2\.0\/mlflow-artifacts\/artifacts(?:\/(.*))?$/

/** Throws SX_PATH_INVALID. */
export function readSource(source: string): Source {
  if (source.length > 2_000) throw invalid(source, 'it is longer than 2,000 characters')
  const plain = decoded(source)
  if (plain.includes('\0') || plain.split(/[/\\]/).includes('..')) throw invalid(source, "it has the part '..'")
  const [, scheme, rest] = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/s.exec(plain) ?? []
  // One letter is the drive of a path.
  if (scheme === undefined || rest === undefined || scheme.length === 1 || scheme.toLowerCase() === 'file')
    throw invalid(source, 'it is a path of a machine, and this server reads none')
  const [, authority, path] = /^(?:\/\/([^/?#]*))?([^?#]*)/s.exec(rest) as unknown as [string, string?, string?]
  const parts = (path ?? '').split('/').filter((part) => part !== '')
  switch (scheme.toLowerCase()) {
    case 'models':
      if (authority !== undefined && authority !== '') throw invalid(source, 'it names another registry')
      return modelIn(source, parts.join('/'))
    case 'runs': {
      if (authority !== undefined && authority !== '') throw invalid(source, 'it names another server')
      const [run, ...below] = parts
      if (run === undefined || below.length === 0) throw invalid(source, 'it names no run with a path in it')
      return { kind: 'run', run, path: below.join('/') }
    }
    case 'mlflow-artifacts':
      return { kind: 'files', folder: parts.join('/') }
    case 'http':
    case 'https': {
      const found = artifactsRoute.exec(path ?? '')
      return found === null ? { kind: 'elsewhere' } : { kind: 'files', folder: parts.slice(partsOf(path!)).join('/') }
    }
    default:
      return { kind: 'elsewhere' }
  }
}

/** How many parts of the path lead to the artifacts. */
function partsOf(path: string): number {
  const parts = path.split('/').filter((part) => part !== '')
  return parts.findIndex((part, i) => part === 'artifacts' && parts[i - 1] === 'mlflow-artifacts') + 1
}

function modelIn(source: string, path: string): Source {
  if (/^m-[0-9a-f]{32}$/.test(path)) return { kind: 'logged model', id: path }
  const [, model, which] = /^([^/@]+)(?:\/([^/@]+)|@([^/@]+))$/.exec(path) ?? []
  const alias = /^[^/@]+@([^/@]+)$/.exec(path)?.[1]
  if (model === undefined) throw invalid(source, 'it names neither a version nor a logged model')
  return { kind: 'version', model, which: alias === undefined ? which! : `@${alias}` }
}

/** The folder of this server in which a run or a logged model keeps its files; null where it keeps them elsewhere. */
export function folderOf({ artifactUri }: Pick<Run | LoggedModel, 'artifactUri'>): string | null {
  const [, path] = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/.exec(artifactUri) ?? []
  return path === undefined
    ? null
    : path
        .split('/')
        .filter((part) => part !== '')
        .join('/')
}

export const isWithin = (path: string, folder: string | null): boolean =>
  folder !== null && folder !== '' && (path === folder || path.startsWith(`${folder}/`))

export const notOf = (source: string, owner: 'run_id' | 'model_id'): SixfoldError =>
  new SixfoldError(
    'SX_PATH_INVALID',
    `The source '${shorten(source, 200)}' does not belong to the ${owner === 'run_id' ? 'run' : 'logged model'} of the request.`,
    { fix: `Send the '${owner}' of what the source belongs to.` },
  )

export const invalid = (source: string, why: string): SixfoldError =>
  new SixfoldError('SX_PATH_INVALID', `The source '${shorten(source, 200)}' cannot be taken: ${why}.`, {
    fix: 'Log the model first, and name it as models:/m-… or runs:/RUN/PATH.',
  })

/** However often it was encoded. */
function decoded(text: string): string {
  for (let i = 0; i < 10; i++) {
    const plain = text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    )
    if (plain === text) return text
    text = plain
  }
  throw invalid(text, 'it is encoded again and again')
}
