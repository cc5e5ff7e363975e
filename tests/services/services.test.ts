import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Admin, Producer, stringSerializers } from '@platformatic/kafka'
import pg from 'pg'
import { createClient } from 'redis'
import { expect, test } from 'vitest'
import { program } from '../../scripts/installed.mjs'
import type { Service } from './index.ts'
import { describeWith, startKafka, startNginx, startPostgres, startRedis, startS3 } from './index.ts'
import { answer } from './port.ts'

const value = 'durable'

/** Stopped, started, killed and started again, it has what its client wrote, `read` by a client of its own each time. */
async function keeps<S extends Service>(
  service: S,
  write: (service: S, key: string) => Promise<unknown>,
  read: (service: S) => Promise<unknown>,
  expected: (...keys: string[]) => unknown,
): Promise<void> {
  try {
    await write(service, 'a')
    expect(await read(service)).toEqual(expected('a'))
    await service.stop()
    await expect(answer(service.port, '')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await service.start()
    expect(await read(service)).toEqual(expected('a'))
    await write(service, 'b')
    await service.kill()
    await expect(answer(service.port, '')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await service.start()
    expect(await read(service)).toEqual(expected('a', 'b'))
  } finally {
    await service.close()
  }
  await expect(answer(service.port, '')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
}

describeWith(['redis'], 'Redis', () => {
  const ask = async <T>(
    service: Service,
    command: (client: ReturnType<typeof createClient>) => Promise<T>,
  ): Promise<T> => {
    const client = await createClient({ url: service.url }).connect()
    try {
      return await command(client as ReturnType<typeof createClient>)
    } finally {
      client.destroy()
    }
  }

  test('keeps what it has acknowledged', async () => {
    await keeps(
      await startRedis(),
      (service, key) => ask(service, (client) => client.set(key, value)),
      (service) => ask(service, (client) => client.mGet(['a', 'b'])),
      (...keys) => ['a', 'b'].map((key) => (keys.includes(key) ? value : null)),
    )
  })

  test('one that does not start says why', async () => {
    await expect(startRedis(['--maxmemory', 'much'])).rejects.toThrow(/redis on port \d+ ended with 1.*maxmemory/s)
  })

  test('started twice, or after its end, is refused', async () => {
    const service = await startRedis()
    await expect(service.start()).rejects.toThrow('redis runs already')
    await service.close()
    await expect(service.start()).rejects.toThrow('redis is closed')
  })
})

describeWith(['postgres'], 'PostgreSQL', () => {
  const ask = async (service: Service, sql: string): Promise<readonly unknown[]> => {
    const client = new pg.Client({ connectionString: service.url })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<{ readonly key: string }>(sql)).rows.map(({ key }) => key)
    } finally {
      await client.end()
    }
  }

  test('keeps what it has acknowledged', async () => {
    const service = await startPostgres()
    await ask(service, 'create table kept (key text)')
    await keeps(
      service,
      (service, key) => ask(service, `insert into kept values ('${key}')`),
      (service) => ask(service, 'select key from kept order by key'),
      (...keys) => keys,
    )
  })
})

describeWith(['kafka'], 'Kafka', () => {
  const options = (service: Service) => ({ clientId: 'test', bootstrapBrokers: [service.url] })
  const asked = async <C extends { close(): Promise<void> }, T>(
    client: C,
    command: (client: C) => Promise<T>,
  ): Promise<T> => {
    try {
      return await command(client)
    } finally {
      await client.close()
    }
  }

  test('keeps what it has acknowledged, and makes no topic by itself', async () => {
    const service = await startKafka()
    const send = (service: Service, topic: string, key: string): Promise<unknown> =>
      asked(
        new Producer({ ...options(service), serializers: stringSerializers, retries: 0, autocreateTopics: true }),
        (producer) => producer.send({ messages: [{ topic, key, value }] }),
      )
    await asked(new Admin(options(service)), (admin) =>
      admin.createTopics({ topics: ['kept'], partitions: 1, replicas: 1 }),
    )
    await expect(send(service, 'unknown', 'a')).rejects.toThrow()
    await keeps(
      service,
      (service, key) => send(service, 'kept', key),
      async (service) => {
        const [topic] = await asked(new Admin(options(service)), (admin) =>
          admin.listOffsets({ topics: [{ name: 'kept', partitions: [{ partitionIndex: 0, timestamp: -1n }] }] }),
        )
        return topic?.partitions[0]?.offset
      },
      (...keys) => BigInt(keys.length),
    )
  })
})

describeWith(['s3'], 'S3', () => {
  test('keeps what it has acknowledged', async () => {
    const service = await startS3()
    const client = new S3Client({
      endpoint: service.url,
      region: service.region,
      credentials: service,
      forcePathStyle: true,
    })
    const place = { Bucket: 'kept' }
    await client.send(new CreateBucketCommand(place))
    await keeps(
      service,
      (_, key) => client.send(new PutObjectCommand({ ...place, Key: key, Body: value })),
      async () => {
        const { Contents = [] } = await client.send(new ListObjectsV2Command(place))
        return Promise.all(
          Contents.map(async ({ Key }) => {
            const { Body } = await client.send(new GetObjectCommand({ ...place, Key }))
            return [Key, await Body?.transformToString()]
          }),
        )
      },
      (...keys) => keys.map((key) => [key, value]),
    )
    client.destroy()
  })
})

const serving = (port: number, folder: string): string => `
events {}
http { access_log off; server { listen 127.0.0.1:${port}; root ${folder}; } }`

describeWith(['nginx'], 'nginx', () => {
  test('serves what its configuration says, from the folder of its own', async () => {
    let place = ''
    const service = await startNginx((port, folder) => {
      place = folder
      return serving(port, folder)
    })
    await keeps(
      service,
      (_, key) => writeFile(join(place, key), value, { mode: 0o600 }),
      ({ url }) => Promise.all(['a', 'b'].map(async (key) => (await fetch(`${url}/${key}`)).status)),
      (...keys) => ['a', 'b'].map((key) => (keys.includes(key) ? 200 : 404)),
    )
    await expect(readFile(join(place, 'a'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('a configuration that is wrong is told', async () => {
    await expect(startNginx(() => 'events {} http { serve; }')).rejects.toThrow(/nginx on port \d+ ended.*"serve"/s)
  })

  // The kernel's help, by setpriv: a process that is killed runs no code of its own.
  test.runIf(program('setpriv'))('ends with the process that started it, and its workers with it', async () => {
    const start = `import { createJiti } from 'jiti'
const { startNginx } = await createJiti(import.meta.url).import(${JSON.stringify(join(import.meta.dirname, 'nginx.ts'))})
let place = ''
const { port } = await startNginx((port, folder) => (${serving})(port, (place = folder)))
process.stdout.write(JSON.stringify({ port, place }), () => process.kill(process.pid, 'SIGKILL'))`
    const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', start])
    const { signal, stdout } = await child.then(
      () => Promise.reject(new Error('It was not killed.')),
      (error: { readonly signal: string; readonly stdout: string }) => error,
    )
    expect(signal).toBe('SIGKILL')
    const { port, place } = JSON.parse(stdout) as { readonly port: number; readonly place: string }
    await rm(place, { recursive: true })
    await expect.poll(() => answer(port, '').catch((error) => error.code)).toBe('ECONNREFUSED')
  })
})
