/** The registry of the drills' project, beside whatever else has it open, from the built package as Node loads it. */
import { createRequire } from 'node:module'
import { project } from './server.ts'

const load = createRequire(import.meta.url)
const { open } = load('../dist/runtime/open.js') as typeof import('../src/runtime/open.ts')
const { workbench } = load('../dist/runtime/workbench.js') as typeof import('../src/runtime/workbench.ts')
const { loadProject } = load('../dist/runtime/config.js') as typeof import('../src/runtime/config.ts')

export async function openRegistry() {
  const { platform, folder, data, stores } = await loadProject(project)
  const opened = await open(platform, { project: folder, data, stores, serving: false })
  const bench = workbench(opened)
  return { registry: bench.registry, opened, close: () => bench.close() }
}
