/** What the types of a training recipe cannot hold: a part of `validate`. */
import { formatInstant, isInstant, offsetMinutes } from '../kernel/instant.ts'
import type { Report } from './check-tree.ts'
import type { Training } from './training.ts'

export function checkTraining(training: Training, report: Report): void {
  const { name, model, labels, at, zone, command } = training
  if (name !== model.name) report('name', `its model is called '${model.name}'`, 'Make it with training(model, { … }).')
  if (typeof labels?.path !== 'string') report('labels', 'they name no file', "Write parquet('labels.parquet').")
  if (typeof at !== 'string' || at === '') report('at', 'it names no column', 'Name the column with the instants.')
  if (zone !== null && offsetMinutes(zone) === null)
    report('zone', `'${zone}' is no zone known here`, "Write 'UTC' or an offset such as '+05:30'.")
  if (command.length === 0 || !command.every((part) => typeof part === 'string' && part !== '' && !part.includes('\0')))
    report('command', 'it runs nothing', "Name a program and its arguments: ['python', 'train.py'].")
  if (typeof training.experiment !== 'string' || training.experiment === '' || training.experiment.length > 500)
    report('experiment', 'no experiment has such a name', 'Use 1 to 500 characters, or leave it out.')
  checkPeriods(training, report)
  checkVariables(training, report)
}

function checkPeriods({ train, heldOut, heldOutShare }: Training, report: Report): void {
  for (const [where, period] of Object.entries({ train, heldOut })) {
    const unknown = [period.from, period.until].some((instant) => instant !== null && !isInstant(instant))
    if (unknown) report(where, 'an end of it is no instant', 'Write ISO 8601 with a zone: 2013-06-01T00:00:00Z.')
    else if (period.from !== null && period.until !== null && period.from >= period.until)
      report(where, `it ends at ${formatInstant(period.until)} and begins no earlier`, 'Let it begin before it ends.')
  }
  if (train.until !== null && heldOut.from !== null && train.until > heldOut.from)
    report(
      'heldOut',
      'it begins before `train` ends: the model would be judged by rows that it was trained on',
      'Let it begin where `train` ends, or later.',
    )
  if (!(heldOutShare > 0 && heldOutShare < 1))
    report('heldOutShare', `${heldOutShare} is no share`, 'Write a number between 0 and 1.')
}

/** What `train` sets itself: a definition that set one of these would cut the tie between the run and what the command logs. */
const reserved = /^(SIXFOLD_|MLFLOW_(TRACKING_|RUN_ID$|EXPERIMENT_))/

function checkVariables({ environment, seeds }: Training, report: Report): void {
  for (const [name, value] of Object.entries(environment)) {
    const where = `environment '${name}'`
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      report(where, 'no variable has such a name', 'Use letters, digits and _.')
    if (reserved.test(name)) report(where, '`sixfold train` sets this variable', 'Leave it out.')
    if (typeof value !== 'string' || value.includes('\0')) report(where, 'its value is no text', "Write '…'.")
  }
  for (const [name, seed] of Object.entries(seeds)) {
    const where = `seed '${name}'`
    if (!/^[a-zA-Z][a-zA-Z0-9_]{0,62}$/.test(name))
      report(where, 'this name cannot be used', 'Use a letter, then letters, digits and _, at most 63 in all.')
    if (!Number.isSafeInteger(seed)) report(where, `${String(seed)} is no whole number`, 'Write a whole number.')
  }
}
