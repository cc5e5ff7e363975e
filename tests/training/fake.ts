import type { ModelVersion } from '../../src/ports/registry-store.ts'
import type { Registration } from '../../src/registry/index.ts'
import type { TrainingOptions } from '../../src/training/index.ts'
export function fakeRegistry() {
  const versions: ModelVersion[] = []
  const registry = {
    environment: 'default',
    register: async (wanted: Registration) => {
      const version = {
        ...wanted,
        version: versions.length + 1,
        places: {},
        validated: false,
        manifest: 'x',
      } as unknown as ModelVersion
      versions.push(version)
      return version
    },
    searchVersions: async ({ where }: { where: readonly { value: unknown }[] }) => ({
      items: versions.filter(({ run }) => run === where[0]!.value),
      more: false,
    }),
    version: async (_: string, which: string) => versions[Number(which) - 1],
    validate: async () => ({ passed: true, checks: [], moved: true, evidence: '' }),
    move: async () => ({ entries: [], stage: 'staging' }),
  } as unknown as TrainingOptions['registry']
  return { registry, versions }
}
