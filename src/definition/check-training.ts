/** What the types of a training recipe cannot hold: a part of `validate`. */
import { offsetMinutes } from '../kernel/instant.ts'
import type { Report } from './check-tree.ts'
import type { Training } from './training.ts'

export function checkTraining({ name, model, labels, at, zone, command }: Training, report: Report): void {
  if (name !== model.name) report('name', `its model is called '${model.name}'`, 'Make it with training(model, { … }).')
  if (typeof labels?.path !== 'string') report('labels', 'they name no file', "Write parquet('labels.parquet').")
  if (typeof at !== 'string' || at === '') report('at', 'it names no column', 'Name the column with the instants.')
  if (zone !== null && offsetMinutes(zone) === null)
    report('zone', `'${zone}' is no zone known here`, "Write 'UTC' or an offset such as '+05:30'.")
  if (command.length === 0 || !command.every((part) => typeof part === 'string' && part !== ''))
    report('command', 'it runs nothing', "Name a program and its arguments: ['python', 'train.py'].")
}
