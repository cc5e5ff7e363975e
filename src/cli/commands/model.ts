/** model add and model list. */

import { formatBytes } from '../../kernel/size.ts'
import type { ModelVersion } from '../../ports/metadata-store.ts'
import type { AddedVersion } from '../../registry/index.ts'
import { defineCommand } from '../command.ts'
import { instant, table } from '../text.ts'

export const modelAdd = defineCommand<AddedVersion>({
  name: 'model add',
  summary: 'Add an ONNX file as a version of a model. It is checked, and answers from then on.',
  arguments: [
    { name: '<model>', description: 'the model, as defined' },
    { name: '<file>', description: 'an ONNX file' },
  ],
  options: [{ flags: '--note <text>', description: 'why, or what is new' }],
  examples: ['sixfold model add late models/late.onnx --note "more trees"'],
  run: async ({ tools, project, progress }, [model, file], options) => {
    const workbench = await tools.open(project)
    const bar = progress('Checking the file')
    try {
      return await workbench.addModel(model!, file!, options['note'] === undefined ? null : String(options['note']))
    } finally {
      bar.end()
      await workbench.close()
    }
  },
  render: ({ version, signature, added }) =>
    [
      `${version.model} version ${version.version}${added ? '' : ', which was there already'}: ${formatBytes(version.bytes)}, sha256 ${version.artifact.slice(0, 12)}, opset ${version.opset ?? 'unknown'}`,
      ...signature.inputs.map(
        ({ input, type, entries }) => `  input ${input}: ${type}, ${entries.length} of the vector's entries`,
      ),
      ...signature.outputs.map(({ name, tensor }) => `  output ${name}: from ${tensor}`),
    ].join('\n'),
})

export const modelList = defineCommand<{ readonly model: string; readonly versions: readonly ModelVersion[] }>({
  name: 'model list',
  summary: 'The versions of a model, newest first; the first one answers.',
  arguments: [{ name: '<model>', description: 'the model, as defined' }],
  run: async ({ tools, project }, [model]) => {
    const workbench = await tools.open(project)
    try {
      return { model: model!, versions: await workbench.versions(model!) }
    } finally {
      await workbench.close()
    }
  },
  render: ({ model, versions }) =>
    versions.length === 0
      ? `${model} has no version: its fallback answers. Add one: sixfold model add ${model} FILE`
      : table(
          ['version', 'added', 'size', 'sha256', 'note'],
          versions.map(({ version, at, bytes: size, artifact, note }) => [
            String(version),
            instant(at),
            formatBytes(size),
            artifact.slice(0, 12),
            note ?? '',
          ]),
        ),
})
