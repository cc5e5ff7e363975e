/** The command itself, in this process, on a platform that is open. */
import { join } from 'node:path'
import type { Context } from '../../src/cli/command.ts'
import type { Imported } from '../../src/cli/commands/model-import.ts'
import { modelImport } from '../../src/cli/commands/model-import.ts'
import type { Opened } from '../../src/runtime/open.ts'
import { workbench } from '../../src/runtime/workbench.ts'

export const importing =
  (opened: () => Opened, folder: string, python: string) =>
  (model: string, file: string, options: object = {}): Promise<Imported> => {
    const context = {
      // Closed by whoever opened it.
      tools: { open: async () => ({ ...workbench(opened()), close: async () => {} }) },
      progress: () => ({ set: () => {}, end: () => {} }),
      project: folder,
    } as unknown as Context
    return modelImport.run(context, [model, join(folder, file)], { python, ...options }) as Promise<Imported>
  }
