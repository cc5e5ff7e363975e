/**
 * Where this machine has the services that some tests need, and what is missing where it has not. Only looks for files, so that
 * every test file can ask. Plain JavaScript without imports from packages, because it installs before there are any.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

/** What is not a system's package lies here, a folder for each version, kept between runs. */
export const cache = process.env.SIXFOLD_SERVICES || join(homedir(), '.cache/sixfold-services')

export const kafkaFolder = join(cache, 'kafka-4.3.0')
export const versityProgram = join(cache, 'versitygw-1.8.0/versitygw')

/** What checks the files of deploy/: programs, and the schemas that they check by. */
export const validators = join(cache, 'validators-1')

/** A Python with MLflow, and with what makes models that its client logs. The file `whole` in it comes last. */
export const mlflowFolder = join(cache, 'mlflow-3.17.2')
export const mlflowPython = join(mlflowFolder, 'bin/python')

/** A Python with MLServer, and with what runs ONNX models in it. The file `whole` in it comes last. */
export const mlserverFolder = join(cache, 'mlserver-1.7.1')

/** A Python with Triton, its Python backend and its client. The file `whole` in it comes last. */
export const tritonFolder = join(cache, 'triton-2.51')
export const tritonPython = join(tritonFolder, 'bin/python')

/** A Python with Schemathesis, which asks a server what its OpenAPI document allows, and what it does not. The file `whole` in it comes last. */
export const schemathesisFolder = join(cache, 'schemathesis-4.32.5')
export const schemathesisProgram = join(schemathesisFolder, 'bin/schemathesis')

/** A Python with Airflow: enough to run a DAG in one process. The file `whole` in it comes last. */
export const airflowFolder = join(cache, 'airflow-3.3.2')
export const airflowProgram = join(airflowFolder, 'bin/airflow')

/** A Python with Spark, onnxruntime, PyArrow and pandas. The file `whole` in it comes last. */
export const sparkFolder = join(cache, 'spark-4.1.4')
export const sparkSubmit = join(sparkFolder, 'bin/spark-submit')
export const sparkPython = join(sparkFolder, 'bin/python')

export const names = [
  'redis',
  'postgres',
  'kafka',
  's3',
  'nginx',
  'validators',
  'mlflow',
  'mlserver',
  'triton',
  'schemathesis',
  'airflow',
  'spark',
]

/** The program on the path, or where systems put it though an ordinary user's path does not say so. */
export function program(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/local/go/bin']
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null
}

/** The folder of PostgreSQL's programs: Debian keeps the server off the path, a folder for each version. */
export function postgresFolder() {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').map(Number) : []
  const folders = versions.sort((a, b) => b - a).map((version) => `/usr/lib/postgresql/${version}/bin`)
  const onPath = program('postgres')
  return [...folders, ...(onPath ? [dirname(onPath)] : [])].find((folder) => existsSync(join(folder, 'initdb'))) ?? null
}

/** A Java that runs Kafka 4 and Spark 4: 17 or newer. */
export function java() {
  const installed = existsSync('/usr/lib/jvm') ? readdirSync('/usr/lib/jvm').map((name) => `/usr/lib/jvm/${name}`) : []
  const onPath = program('java')
  const homes = [
    ...(process.env.JAVA_HOME ? [process.env.JAVA_HOME] : []),
    ...(onPath ? [dirname(dirname(realpathSync(onPath)))] : []),
    ...installed,
  ]
  const home = homes.find((home) => existsSync(join(home, 'bin/java')) && javaVersion(home) >= 17)
  return home === undefined ? null : join(home, 'bin/java')
}

function javaVersion(home) {
  const release = join(home, 'release')
  const version = existsSync(release) ? /^JAVA_VERSION="(\d+)/m.exec(readFileSync(release, 'utf8')) : /(\d+)/.exec(home)
  return Number(version?.[1] ?? 0)
}

const parts = {
  redis: () => (program('redis-server') ? [] : ['redis-server']),
  postgres: () => (postgresFolder() ? [] : ['PostgreSQL server']),
  kafka: () => [
    ...(java() ? [] : ['Java 17 or newer']),
    ...(existsSync(kafkaFolder) ? [] : [`Kafka in ${kafkaFolder}`]),
  ],
  s3: () => (existsSync(versityProgram) ? [] : [versityProgram]),
  nginx: () => (program('nginx') ? [] : ['nginx']),
  validators: () => (existsSync(validators) ? [] : [validators]),
  mlflow: () => (existsSync(join(mlflowFolder, 'whole')) ? [] : [`Python with MLflow in ${mlflowFolder}`]),
  triton: () => (existsSync(join(tritonFolder, 'whole')) ? [] : [`Python with Triton in ${tritonFolder}`]),
  schemathesis: () =>
    existsSync(join(schemathesisFolder, 'whole')) ? [] : [`Python with Schemathesis in ${schemathesisFolder}`],
  mlserver: () => (existsSync(join(mlserverFolder, 'whole')) ? [] : [`Python with MLServer in ${mlserverFolder}`]),
  airflow: () => (existsSync(join(airflowFolder, 'whole')) ? [] : [`Python with Airflow in ${airflowFolder}`]),
  spark: () => [
    ...(java() ? [] : ['Java 17 or newer']),
    ...(existsSync(join(sparkFolder, 'whole')) ? [] : [`Python with Spark in ${sparkFolder}`]),
  ],
}

/** What a service lacks, and how to get it; null where it is installed. */
export function missing(name) {
  const lacks = parts[name]()
  return lacks.length === 0
    ? null
    : `${name}: this machine has no ${lacks.join(' and no ')}. Install with: node scripts/services.mjs install ${name}`
}
