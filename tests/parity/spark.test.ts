/** The JavaScript and the Spark target give every expression the same value, to the last bit. Many at once: Spark begins slowly. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { java, sparkPython } from '../../scripts/installed.mjs'
import type { Node, Value } from '../../src/expression/node.ts'
import { typeOf } from '../../src/expression/node.ts'
import { compile as toJavaScript } from '../../src/expression/targets/javascript/compile.ts'
import { spark } from '../../src/expression/targets/spark/dialect.ts'
import { compile as toSql } from '../../src/expression/targets/sql/compile.ts'
import { Writer } from '../../src/expression/targets/sql/writer.ts'
import { toInt64 } from '../../src/kernel/int64.ts'
import { describeWith } from '../services/index.ts'
import { columnTypes, exact, row } from './expressions.ts'
import { runs } from './runs.ts'

const names = Object.keys(columnTypes)
/** Runs the queries of a file over its rows; integers are written as text, floats as JSON has them. */
const program = `
import json, sys
from pyspark.sql import SparkSession
work = json.load(open(sys.argv[1]))
spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC")
  .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1").config("spark.sql.ansi.enabled", "false")
  .config("spark.sql.codegen.wholeStage", "false").config("spark.sql.shuffle.partitions", "1")
  .config("spark.sql.optimizer.excludedRules", "org.apache.spark.sql.catalyst.optimizer.ReorderAssociativeOperator").getOrCreate())
spark.sparkContext.setLogLevel("OFF")
whole = lambda text: None if text is None else int(text)
read = {"BIGINT": whole, "DOUBLE": lambda x: None if x is None else float(x)}
rows = [[n, *(read.get(type, lambda x: x)(value) for (_, type), value in zip(work["columns"], row))] for n, row in enumerate(work["rows"])]
schema = "n BIGINT, " + ", ".join(f"\`{name}\` {type}" for name, type in work["columns"])
spark.createDataFrame(rows, schema).coalesce(1).createOrReplaceTempView("base")
told = lambda v: str(v) if isinstance(v, int) and not isinstance(v, bool) else v
json.dump([[[told(v) for v in row[1:]] for row in spark.sql(query).collect()] for query in work["queries"]], open(sys.argv[2], "w"))
`
const types = {
  boolean: 'BOOLEAN',
  int64: 'BIGINT',
  float64: 'DOUBLE',
  string: 'STRING',
  timestamp: 'BIGINT',
  duration: 'BIGINT',
}
const perQuery = 12

describeWith(['spark'], 'Spark', () => {
  test('and JavaScript agree on every expression and row', { timeout: 300_000 }, () => {
    const { numRuns, seed } = runs(150)
    const sampling = seed === undefined ? {} : { seed }
    const expression = fc.oneof(
      exact.int64,
      exact.float64,
      exact.boolean,
      exact.string,
      exact.timestamp,
      exact.duration,
    )
    const nodes = fc.sample(expression, { numRuns, ...sampling }).map(({ node }) => node)
    const rows = fc
      .sample(row, { numRuns: 60, ...sampling })
      .map((values) => values.map((value) => normal(known(value))))
    const queries: string[] = []
    for (let first = 0; first < nodes.length; first += perQuery) {
      const writer = new Writer(spark)
      const outputs = nodes.slice(first, first + perQuery).map((node, i) => ({
        name: `r${i}`,
        value: toSql(node, writer, (leaf) => writer.atom(spark.identifier((leaf as Node<'column'>).name))),
      }))
      queries.push(`${writer.select('base', ['n'], outputs)} ORDER BY n`)
    }
    const answers = inSpark(rows, queries)
    for (const [i, node] of nodes.entries()) {
      const evaluate = toJavaScript(node, (leaf) => names.indexOf((leaf as Node<'column'>).name))
      const [query, place] = [Math.floor(i / perQuery), i % perQuery]
      const type = typeOf(node)
      for (const [n, values] of rows.entries())
        expect(read(type, answers[query]![n]![place]), told(node, values)).toEqual(evaluate(values))
    }
  })
})

function inSpark(
  rows: readonly (readonly Value[])[],
  queries: readonly string[],
): readonly (readonly (readonly unknown[])[])[] {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-spark-'))
  const [script, work, out] = ['run.py', 'work.json', 'out.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  try {
    writeFileSync(script, program)
    const written = rows.map((values) =>
      values.map((value, i) =>
        value === null || types[columnTypes[names[i]!]!] === 'BOOLEAN' || typeof value === 'string'
          ? value
          : String(value),
      ),
    )
    writeFileSync(
      work,
      JSON.stringify({ columns: names.map((name) => [name, types[columnTypes[name]!]]), rows: written, queries }),
    )
    const environment = { ...process.env, JAVA_HOME: java()!.slice(0, -'/bin/java'.length), SPARK_LOCAL_DIRS: folder }
    const { status, stderr } = spawnSync(sparkPython, [script, work, out], { encoding: 'utf8', env: environment })
    if (status !== 0) throw new Error(stderr.slice(-3000))
    return JSON.parse(readFileSync(out, 'utf8'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const read = (type: string, value: unknown): Value =>
  value === null || value === undefined
    ? null
    : ['int64', 'timestamp', 'duration'].includes(type)
      ? toInt64(BigInt(value as string))
      : (value as Value)
const normal = (value: unknown): Value => (typeof value === 'bigint' ? toInt64(value) : (value as Value))

/** Letters that Unicode has since its version 14, which Java 17 does not know. */
const young = /[\u1C89\u2C2F\uA7C0-\uA7DC\u{10570}-\u{10595}\u{10D50}-\u{10D65}]/gu
const known = (value: unknown): unknown => (typeof value === 'string' ? value.replaceAll(young, '') : value)

const told = (node: Node, values: readonly Value[]): string =>
  `${JSON.stringify(node)} of ${JSON.stringify(Object.fromEntries(names.map((name, i) => [name, values[i]])), (_, value) => (typeof value === 'bigint' ? `${value}n` : value))}`
