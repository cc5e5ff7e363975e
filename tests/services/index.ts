/**
 * Real services for tests: each start is a server of its own, on a free port of this machine, with a data folder that is deleted at
 * its end. Tests install nothing; `node scripts/services.mjs install` does.
 */
export type { ServiceName } from '../../scripts/installed.mjs'
export { describeWith } from './describe-with.ts'
export type { FaultProxy } from './fault-proxy.ts'
export { faultProxy } from './fault-proxy.ts'
export { startKafka } from './kafka.ts'
export { startMlflowModels } from './mlflow-models.ts'
export { startMlserver } from './mlserver.ts'
export { startNginx } from './nginx.ts'
export { freePort } from './port.ts'
export { startPostgres } from './postgres.ts'
export type { Service } from './process.ts'
export { startRedis } from './redis.ts'
export type { S3Service } from './s3.ts'
export { startS3 } from './s3.ts'
export type { Triton } from './triton.ts'
export { startTriton } from './triton.ts'
