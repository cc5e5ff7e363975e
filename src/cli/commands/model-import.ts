/** model import: a model of another framework becomes a version, held to what the framework itself answers. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Added, Converted } from '../../api/index.ts'
import { durationMs } from '../../kernel/duration.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { shorten } from '../../kernel/shorten.ts'
import { askerOf, reasonOption } from '../asker.ts'
import { defineCommand } from '../command.ts'
import { consequenceText } from '../versions.ts'
import { modelArgument, withWorkbench } from './model.ts'
import { stageOption, textOption } from './model-changes.ts'

export interface Imported extends Added {
  readonly ok: boolean
  readonly from: Pick<Converted, 'framework' | 'packages' | 'rows' | 'outputs' | 'unanswered'>
  /** What the comparison found, in a sentence; null where nothing was compared. */
  readonly parity: string | null
}

function patienceOf(text: string): number {
  try {
    return durationMs(text)
  } catch {
    throw new SixfoldError('SX_USAGE', `--timeout '${shorten(text)}' is no length of time.`, {
      fix: "Write a whole number and s, m, h or d: '90s', '2h'.",
    })
  }
}

export const modelImport = defineCommand<Imported>({
  name: 'model import',
  summary:
    'Convert a model of scikit-learn, LightGBM, XGBoost, CatBoost, PyTorch or TensorFlow in a Python of yours, and add it as a version that must answer as the framework does.',
  arguments: [
    modelArgument,
    {
      name: '<path>',
      description: 'the model as its framework saved it; or an ONNX file whose probabilities are maps',
    },
  ],
  options: [
    {
      flags: '--python <program>',
      description: 'the Python that has the framework and its converter; by default python3',
    },
    {
      flags: '--framework <name>',
      description: 'sklearn, lightgbm, xgboost, catboost, torch, tensorflow or onnx; by default by what is in the file',
    },
    {
      flags: '--sample <file>',
      description:
        "rows on which both are asked, Parquet or CSV with the vector's entries; by default made about the model's thresholds",
    },
    { flags: '--trust', description: 'load what can run code: pickles, and all of PyTorch and TensorFlow' },
    { flags: '--timeout <duration>', description: 'how long the conversion may take; by default 30m' },
    { flags: '--note <text>', description: 'what is new; its description' },
    { flags: '--to <stage>', description: 'go no further than this stage; by default production' },
    reasonOption,
  ],
  examples: [
    'sixfold model import late late.txt --python venv/bin/python --sample train.parquet',
    'sixfold model import late pipeline.joblib --python venv/bin/python --trust --to staging',
  ],
  run: (context, [model, path], options) =>
    withWorkbench(context, async (workbench) => {
      const bar = context.progress(`Converting ${path}`)
      const folder = await mkdtemp(join(tmpdir(), 'sixfold-import-'))
      try {
        const converted = await workbench.convert(model!, {
          ...{ path: path!, folder, trust: options['trust'] === true },
          python: textOption(options, 'python') ?? 'python3',
          framework: textOption(options, 'framework'),
          patienceMs: patienceOf(textOption(options, 'timeout') ?? '30m'),
          sample: textOption(options, 'sample'),
        })
        const added = await workbench.registry.add(
          model!,
          converted.path,
          {
            description: textOption(options, 'note'),
            to: options['to'] === undefined ? null : stageOption(options['to'], 'production'),
            ...{ facts: converted.facts, golden: converted.golden, source: path! },
            progress: (done) => bar.set(done),
          },
          askerOf(options),
        )
        const { framework, packages, rows, outputs, unanswered } = converted
        const parity = converted.golden === null ? null : await found(added)
        return {
          ok: added.stopped === null,
          ...added,
          from: { framework, packages, rows, outputs, unanswered },
          parity,
        }
      } finally {
        bar.end()
        await rm(folder, { recursive: true, force: true })
      }

      async function found({ version }: Added): Promise<string | null> {
        const { evidence } = await workbench.registry.version(version.model, String(version.version))
        const { checks = [] } = (evidence[0]?.document ?? {}) as {
          readonly checks?: readonly { readonly name: string; readonly words: string }[]
        }
        return checks.find(({ name }) => name === 'golden')?.words ?? null
      }
    }),
  render: ({ version, added, stage, stopped, from, parity }) =>
    [
      `${version.model} version ${version.version}${added ? '' : ', which was there already'}: of ${from.framework}, ${stage}`,
      `  by ${from.packages.join(', ')}`,
      `  ${parity ?? (from.outputs.length === 0 ? 'Not compared: the definition computes every output by itself.' : 'Not compared: it was not validated.')}`,
      ...(from.unanswered === 0
        ? []
        : [`  ${from.unanswered} rows more were left out: ${from.framework} answers no number to them.`]),
      ...(stopped === null ? [] : ['', consequenceText(stopped)]),
    ].join('\n'),
})
