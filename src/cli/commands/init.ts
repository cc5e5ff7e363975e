import { defineCommand } from '../command.ts'

export const init = defineCommand<{ readonly folder: string; readonly files: readonly string[] }>({
  name: 'init',
  summary: 'Make a small project that runs.',
  arguments: [{ name: '[folder]', description: 'a new or empty folder; by default this one' }],
  examples: ['sixfold init deliveries'],
  run: async ({ tools }, [folder = '.']) => ({ folder, files: await tools.init(folder) }),
  render: ({ folder, files }) =>
    [
      `Wrote ${files.length} files to '${folder}':`,
      ...files.map((file) => `  ${file}`),
      '',
      'Next:',
      ...(folder === '.' ? [] : [`  cd ${folder}`]),
      '  npm install',
      '  npm start',
    ].join('\n'),
})
