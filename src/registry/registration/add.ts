/**
 * A file or a folder of this machine becomes a version, and goes as far as its gates let it. It is looked at before anything is stored: what
 * is no model leaves nothing behind.
 */
import { lstat, readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { modelNamed } from '../../definition/graph.ts'
import { signatureOf } from '../../inference/index.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { failpoint } from '../../kernel/failpoint.ts'
import { shorten } from '../../kernel/shorten.ts'
import type { Inspection } from '../../ports/model-runtime.ts'
import type { Facts, ModelVersion, Stage, VersionFile } from '../../ports/registry-store.ts'
import { stageIn, stages } from '../../ports/registry-store.ts'
import type { Moves, MovesOptions } from '../lifecycle/move.ts'
import { stepsTo } from '../lifecycle/ways.ts'
import type { Added, AddOptions, Asker, Validation } from '../registry.ts'
import { goldenPaths } from '../validation/evidence.ts'
import { readFacts } from './given-facts.ts'
import type { MlModel } from './mlmodel.ts'
import { checkDeclared, dependenciesIn, readMlModel } from './mlmodel.ts'
import { authorOf, checkedExternal, definitionOf, partOf, registerVersion } from './register.ts'

export interface AddingOptions extends MovesOptions {
  readonly moves: Moves
  readonly validate: (version: ModelVersion, asker: Asker) => Promise<Validation>
}

/** What lies on this machine, before any of it is stored. */
interface Found {
  readonly files: readonly { readonly path: string; readonly from: string }[]
  readonly entry: string | null
  readonly flavor: string | null
  readonly dependencies: Facts['dependencies']
  readonly declared: MlModel['inputs']
}

export async function add(
  name: string,
  path: string,
  { description, to, facts, golden, source }: AddOptions,
  asker: Asker,
  options: AddingOptions,
): Promise<Added> {
  const { platform, store, artifacts, environment, moves, clock } = options
  const model = definitionOf(platform, name)
  if (model === null && (await store.model(name)) === null) modelNamed(platform, name)
  const known = readFacts(facts)
  const seen = withGolden(await look(path), golden === null ? null : await goldenAt(golden))
  const inspection = seen.entry === null ? null : await inspect(seen, options)
  const found = inspection?.format === 'remote' ? calledRemote(seen) : seen
  if (model !== null && inspection !== null) signatureOf(model, inspection)
  if (found.declared !== null && inspection !== null) checkDeclared(found.declared, inspection.inputs)

  const author = authorOf(asker, clock)
  const files: VersionFile[] = []
  for (const { path: place, from } of found.files) {
    const { sha256, bytes } = await artifacts.put(from)
    files.push({ path: place, sha256, bytes })
    failpoint('add: after an artifact')
  }
  const { version, added } = await registerVersion(
    {
      model: name,
      create: true,
      files,
      entry: found.entry,
      flavor: inspection === null ? found.flavor : (found.flavor ?? inspection.format),
      facts: { ...known, dependencies: known.dependencies ?? found.dependencies },
      source: source ?? path,
      run: null,
      runLink: null,
      loggedModel: null,
      description,
      tags: {},
      unlessNewest: true,
    },
    { ...author, id: partOf(author.id, 'register') },
    options,
    {
      inspection,
      putAgain: async (sha256) => {
        const one = found.files[files.findIndex((file) => file.sha256 === sha256)]
        return one !== undefined && (await artifacts.put(one.from)).sha256 === sha256
      },
    },
  )
  const { moved, stopped } = await goOn(version, to ?? (model === null ? 'registered' : 'production'))
  return { version: moved, added, stage: stageIn(moved, environment), stopped }

  /** Step by step, each with its gate, up to the first that does not open. */
  async function goOn(
    from: ModelVersion,
    goal: Stage,
  ): Promise<{ readonly moved: ModelVersion; readonly stopped: Added['stopped'] }> {
    const now = async (): Promise<ModelVersion> => (await store.version(name, from.version)) ?? from
    const stage = stageIn(from, environment)
    // What was added before and has gone further is left where it is.
    if (goal === stage || goal === 'registered' || stages.indexOf(stage) > stages.indexOf(goal))
      return { moved: from, stopped: null }
    if (model === null) {
      await moves.move(name, from.version, goal, { archiveOthers: goal === 'production' }, asker)
      return { moved: await now(), stopped: null }
    }
    const places = Object.hasOwn(from.places, environment) ? from.places[environment] : undefined
    const standing = { stage, validated: from.validated, wasProduction: places?.wasProduction === true }
    for (const step of stepsTo(standing, goal, `Version ${from.version} of '${name}'`)) {
      if (step === 'validated') {
        const { passed } = await options.validate(await now(), asker)
        if (stageIn(await now(), environment) === 'validated') continue
        if (!passed) return { moved: await now(), stopped: await moves.consider(name, from.version, step, asker.actor) }
      }
      const consequence = await moves.consider(name, from.version, step, asker.actor)
      if (!consequence.allowed) return { moved: await now(), stopped: consequence }
      await moves.move(name, from.version, step, { expected: { from: consequence.from } }, asker)
    }
    return { moved: await now(), stopped: null }
  }
}

async function inspect({ entry, files }: Found, { models }: AddingOptions): Promise<Inspection> {
  const from = files.find(({ path }) => path === entry)!.from
  return checkedExternal(await models.inspect(from), entry!, files)
}

/** Throws SX_ARTIFACT_INVALID where there is nothing that could be a model. */
async function look(path: string): Promise<Found> {
  const there = await lstat(path).catch(() => null)
  if (there?.isSymbolicLink() || there?.isFile())
    return { ...one(path), flavor: null, dependencies: null, declared: null }
  if (!there?.isDirectory())
    throw new SixfoldError('SX_ARTIFACT_INVALID', `'${path}' is no file.`, { fix: 'Name an ONNX file.' })
  const files = await below(path)
  const textAt = async (name: string): Promise<string | null> => {
    const file = files.find((found) => found.path === name)
    return file === undefined ? null : readFile(file.from, 'utf8')
  }
  const text = await textAt('MLmodel')
  if (text === null) return { files, entry: onlyOnnx(path, files), flavor: null, dependencies: null, declared: null }
  const described = await readMlModel(text)
  if (described.entry !== null && !files.some((file) => file.path === described.entry))
    throw new SixfoldError(
      'SX_ARTIFACT_INVALID',
      `The file 'MLmodel' in '${path}' names '${shorten(described.entry)}', which is not there.`,
    )
  return {
    files,
    entry: described.entry,
    flavor: described.flavor,
    dependencies: dependenciesIn(described, await textAt('requirements.txt')),
    declared: described.inputs,
  }
}

/** What it was called here says nothing of what it is: the same file under another name is the same version. */
const one = (path: string): Pick<Found, 'files' | 'entry'> => ({
  files: [{ path: 'model.onnx', from: path }],
  entry: 'model.onnx',
})

/** What stands for a model on another server is not called by the name of a model file. */
function calledRemote({ files, entry, ...rest }: Found): Found {
  const path = entry === 'model.onnx' ? 'remote.json' : entry
  return { ...rest, entry: path, files: files.map((file) => (file.path === entry ? { ...file, path: path! } : file)) }
}

/** A link may lead anywhere: what it leads to is not what was named. */
async function below(folder: string): Promise<Found['files']> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      const from = join(entry.parentPath, entry.name)
      const path = relative(folder, from).split(sep).join('/')
      if (!entry.isFile())
        throw new SixfoldError('SX_PATH_INVALID', `'${shorten(path)}' in '${folder}' is a link, or no file at all.`, {
          fix: 'Put the file itself in its place.',
        })
      return { path, from }
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

function onlyOnnx(folder: string, files: Found['files']): string {
  const models = files.filter(({ path }) => path.endsWith('.onnx'))
  const chosen = models.length === 1 ? models[0] : models.find(({ path }) => path === 'model.onnx')
  if (chosen !== undefined) return chosen.path
  throw new SixfoldError(
    'SX_ARTIFACT_INVALID',
    models.length === 0
      ? `There is no ONNX file in '${folder}'.`
      : `There are several ONNX files in '${folder}', and none is called model.onnx: ${models.map(({ path }) => path).join(', ')}.`,
    { fix: 'Name the file, or a folder with one.' },
  )
}

async function goldenAt(path: string): Promise<string> {
  if (!(await lstat(path).catch(() => null))?.isFile())
    throw new SixfoldError('SX_REQUEST_INVALID', `'${path}' is no file of recorded inputs and outputs.`)
  if (!['.json', '.parquet'].includes(extname(path)))
    throw new SixfoldError('SX_REQUEST_INVALID', `'${path}' is neither JSON nor Parquet.`, {
      fix: 'Call it .json or .parquet.',
    })
  return path
}

/** Recorded answers belong to the version: they lie beside the file that gave them. */
function withGolden(found: Found, golden: string | null): Found {
  if (golden === null) return found
  const path = goldenPaths.find((name) => extname(name) === extname(golden))!
  const others = found.files.filter((file) => !(goldenPaths as readonly string[]).includes(file.path))
  return { ...found, files: [...others, { path, from: golden }] }
}
