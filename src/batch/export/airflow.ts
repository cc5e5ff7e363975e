/**
 * Batches as DAGs of Airflow 3: plan, the partitions as mapped tasks, the gate, publication. Each task starts a command of ours, without
 * a shell between, and what is done stays in our own store: a task that is run again finds it there. The same batches give the same text.
 */
import type { Batch } from '../../definition/batch.ts'
import { SixfoldError } from '../../kernel/errors.ts'
import { formatInstant } from '../../kernel/instant.ts'
import { exitOfRefusal } from '../service.ts'

export interface AirflowOptions {
  /** Where the project lies on the machines that run the tasks. */
  readonly folder: string
  /** How Sixfold is started there: words, which no shell reads. */
  readonly command: string
  /** Of the scoring tasks; null: Airflow's own. */
  readonly pool: string | null
  readonly retries: number
  /** Partitions that are scored at once; null: as many as Airflow has room for. */
  readonly parallel: number | null
  /** From when on missed runs are made up for, where a batch makes up for all. */
  readonly start: number | null
}

/** Throws SX_USAGE where a batch cannot be a DAG. */
export function airflowDag(batches: readonly Batch[], options: AirflowOptions): string {
  if (batches.length === 0)
    throw new SixfoldError('SX_USAGE', 'No batch has a schedule.', {
      fix: "Give one a schedule: schedule: cron('0 20 * * *').",
    })
  const command = words(options.command)
  return [
    head,
    `COMMAND = [${command.map(text).join(', ')}]`,
    `FOLDER = ${text(options.folder)}`,
    `POOL = ${options.pool === null ? 'None' : text(options.pool)}`,
    `RETRIES = ${options.retries}`,
    `PARALLEL = ${options.parallel ?? 'None'}`,
    `REFUSED = ${exitOfRefusal}`,
    body,
    ...batches.map((batch) => dagOf(batch, options)),
  ].join('\n')
}

function dagOf({ name, schedule, description, model }: Batch, { start }: AirflowOptions): string {
  if (schedule === null)
    throw new SixfoldError('SX_USAGE', `Batch '${name}' has no schedule, which a DAG needs.`, {
      fix: "Give it one: schedule: cron('0 20 * * *').",
    })
  const all = schedule.catchUp === 'all'
  if (all && start === null)
    throw new SixfoldError('SX_USAGE', `Batch '${name}' makes up for all runs; it is not said from when on.`, {
      fix: 'Say it: --start 2026-11-01T00:00:00Z.',
    })
  return `
sixfold_${name} = batch(
    ${text(name)},
    cron=${text(schedule.cron.trim().split(/\s+/).join(' '))},
    zone=${text(schedule.zone)},
    catchup=${all ? 'True' : 'False'},
    start=${text(formatInstant(all ? start! : anyStart))},
    description=${text(description ?? `Batch ${name} of model ${model.name}`)},
)
`
}

/** Where nothing before the last run is made up for, any instant in the past will do. */
const anyStart = Date.parse('2020-01-01T00:00:00Z')

/** JSON's texts are Python's. */
const text = (value: string): string => JSON.stringify(value)

const words = (command: string): readonly string[] => {
  const found = command.trim().split(/\s+/)
  if (found[0] !== '') return found
  throw new SixfoldError('SX_USAGE', 'The command with which Sixfold is started is empty.', {
    fix: 'Write --command "npx sixfold".',
  })
}

const head = `# Made by \`sixfold batch export --airflow\`. Not to be edited: when a batch changes, make it again.
"""Batches of Sixfold, a DAG each: plan, score partition by partition, audit, publish.

A batch that the gate refuses fails its DAG, without another try, and what was published before stays live.
"""
import json
import subprocess
from datetime import timedelta

import pendulum
from airflow.sdk import CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException
`

const body = `# A mapped task may have no more instances than this, unless Airflow is configured otherwise.
MAPPED = 1000


def sixfold(*words):
    """What a command answers, as its last line says it. No shell reads what it is called with."""
    command = [*COMMAND, "--project", FOLDER, "--json", *words]
    print(" ".join(command), flush=True)
    answer = ""
    with subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                answer = line if line.strip() else answer
        except BaseException:
            # It ends where it can be gone on with.
            process.terminate()
            raise
    try:
        told = json.loads(answer)
    except ValueError:
        told = {}
    if process.returncode == REFUSED:
        checks = ((told.get("run") or {}).get("verdict") or {}).get("checks", [])
        why = " ".join(check["words"] for check in checks if check["outcome"] == "refused")
        raise AirflowFailException(f"The gate refused the batch; what was published before stays live. {why}")
    if process.returncode != 0:
        error = told.get("error", {"code": "sixfold", "detail": f"it ended with code {process.returncode}"})
        raise AirflowException(f"{error['code']}: {error['detail']}")
    return told


def batch(name, *, cron, zone, catchup, start, description):
    @dag(
        dag_id=f"sixfold_{name}",
        description=description,
        schedule=CronTriggerTimetable(cron, timezone=zone),
        start_date=pendulum.parse(start),
        catchup=catchup,
        max_active_runs=1,
        default_args={
            "retries": RETRIES,
            "retry_delay": timedelta(minutes=1),
            "retry_exponential_backoff": True,
            "max_retry_delay": timedelta(minutes=10),
        },
        tags=["sixfold", "batch"],
    )
    def pipeline():
        @task
        def plan(dag_run=None):
            at = dag_run.logical_date or dag_run.run_after
            planned = sixfold("batch", "plan", name, "--at", at.isoformat(), "--occasion", f"airflow {dag_run.run_id}")
            return {"run": planned["run"], "partitions": planned["partitions"]}

        @task
        def partitions(planned):
            """Each a task of its own, or so many of them together as it takes. Where none is left, one that sees to that."""
            left = planned["partitions"]
            return [left[first::MAPPED] for first in range(min(MAPPED, len(left)))] or [[]]

        @task(max_active_tis_per_dagrun=PARALLEL, **({} if POOL is None else {"pool": POOL}))
        def score(planned, those):
            for one in those:
                sixfold("batch", "score", planned["run"], "--again", "--partition", str(one))
            if not those:
                sixfold("batch", "score", planned["run"], "--again")

        @task
        def audit(planned):
            sixfold("batch", "audit", planned["run"])

        @task
        def publish(planned):
            sixfold("batch", "publish", planned["run"])

        planned = plan()
        score.partial(planned=planned).expand(those=partitions(planned)) >> audit(planned) >> publish(planned)

    return pipeline()

`
