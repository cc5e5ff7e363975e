/** Spark as the tests start it: in one process with Java's, of this machine alone, with few threads. */
import { join } from 'node:path'
import { java, sparkPython, sparkSubmit } from '../../scripts/installed.mjs'
import type { SparkSettings } from '../../src/adapters/spark/submit.ts'

/** What `spark-submit` needs to find. */
export const sparkVariables = (): { readonly [name: string]: string } => ({
  JAVA_HOME: java()!.slice(0, -'/bin/java'.length),
  PYSPARK_PYTHON: sparkPython,
  SPARK_LOCAL_IP: '127.0.0.1',
})

export function sparkHere(folder: string): SparkSettings {
  if (java() !== null) Object.assign(process.env, sparkVariables())
  return {
    submit: sparkSubmit,
    master: 'local[2]',
    conf: {
      'spark.ui.enabled': 'false',
      'spark.driver.host': '127.0.0.1',
      'spark.driver.bindAddress': '127.0.0.1',
      'spark.sql.shuffle.partitions': '4',
      'spark.local.dir': join(folder, 'spark'),
    },
  }
}
