/**
 * Stores whose tables change: opened by several processes at once, left by an older version, met by one that is older than they are,
 * in a folder that cannot be written, on a disk that is full.
 */
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import Database from 'libsql'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { postgresEventLog } from '../../src/adapters/postgres/event-log.ts'
import { postgresMetadataStore } from '../../src/adapters/postgres/metadata-store.ts'
import { sqliteMetadataStore } from '../../src/adapters/sqlite/metadata-store.ts'
import { hashOfEntry, noEntry } from '../../src/ports/registry-store.ts'
import type { Service } from '../services/index.ts'
import { describeWith, startPostgres } from '../services/index.ts'
import { canMount, disk } from './disk.ts'
import { addVersion, versionsOf } from './versions.ts'

const fresh = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'sixfold-migrations-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const opener = ['../../node_modules/jiti/lib/jiti-cli.mjs', './opener.ts'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
)

/** Asks processes at once, and gives what each answers. */
async function processes(count: number) {
  const children = Array.from({ length: count }, (_, index) => {
    const child = spawn(process.execPath, [...opener, `file-${index}`], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    return { child, next: async (): Promise<string> => String((await lines.next()).value) }
  })
  onTestFinished(() => {
    for (const { child } of children) child.kill('SIGKILL')
  })
  for (const { next } of children) expect(await next()).toBe('ready')
  return (place: string): Promise<readonly string[]> => {
    for (const { child } of children) child.stdin.write(`${place}\n`)
    return Promise.all(children.map(({ next }) => next()))
  }
}

const rounds = 12
/** The schema of metadata that this version of Sixfold makes. */
const newest = 6

describe('SQLite', () => {
  it('is migrated once by processes that open it at once', async () => {
    const folder = fresh()
    const ask = await processes(3)
    for (let round = 0; round < rounds; round += 1) {
      const path = join(folder, `${round}`, 'metadata.sqlite')
      expect([...(await ask(path))].sort()).toEqual(['version 1', 'version 2', 'version 3'])
      expect(inFile(path, 'select version from schema')).toEqual([{ version: newest }])
      expect(inFile(path, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])
    }
  })

  it('takes over a file that the first version of Sixfold made', async () => {
    const path = join(fresh(), 'metadata.sqlite')
    const file = new Database(path)
    file.exec(`pragma journal_mode = wal;
      create table "schema" ("version" integer not null);
      create table "applied" ("id" integer primary key, "hash" text not null, "definitions" text not null, "at" integer not null);
      create table "model_version" ("model" text not null, "version" integer not null, "artifact" text not null,
        "bytes" integer not null, "definition" text not null, "signature" text not null, "note" text, "at" integer not null,
        constraint "model_version_key" primary key ("model", "version"));
      insert into "schema" values (1);
      insert into "applied" ("hash", "definitions", "at") values ('old', '[]', 5);
      insert into "model_version" values ('m', 1, 'file', 9, 'd', '{"inputs":[],"outputs":[],"opset":17}', null, 6);`)
    file.close()
    const store = await sqliteMetadataStore(path)
    onTestFinished(() => store.close())
    expect(await store.applied()).toEqual({ hash: 'old', definitions: [], at: 5 })
    const [live] = await store.registry.production('default')
    expect(live).toMatchObject({ model: 'm', version: 1, files: [{ sha256: 'file', bytes: 9 }], definition: 'd' })
    expect(live!.facts.dependencies).toMatchObject({ opset: 17 })
    expect(await addVersion(store, 'next', 7)).toBe(2)
    const entries = await store.registry.audit({ after: 0, limit: 9 })
    expect(entries.map(({ action, version }) => `${action} ${version}`)).toEqual([
      'version.registered 1',
      'stage.changed 1',
      'version.registered 2',
    ])
    expect(entries.map(({ previous }) => previous)).toEqual([noEntry, entries[0]!.hash, entries[1]!.hash])
    expect(entries.map((entry) => hashOfEntry(entry))).toEqual(entries.map(({ hash }) => hash))
    await store.keepForm('hash', 'form')
    expect(await store.form('hash')).toBe('form')
    expect(inFile(path, 'select version from schema')).toEqual([{ version: newest }])
  })

  it('refuses a file that is newer, and leaves it as it is', async () => {
    const path = join(fresh(), 'metadata.sqlite')
    await (await sqliteMetadataStore(path)).close()
    inFile(path, 'update schema set version = 99 returning version')
    const before = readFileSync(path)
    await expect(sqliteMetadataStore(path)).rejects.toMatchObject({
      code: 'SX_STORE_NEWER',
      message: expect.stringMatching(new RegExp(`metadata\\.sqlite' has schema 99; .* knows ${newest}`)),
    })
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('says that a file is none of its own', async () => {
    const path = join(fresh(), 'metadata.sqlite')
    writeFileSync(path, 'this is no database, '.repeat(500))
    await expect(sqliteMetadataStore(path)).rejects.toMatchObject({ code: 'SX_STORE_CORRUPT' })
  })

  // Root may write everywhere; for it there is the disk below.
  if (process.getuid?.() !== 0)
    it('says that a folder cannot be written', async () => {
      const folder = fresh()
      chmodSync(folder, 0o555)
      onTestFinished(() => chmodSync(folder, 0o755))
      await expect(sqliteMetadataStore(join(folder, 'metadata.sqlite'))).rejects.toMatchObject({
        code: 'SX_STORE_READ_ONLY',
      })
      await expect(sqliteMetadataStore(join(folder, 'below', 'metadata.sqlite'))).rejects.toMatchObject({
        code: 'SX_STORE_READ_ONLY',
      })
    })
})

describe.skipIf(!canMount)('SQLite on a disk of its own (needs the right to mount one)', () => {
  it('says that a folder cannot be written, and loses nothing', async () => {
    const { folder, remount } = disk(2)
    const path = join(folder, 'metadata.sqlite')
    // In a process that ends, since a disk with open files cannot be set to read only.
    expect(execFileSync(process.execPath, [...opener, 'file'], { input: `${path}\n` }).toString()).toMatch('version 1')
    remount('ro')
    for (const place of [path, join(folder, 'new.sqlite'), join(folder, 'below', 'metadata.sqlite')])
      await expect(sqliteMetadataStore(place), place).rejects.toMatchObject({
        code: 'SX_STORE_READ_ONLY',
        message: expect.stringContaining(place),
      })
    remount('rw')
    const again = await sqliteMetadataStore(path)
    expect(await addVersion(again, 'next', 2)).toBe(2)
    expect((await again.inspect()).problems).toEqual([])
    await again.close()
  })

  it('says that the disk is full, loses nothing acknowledged, and goes on when there is room', async () => {
    const { folder } = disk(3)
    const path = join(folder, 'metadata.sqlite')
    const ballast = join(folder, 'ballast')
    writeFileSync(ballast, Buffer.alloc(1024 * 1024))
    const store = await sqliteMetadataStore(path)
    const added: number[] = []
    let failure: unknown = null
    while (failure === null && added.length < 1_000)
      try {
        added.push(await addVersion(store, `file-${added.length}`, 1, { description: 'x'.repeat(5_000) }))
      } catch (error) {
        failure = error
      }
    expect(failure).toMatchObject({ code: 'SX_STORAGE_FULL', message: expect.stringContaining(path) })
    expect(added.length).toBeGreaterThan(10)
    expect((await versionsOf(store)).map((one) => one.version)).toEqual([...added].reverse())
    await expect(store.keepForm('form', 'x'.repeat(100_000))).rejects.toMatchObject({ code: 'SX_STORAGE_FULL' })
    rmSync(ballast)
    expect(await addVersion(store, 'later', 1)).toBe(added.length + 1)
    await store.close()
    expect(inFile(path, 'pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])
    expect(inFile(path, 'select count(*) as rows from registered_version')).toEqual([{ rows: added.length + 1 }])
    process.stdout.write(`full disk: ${added.length} versions acknowledged before it was full, all there\n`)
  })

  it('says that the disk is full where it cannot even begin', async () => {
    const { folder } = disk(2)
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(2 * 1024 * 1024))
    await expect(sqliteMetadataStore(join(folder, 'metadata.sqlite'))).rejects.toMatchObject({
      code: 'SX_STORAGE_FULL',
    })
    rmSync(join(folder, 'ballast'))
    await (await sqliteMetadataStore(join(folder, 'metadata.sqlite'))).close()
  })
})

describeWith(['postgres'], 'PostgreSQL', () => {
  let service: Service
  let admin: pg.Pool
  beforeAll(async () => {
    service = await startPostgres()
    admin = new pg.Pool({ connectionString: service.url, max: 1 })
    // The server ends before the last of its connections has.
    admin.on('error', () => {})
  })
  afterAll(async () => {
    await admin.end()
    await service.close()
  })
  const options = (schema: string, url = service.url) => ({ url, password: null, schema, patienceMs: 5_000 })
  const asUser = (user: string): string => service.url.replace('sixfold@', `${user}@`)

  it('is migrated once by processes that open it at once', async () => {
    const ask = await processes(3)
    for (let round = 0; round < rounds; round += 1) {
      expect([...(await ask(`${service.url} at_once_${round}`))].sort()).toEqual([
        'version 1',
        'version 2',
        'version 3',
      ])
      const { rows } = await admin.query(`select version from at_once_${round}.schema`)
      expect(rows).toEqual([{ version: newest }])
    }
  })

  it('lets logs and metadata lie in one schema, opened at once', async () => {
    const opened = await Promise.all([
      ...[0, 1].map(() => postgresMetadataStore(options('both'))),
      ...[0, 1].map(() => postgresEventLog({ ...options('both'), bufferBytes: 1024 })),
    ])
    for (const store of opened) await store.close()
    expect(opened.flatMap((store) => ('identity' in store ? [store.identity] : [])).length).toBe(2)
    expect((await admin.query('select count(*)::int as rows from "both".log_identity')).rows).toEqual([{ rows: 1 }])
  })

  it('refuses tables that are newer, and leaves them as they are', async () => {
    await (await postgresMetadataStore(options('newer'))).close()
    await (await postgresEventLog({ ...options('newer'), bufferBytes: 1024 })).close()
    await admin.query('update newer.schema set version = 99; update newer.log_schema set version = 98')
    await expect(postgresMetadataStore(options('newer'))).rejects.toMatchObject({
      code: 'SX_STORE_NEWER',
      message: expect.stringMatching(/sixfold newer' has schema 99/),
    })
    await expect(postgresEventLog({ ...options('newer'), bufferBytes: 1024 })).rejects.toMatchObject({
      code: 'SX_STORE_NEWER',
    })
    expect((await admin.query('select version from newer.schema')).rows).toEqual([{ version: 99 }])
  })

  it('lets a user work who may only read and write rows', async () => {
    await (await postgresMetadataStore(options('rows'))).close()
    await admin.query(
      `create role worker login; grant usage on schema "rows" to worker;
      grant select, insert, update, delete on all tables in schema "rows" to worker`,
    )
    const store = await postgresMetadataStore(options('rows', asUser('worker')))
    onTestFinished(() => store.close())
    expect(await addVersion(store, 'file', 1)).toBe(1)
    expect((await store.inspect()).problems).toMatchObject([
      { severity: 'warning', fix: 'As the owner: grant create on schema "rows" to "worker";' },
    ])
  })

  it('names the right that is missing', async () => {
    await admin.query('create role stranger login')
    const url = asUser('stranger')
    await expect(postgresMetadataStore(options('theirs', url))).rejects.toMatchObject({
      code: 'SX_STORE_DENIED',
      fix: 'As an administrator: grant create on database "sixfold" to "stranger";',
    })
    await admin.query('create schema theirs')
    await expect(postgresMetadataStore(options('theirs', url))).rejects.toMatchObject({
      code: 'SX_STORE_DENIED',
      fix: 'As the owner: grant usage, create on schema "theirs" to "stranger";',
    })
    await (await postgresMetadataStore(options('theirs'))).close()
    await admin.query('grant usage on schema theirs to stranger')
    await expect(postgresMetadataStore(options('theirs', url))).rejects.toMatchObject({
      code: 'SX_STORE_DENIED',
      fix: 'As the owner: grant select, insert, update, delete on all tables in schema "theirs" to "stranger";',
    })
  })

  it('asks with the password, whatever is in it, and never tells it', async () => {
    const password = 'p%41 @:/?&=+#ü\'"'
    await admin.query(
      `create role secret login password '${password.replace("'", "''")}'; grant create on database sixfold to secret`,
    )
    const file = String((await admin.query('show hba_file')).rows[0].hba_file)
    writeFileSync(file, `host all secret 127.0.0.1/32 scram-sha-256\n${readFileSync(file, 'utf8')}`)
    await admin.query('select pg_reload_conf()')
    const url = asUser('secret')
    const store = await postgresMetadataStore({ ...options('secret', url), password })
    expect((await store.inspect()).where).toBe(`${url} secret`)
    await store.close()
    const error: unknown = await postgresMetadataStore({ ...options('secret', url), password: 'wrong-one' }).catch(
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ code: 'SX_STORE_DENIED', message: expect.stringContaining('"secret"') })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('wrong-one')
  })

  it('says what is wrong with a URL, without waiting', async () => {
    for (const url of ['localhost', `${service.url}?sslmode=verify-full&sslrootcert=/no/such/file`])
      await expect(postgresMetadataStore(options('x', url))).rejects.toMatchObject({ code: 'SX_CONFIG_INVALID' })
    const encrypted = postgresMetadataStore({ ...options('x', `${service.url}?sslmode=no-verify`), patienceMs: 300 })
    await expect(encrypted).rejects.toMatchObject({
      code: 'SX_STORE_UNAVAILABLE',
      message: expect.stringMatching(/server does not support SSL/),
    })
  })

  it('says that a server can only be read, after it was patient', async () => {
    await admin.query('create role reader login; alter role reader set default_transaction_read_only = on')
    await expect(
      postgresMetadataStore({ ...options('read', asUser('reader')), patienceMs: 1_000 }),
    ).rejects.toMatchObject({ code: 'SX_STORE_UNAVAILABLE', fix: expect.stringMatching(/^Name the primary/) })
  })

  it.skipIf(!canMount)(
    'says that its disk is full, and goes on when there is room (needs the right to mount)',
    async () => {
      const { folder } = disk(24)
      const user = execFileSync('stat', [
        '-c',
        '%u:%g',
        String((await admin.query('show data_directory')).rows[0].data_directory),
      ])
      execFileSync('chown', [user.toString().trim(), folder])
      await admin.query(`create tablespace tiny location '${folder}'`)
      await admin.query('create role tight login; alter role tight set default_tablespace = tiny')
      await admin.query('grant create on tablespace tiny to tight; grant create on database sixfold to tight')
      writeFileSync(join(folder, 'ballast'), Buffer.alloc(12 * 1024 * 1024))
      const url = asUser('tight')
      const log = await postgresEventLog({ ...options('tight', url), bufferBytes: 16 * 1024 * 1024 })
      const metadata = await postgresMetadataStore(options('tight', url))
      const entry = randomBytes(256 * 1024)
      let written = 0
      let failure: unknown = null
      while (failure === null && written < 100)
        await log.append('events', [entry]).durable.then(
          () => {
            written += 1
          },
          (error: unknown) => {
            failure = error
          },
        )
      expect(failure).toMatchObject({ code: 'SX_STORAGE_FULL' })
      await expect(metadata.keepForm('form', randomBytes(512 * 1024).toString('hex'))).rejects.toMatchObject({
        code: 'SX_STORAGE_FULL',
      })
      expect(await log.ends('events')).toEqual([written])
      rmSync(join(folder, 'ballast'))
      await log.append('events', [entry]).durable
      await metadata.keepForm('form', 'short')
      expect([await log.ends('events'), await metadata.form('form')]).toEqual([[written + 1], 'short'])
      let position = 0
      for (
        let some = await log.read('events', 0, 0, 100);
        some.length > 0;
        some = await log.read('events', 0, position, 100)
      )
        for (const { bytes } of some) {
          expect(entry.equals(bytes)).toBe(true)
          position += 1
        }
      expect(position).toBe(written + 1)
      await Promise.all([log.close(), metadata.close()])
      await admin.query('drop schema tight cascade; drop owned by tight; drop role tight')
      await admin.query('drop tablespace tiny')
      process.stdout.write(`full disk: ${written} entries acknowledged before it was full, all there\n`)
    },
  )

  it('names a user, a password or a database that is wrong, without waiting, and never the password', async () => {
    const began = performance.now()
    const unknown = postgresMetadataStore({ ...options('x', asUser('nobody')), password: 'geheim-1' })
    await expect(unknown).rejects.toMatchObject({ code: 'SX_STORE_DENIED' })
    const error: unknown = await unknown.catch((reason: unknown) => reason)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).cause)).not.toContain(
      'geheim',
    )
    await expect(postgresMetadataStore(options('x', service.url.replace(/sixfold$/, 'none')))).rejects.toMatchObject({
      code: 'SX_STORE_DENIED',
      fix: 'As an administrator: create database "none" owner "sixfold";',
    })
    expect(performance.now() - began).toBeLessThan(4_000)
  })
})

function inFile(path: string, statement: string): unknown[] {
  const file = new Database(path)
  try {
    return file.prepare(statement).all()
  } finally {
    file.close()
  }
}
