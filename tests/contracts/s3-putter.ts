/**
 * A process of its own that uses an artifact store in S3: `s3-putter.ts OPTIONS`, as JSON. For each line, a path, it puts the file,
 * opens what it put, and says its SHA-256, where it was opened, and by how many megabytes its memory has ever grown.
 */
import { createInterface } from 'node:readline'
import { s3ArtifactStore } from '../../src/adapters/s3/artifact-store.ts'

const store = s3ArtifactStore(JSON.parse(process.argv[2]!))
const most = (): number => Math.round(process.resourceUsage().maxRSS / 1024)
const before = most()
process.stdout.write('ready\n')
for await (const path of createInterface({ input: process.stdin })) {
  try {
    const { sha256 } = await store.put(path)
    process.stdout.write(`${sha256} ${await store.open(sha256)} ${most() - before}\n`)
  } catch (error) {
    process.stdout.write(`${String(error)}\n`)
  }
}
await store.close()
