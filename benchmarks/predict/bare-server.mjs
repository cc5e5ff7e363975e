/**
 * The floor of `predict`: node:http and onnxruntime, and nothing between them that a platform would add. It parses the request,
 * ignores it, and answers for constant features; requests of one turn of the event loop go through the model together.
 *
 *     node bare-server.mjs MODEL      prints its address
 */
import { createServer } from 'node:http'
import { InferenceSession, Tensor } from 'onnxruntime-node'

const width = 20
const batchRows = 32
const session = await InferenceSession.create(process.argv[2], { intraOpNumThreads: 1, interOpNumThreads: 1 })
const constant = Float32Array.from({ length: width }, (_, i) => i / width - 0.5)
const rows = new Float32Array(batchRows * width)

/** @type {import('node:http').ServerResponse[]} */
let waiting = []
let scheduled = false

async function flush() {
  scheduled = false
  const batch = waiting
  waiting = []
  for (let from = 0; from < batch.length; from += batchRows) {
    const responses = batch.slice(from, from + batchRows)
    for (let i = 0; i < responses.length; i++) rows.set(constant, i * width)
    const x = new Tensor('float32', rows.subarray(0, responses.length * width), [responses.length, width])
    const { probabilities } = await session.run({ x }, ['probabilities'])
    for (let i = 0; i < responses.length; i++) {
      const body = `{"score":${probabilities.data[2 * i + 1]}}`
      responses[i].writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
    }
  }
}

const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    JSON.parse(chunks.length === 1 ? chunks[0].toString() : Buffer.concat(chunks).toString())
    waiting.push(response)
    if (scheduled) return
    scheduled = true
    setImmediate(flush)
  })
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}/predict\n`))
process.once('SIGTERM', () => process.exit(0))
