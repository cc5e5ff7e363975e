/** A progress bar on standard error, shown once the work has taken a second; where nobody watches, a line every ten percent. */
import type { Progress } from './command.ts'

const width = 30

export function progressBar(label: string, stream: NodeJS.WriteStream, quiet: boolean): Progress {
  if (quiet) return { set: () => {}, end: () => {} }
  const began = performance.now()
  let shown = -1
  let drawn = false
  return {
    set: (done) => {
      if (performance.now() - began < 1000) return
      const share = Math.min(1, Math.max(0, done))
      if (stream.isTTY) {
        const filled = Math.round(share * width)
        const left =
          share > 0.02 ? `, ${Math.ceil(((performance.now() - began) / 1000 / share) * (1 - share))} s left` : ''
        stream.write(
          `\r${label} ${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${Math.floor(share * 100)} %${left}  `,
        )
        drawn = true
      } else if (Math.floor(share * 10) > shown) {
        shown = Math.floor(share * 10)
        stream.write(`${label}: ${shown * 10} %\n`)
      }
    },
    end: () => {
      if (drawn) stream.write(`\r${' '.repeat(label.length + width + 30)}\r`)
    },
  }
}
