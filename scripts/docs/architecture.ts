/**
 * docs/architecture.svg, from the rules of .dependency-cruiser.cjs: folders in layers, so that every import points down. A folder
 * stands one layer above the highest that it may import.
 */
import { createRequire } from 'node:module'

interface Rule {
  readonly name: string
  readonly from: { readonly path?: string }
  readonly to: { readonly pathNot?: string }
}

/** For each folder that has a rule, the other folders that it may import. */
export function importRules(): ReadonlyMap<string, readonly string[]> {
  const { forbidden } = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as {
    readonly forbidden: readonly Rule[]
  }
  return new Map(
    forbidden.flatMap(({ name, to }) => {
      const folder = /^(.+)-imports$/.exec(name)?.[1]
      const allowed = /^\^src\/\((.+)\)\/$/.exec(to.pathNot ?? '')?.[1]
      return folder === undefined || allowed === undefined
        ? []
        : [[folder, allowed.split('|').filter((other) => other !== folder)] as const]
    }),
  )
}

const words: { readonly [folder: string]: string } = {
  kernel: 'errors, limits, clock, hashes, instants',
  expression: 'typed trees, functions, compilers',
  statistics: 'figures, pure',
  definition: 'entity, source, view, model, platform',
  aggregation: 'accumulators, windows, tiles, state',
  ports: 'stores and runtimes, as types and laws',
  access: 'keys and rights',
  features: 'the feature store',
  inference: 'predictions',
  batch: 'batches',
  registry: 'versions of models',
  training: 'from labels to a version',
  tracking: 'experiments, runs, files',
  monitoring: 'outcomes and quality',
  api: 'what the system does and answers',
  server: 'HTTP',
  cli: 'commands',
  client: 'typed client',
  adapters: 'duckdb spark lmdb sqlite files onnx remote redis postgres s3 kafka http',
  testing: 'the laws of ports, as cases',
  runtime: 'the composition root',
}

const width = 900
const height = 58
const gap = 22

export function architecture(): string {
  const rules = importRules()
  const layerOf = (folder: string): number =>
    Math.max(-1, ...(rules.get(folder) ?? []).map((below) => layerOf(below))) + 1
  const folders = [...rules.keys()]
  const layers: string[][] = []
  for (const folder of folders) {
    const layer = layerOf(folder)
    while (layers.length <= layer) layers.push([])
    layers[layer]!.push(folder)
  }
  layers.push(['runtime'])
  const total = layers.length * (height + gap) + gap
  const boxes = layers.flatMap((members, layer) => {
    const y = total - (layer + 1) * (height + gap)
    const each = (width - gap * (members.length + 1)) / members.length
    return members.map((folder, i) => {
      const x = gap + i * (each + gap)
      const may = folder === 'runtime' ? ['everything'] : (rules.get(folder) ?? [])
      return `  <g>
    <title>${folder} may import ${may.length === 0 ? 'nothing' : may.join(', ')}</title>
    <rect x="${round(x)}" y="${y}" width="${round(each)}" height="${height}" rx="6" class="${folder === 'adapters' ? 'adapter' : 'box'}"/>
    <text x="${round(x + each / 2)}" y="${y + 24}" class="name">${folder}</text>
    <text x="${round(x + each / 2)}" y="${y + 43}" class="words">${words[folder] ?? ''}</text>
  </g>`
    })
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total + 30}" role="img" aria-labelledby="title about">
  <title id="title">The folders of src, in layers</title>
  <desc id="about">From top to bottom: ${[...layers]
    .reverse()
    .map((members) => members.join(', '))
    .join('; ')}. A folder may import folders below it only.</desc>
  <style>
    rect { stroke-width: 1.2 } .box { fill: #f3f6fb; stroke: #4a6fa5 } .adapter { fill: #f8f4ea; stroke: #a5854a }
    text { font-family: ui-sans-serif, system-ui, sans-serif; text-anchor: middle; fill: #1c2733 }
    .name { font-size: 15px; font-weight: 600 } .words, .note { font-size: 10.5px; fill: #4a5866 }
  </style>
  <rect x="0" y="0" width="${width}" height="${total + 30}" fill="#ffffff" stroke="none"/>
${boxes.join('\n')}
  <text x="${width / 2}" y="${total + 16}" class="note">A folder imports only folders that stand lower. Only runtime sees adapters. Hover a box for what it may import.</text>
</svg>
`
}

const round = (value: number): number => Math.round(value * 10) / 10
