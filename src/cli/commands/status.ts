/** status: what runs where, as a server that runs tells it. */
import type { Status } from '../../api/index.ts'
import { formatBytes } from '../../kernel/size.ts'
import { defineCommand } from '../command.ts'
import { factLines, problemLines, problemsOf, storeTable } from '../stores.ts'
import { age, instant, table } from '../text.ts'

export const status = defineCommand<Status>({
  name: 'status',
  summary: 'What runs where: servers, models, views and their lag, topics, stores and their round trips.',
  options: [
    { flags: '--url <url>', description: 'a server to ask; by default where the configuration has one listen' },
  ],
  examples: ['sixfold status', 'sixfold status --url http://sixfold.internal:6006 --json'],
  run: ({ tools, project }, _, options) =>
    tools.status(project, options['url'] === undefined ? null : String(options['url'])),
  render: (answer) =>
    [servers(answer), models(answer), batches(answer), views(answer), topics(answer), stores(answer)]
      .filter((part) => part !== '')
      .join('\n\n'),
})

const servers = ({ servers: running, now }: Status): string => {
  if (running.length === 0) return 'Which servers run cannot be told: the online store does not answer.'
  // Of each server by its own machine's clock; `now` may be a clock of replays.
  const latest = Math.max(...running.map(({ seenAt }) => seenAt))
  return `${table(
    ['server', 'machine', 'process', 'version', 'address', 'definitions', 'since', 'seen'],
    running.map(({ id, host, pid, version, url, platform, startedAt, seenAt }) => [
      id,
      host,
      String(pid),
      version,
      url ?? '–',
      platform.slice(0, 10),
      instant(startedAt),
      latest - seenAt < 1_000 ? 'now' : `${age(latest - seenAt)} ago`,
    ]),
  )}\n\nTheir clock stands at ${instant(now)}.`
}

const models = ({ models: all }: Status): string =>
  all.length === 0
    ? ''
    : table(
        ['model', 'version', 'predictions', 'degraded', 'p50', 'p99', 'waiting'],
        all.map(({ model, version, waiting, measures: { predictions, degradedPredictions, stages } }) => [
          model,
          version ?? 'none: fallback',
          predictions.toLocaleString('en'),
          degradedPredictions.toLocaleString('en'),
          // JSON has no NaN: of nothing measured it is null here.
          ...[stages.total.p50, stages.total.p99].map((ms: number | null) =>
            ms === null ? '–' : `${ms.toFixed(2)} ms`,
          ),
          String(waiting),
        ]),
      )

const batches = ({ batches: all }: Status): string =>
  all.length === 0
    ? ''
    : table(
        ['batch', 'live', 'for', 'latest', 'next due'],
        all.map(({ batch, live, stale, latest, next }) => [
          batch,
          live === null ? 'nothing' : `version ${live.version}${stale ? ', stale' : ''}`,
          live === null ? '–' : instant(live.at),
          latest === null ? 'never ran' : `${latest.version}: ${latest.state}`,
          next === null ? 'when asked for' : instant(next),
        ]),
      )

const views = ({ views: all }: Status): string =>
  all.length === 0
    ? ''
    : table(
        ['view', 'history through', 'entries taken in', 'behind'],
        all.map(({ view, through, position, behind }) => [view, instant(through), counted(position), counted(behind)]),
      )

const topics = ({ topics: all }: Status): string =>
  all.length === 0
    ? ''
    : table(
        ['topic', 'entries', 'size'],
        all.map(({ topic, end, bytes: size }) => [topic, counted(end), size === null ? '–' : formatBytes(size)]),
      )

const counted = (n: number | null): string => (n === null ? '–' : n.toLocaleString('en'))

const stores = ({ stores: all, store }: Status): string => {
  const problems = problemsOf(all)
  return [
    ...(all.length === 0 ? [] : [storeTable(all), factLines(all).join('\n')]),
    ...(store === null ? [] : [`online state: ${counted(store.entries)} entries, ${formatBytes(store.bytes)}`]),
    ...(problems.length === 0 ? [] : ['', problemLines(problems).join('\n')]),
  ]
    .filter((part, i) => part !== '' || i > 0)
    .join('\n')
}
