/**
 * Files of the artifact store become a version: looked at where a crash harms nobody, held against the definition of the model where there is
 * one, and written down with all that is known of them. What is wrong is found before anything is changed.
 */
import { randomBytes } from 'node:crypto'
import { posix } from 'node:path'
import { hashOfDefinition } from '../../definition/describe.ts'
import type { Platform } from '../../definition/graph.ts'
import { modelsOf } from '../../definition/graph.ts'
import type { Model } from '../../definition/model.ts'
import { signatureOf } from '../../inference/index.ts'
import type { Clock } from '../../kernel/clock.ts'
import { isSixfoldError, SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import { sha256 } from '../../kernel/hash.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { ArtifactStore } from '../../ports/artifact-store.ts'
import type { Inspection, ModelRuntime } from '../../ports/model-runtime.ts'
import type { AuditEntry, Author, ModelVersion, RegistryStore } from '../../ports/registry-store.ts'
import type { VersionFiles } from '../artifacts/open-version.ts'
import { checkFiles } from '../artifacts/open-version.ts'
import { asStored, referring } from '../artifacts/refer.ts'
import { checkModelName } from '../names.ts'
import type { Asker, Registration } from '../registry.ts'
import { factsOf, manifestOf, sorted } from './facts.ts'
import { checkDeclared } from './mlmodel.ts'

export interface RegisterOptions {
  readonly platform: Platform
  readonly store: RegistryStore
  readonly artifacts: ArtifactStore
  readonly models: ModelRuntime
  readonly files: VersionFiles
  readonly clock: Clock
}

/** By what a part of a request is known: the same for the same request, so that the whole can be asked for again. */
export const partOf = (id: string, part: string): string => sha256(`${id} ${part}`).slice(0, 32)

export function authorOf(asker: Asker, clock: Clock): Author {
  const id = asker.id ?? randomBytes(16).toString('hex')
  if (!/^[0-9a-f]{32}$/.test(id))
    throw new SixfoldError('SX_REQUEST_INVALID', `The id of a request is 32 hexadecimal digits, not '${shorten(id)}'.`)
  return { id, actor: asker.actor, reason: asker.reason, at: clock.now() }
}

export const definitionOf = (platform: Platform, name: string): Model | null =>
  modelsOf(platform).find((model) => model.name === name) ?? null

/** What was seen of a file that is not in the artifact store yet, and how to put its parts there again. */
export interface AtHand {
  readonly inspection: Inspection | null
  readonly putAgain: (sha256: string) => Promise<boolean>
}

export interface Registered {
  readonly version: ModelVersion
  /** False where the newest version was this one already. */
  readonly added: boolean
}

/** Throws SX_ARTIFACT_INVALID, SX_PATH_INVALID or SX_SIGNATURE_MISMATCH, and has then changed nothing. */
export async function registerVersion(
  wanted: Registration,
  author: Author,
  { platform, store, artifacts, models, files: opened }: RegisterOptions,
  atHand: AtHand | null = null,
): Promise<Registered> {
  checkModelName(wanted.model)
  checkFiles(wanted.files, wanted.entry)
  const model = definitionOf(platform, wanted.model)
  const files = sorted(wanted.files)
  const entry = files.find(({ path }) => path === wanted.entry) ?? null
  if (atHand === null) await mustBeStored(files, artifacts)
  const inspection = atHand?.inspection ?? (entry === null ? null : await inspect(files, entry.path, models, opened))
  if (model !== null && inspection !== null) signatureOf(model, inspection)
  if (wanted.declared && inspection !== null) checkDeclared(wanted.declared, inspection.inputs)
  const facts = factsOf({ model, inspection, entry, flavor: wanted.flavor, given: wanted.facts })
  failpoint('register: before the change')
  const made: AuditEntry = await referring(
    store,
    () =>
      store.change(
        {
          kind: 'version.registered',
          version: {
            model: wanted.model,
            manifest: manifestOf(files, entry?.path ?? null, facts),
            files,
            entry: entry?.path ?? null,
            flavor: wanted.flavor,
            definition: model === null ? null : hashOfDefinition(model),
            inputs: inspection?.inputs ?? [],
            outputs: inspection?.outputs ?? [],
            facts,
            source: wanted.source,
            run: wanted.run,
            runLink: wanted.runLink,
            loggedModel: wanted.loggedModel,
            description: wanted.description,
            tags: wanted.tags,
          },
          create: wanted.create,
          unlessNewest: wanted.unlessNewest,
        },
        author,
      ),
    atHand?.putAgain ?? asStored(artifacts),
  )
  failpoint('register: after the change')
  const version = await store.version(made.model!, made.version!)
  if (version === null)
    throw new SixfoldError('SX_UNKNOWN_VERSION', `Version ${made.version} of '${made.model}' was deleted meanwhile.`)
  return { version, added: made.id === author.id }
}

/** A shared store answers no sooner for being asked one after another. */
const atOnce = 16

async function mustBeStored(
  files: readonly { readonly path: string; readonly sha256: string }[],
  artifacts: ArtifactStore,
): Promise<void> {
  for (let at = 0; at < files.length; at += atOnce) {
    const some = files.slice(at, at + atOnce)
    const there = await Promise.all(some.map((file) => artifacts.has(file.sha256)))
    const missing = some[there.indexOf(false)]
    if (missing !== undefined)
      throw new SixfoldError(
        'SX_ARTIFACT_INVALID',
        `The contents of '${shorten(missing.path)}', ${missing.sha256}, are not in the artifact store.`,
        { fix: 'Send the file first.' },
      )
  }
}

async function inspect(
  files: Registration['files'],
  entry: string,
  models: ModelRuntime,
  opened: VersionFiles,
): Promise<Inspection> {
  const path = await opened.open({ files, entry })
  try {
    return checkedExternal(await models.inspect(path), entry, files)
  } catch (error) {
    if (!isSixfoldError(error)) throw error
    // Whoever sent it knows it by its name, and not by where it lies here.
    throw new SixfoldError(error.code, error.message.replaceAll(path, entry), { fix: error.fix, cause: error })
  }
}

/** Data beside the file must be the version's own, or it would not be there when it is served elsewhere. */
export function checkedExternal(
  inspection: Inspection,
  entry: string,
  files: readonly { readonly path: string }[],
): Inspection {
  const missing = inspection.external.find(
    (path) => !files.some((file) => file.path === posix.join(posix.dirname(entry), path)),
  )
  if (missing !== undefined)
    throw new SixfoldError(
      'SX_ARTIFACT_INVALID',
      `Its data lies in '${shorten(missing)}', which is not among the version's files.`,
      { fix: 'Add the folder that has both, or export the model as one file.' },
    )
  return inspection
}
