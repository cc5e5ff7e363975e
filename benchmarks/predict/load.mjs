/**
 * A load generator for where there is no wrk: connections kept open, each asks again as soon as it is answered.
 *
 *     node load.mjs URL TEMPLATE USERS CONNECTIONS SECONDS      prints a line of JSON, as post.lua does
 */
import { connect } from 'node:net'

const [url, template, users, connections, seconds] = process.argv.slice(2)
const { hostname, port, pathname } = new URL(url)
const head = `POST ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nContent-Length: `
/** @type {number[]} */
const latencies = []
let errors = 0
const began = performance.now()
const end = began + Number(seconds) * 1000

const ask = () =>
  new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    let answer = ''
    let sent = 0
    const send = () => {
      if (performance.now() >= end) return socket.destroy()
      const body = template.replace('%d', String(Math.floor(Math.random() * Number(users))))
      sent = performance.now()
      socket.write(`${head}${body.length}\r\n\r\n${body}`)
    }
    socket.setEncoding('latin1')
    socket.on('connect', send)
    socket.on('data', (chunk) => {
      answer = answer === '' ? chunk : answer + chunk
      const body = answer.indexOf('\r\n\r\n') + 4
      if (body < 4) return
      const length = /content-length: *(\d+)/i.exec(answer.slice(0, body))
      if (length === null) throw new Error(`No content-length: ${answer.slice(0, body)}`)
      if (answer.length < body + Number(length[1])) return
      if (!answer.startsWith('HTTP/1.1 200')) errors++
      latencies.push(performance.now() - sent)
      answer = ''
      send()
    })
    socket.on('error', () => errors++)
    socket.on('close', resolve)
  })

await Promise.all(Array.from({ length: Number(connections) }, ask))
const took = (performance.now() - began) / 1000
latencies.sort((a, b) => a - b)
const at = (share) => latencies[Math.floor(latencies.length * share)] ?? 0
process.stdout.write(
  `${JSON.stringify({ requests: latencies.length, seconds: took, p50: at(0.5), p99: at(0.99), errors })}\n`,
)
