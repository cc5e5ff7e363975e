/**
 * A progress bar on standard error, shown once the work has taken a second, whether or not anything is known of how much of it is
 * done by then. Where nobody watches, no control characters: a line, and another every ten percent.
 */
import type { Progress } from './command.ts'

const width = 30
const quietMs = 1000
const redrawMs = 200

export function progressBar(label: string, stream: NodeJS.WriteStream, quiet: boolean): Progress {
  if (quiet) return { set: () => {}, end: () => {} }
  const bar = stream.isTTY ? drawn(label, stream) : written(label, stream)
  const began = performance.now()
  let share: number | null = null
  const show = (): void => {
    const elapsed = performance.now() - began
    if (elapsed >= quietMs) bar.show(share, elapsed / 1000)
  }
  const timer = setInterval(show, redrawMs)
  timer.unref()
  return {
    set: (done) => {
      share = Math.min(1, Math.max(0, done))
    },
    end: () => {
      clearInterval(timer)
      bar.end()
    },
  }
}

interface Bar {
  show(share: number | null, seconds: number): void
  end(): void
}

function drawn(label: string, stream: NodeJS.WriteStream): Bar {
  let length = 0
  return {
    show: (share, seconds) => {
      const text = `${label} ${share === null ? `… ${Math.floor(seconds)} s` : barOf(share, seconds)}`
      stream.write(`\r${text.padEnd(length)}`)
      length = text.length
    },
    end: () => {
      if (length > 0) stream.write(`\r${' '.repeat(length)}\r`)
    },
  }
}

function barOf(share: number, seconds: number): string {
  const filled = Math.round(share * width)
  // Too early, the rest is anyone's guess.
  const left = share > 0.02 ? `, ${Math.ceil((seconds / share) * (1 - share))} s left` : ''
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${Math.floor(share * 100)} %${left}`
}

function written(label: string, stream: NodeJS.WriteStream): Bar {
  let tenths = -1
  let begun = false
  return {
    show: (share) => {
      const now = share === null ? -1 : Math.floor(share * 10)
      if (begun && now <= tenths) return
      stream.write(`${label}${now < 0 ? ' …' : `: ${now * 10} %`}\n`)
      begun = true
      tenths = now
    },
    end: () => {},
  }
}
