/**
 * Which way imports point. docs/architecture.md draws it; this holds it, and there are no cycles.
 *   kernel ← definition, expression, aggregation, statistics ← ports ← patterns ← api ← server, cli, client ← runtime
 *   adapters, testing → ports and what they are made of; only runtime sees adapters.
 */
const patterns = ['access', 'features', 'inference', 'registry', 'monitoring', 'training', 'tracking', 'batch']
const core = ['kernel', 'definition', 'expression', 'aggregation', 'statistics', 'ports']

/** Files under a folder of src may import these folders, and themselves; their tests may borrow from any. */
const only = (folder, allowed, comment) => ({
  name: `${folder}-imports`,
  comment,
  severity: 'error',
  from: { path: `^src/${folder}/`, pathNot: '[.]test[.]ts$' },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...allowed].join('|')})/` },
})
/** Another pattern is used through its index alone. */
const throughIndex = (folder) => ({
  name: `${folder}-through-index`,
  comment: `What lies behind src/${folder}/index.ts is its own.`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${folder}/` },
  to: { path: `^src/${folder}/(?!index\\.ts$)` },
})
/** A driver has one home. */
const driver = (name, home) => ({
  name: `driver-${name}`,
  comment: `Only ${home} imports ${name}.`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${home}` },
  to: { path: `node_modules/${name}/` },
})

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Also not between types.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    only('kernel', [], 'The kernel knows nothing.'),
    only('expression', ['kernel'], 'Expressions stand on the kernel.'),
    only('statistics', ['kernel'], 'Pure.'),
    only('definition', ['kernel', 'expression'], 'Definitions are values.'),
    only('aggregation', ['kernel', 'expression', 'definition'], 'Mergeable state.'),
    only('ports', ['kernel', 'expression', 'definition', 'aggregation'], 'Types and laws.'),
    only('access', core, 'Patterns see no adapter.'),
    only('features', core, 'Patterns see no adapter.'),
    only('inference', [...core, 'features'], 'Patterns see no adapter.'),
    only('registry', [...core, 'access', 'inference'], 'Patterns see no adapter.'),
    only('monitoring', [...core, 'features', 'inference'], 'Patterns see no adapter.'),
    only('batch', [...core, 'access', 'features', 'inference', 'registry'], 'Patterns see no adapter.'),
    only('training', [...core, 'inference', 'registry'], 'Patterns see no adapter.'),
    only('tracking', [...core, 'registry', 'training'], 'Patterns see no adapter.'),
    only('api', [...core, ...patterns], 'What the system does, as types.'),
    only('server', ['kernel', 'definition', 'ports', 'api', 'inference', 'batch'], 'No logic.'),
    only('cli', ['kernel', 'definition', 'ports', 'api', ...patterns], 'No logic.'),
    only('client', ['kernel', 'definition', 'inference', 'batch'], 'Types of the others, and errors.'),
    only('adapters', core, 'An adapter knows its port and what that is made of, and no pattern.'),
    only('testing', core, 'The laws of the ports, as cases that any adapter can be held to.'),
    ...patterns.map(throughIndex),
    driver('@duckdb/node-api', 'adapters/duckdb/'),
    driver('lmdb', 'adapters/lmdb/'),
    driver('libsql', 'adapters/sqlite/'),
    driver('kysely', 'adapters/(sql|sqlite|postgres)/'),
    driver('pg', 'adapters/postgres/'),
    driver('redis', 'adapters/redis/'),
    driver('@platformatic/kafka', 'adapters/kafka/'),
    driver('@aws-sdk/(client-s3|lib-storage)', 'adapters/s3/'),
    driver('onnxruntime-node', 'adapters/onnx/'),
    driver('undici', 'adapters/remote/'),
    driver('fastify', 'server/'),
    driver('@grpc/grpc-js', 'server/grpc/'),
    driver('protobufjs', 'server/grpc/'),
    driver('commander', 'cli/'),
    driver('croner', 'batch/'),
    driver('jiti', 'runtime/'),
    driver('zod', 'runtime/'),
    driver('prom-client', 'server/'),
    driver('csv-parse', 'server/'),
    driver('@opentelemetry/api', 'server/'),
    driver('pino', '(runtime|server)/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    includeOnly: '^(src|node_modules)/',
  },
}
