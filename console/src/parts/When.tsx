/** An instant: how long ago, with the instant itself under the pointer and for whoever copies it. */
import { ago, instant } from '../format.ts'

interface Props {
  readonly at: string
  /** The instant itself is shown. */
  readonly exact?: boolean
}

export function When({ at, exact = false }: Props) {
  const ms = Date.parse(at)
  // A model that is only defined was never changed.
  if (ms <= 0) return <span className="none">–</span>
  const whole = `${instant(ms)} UTC`
  return (
    <time dateTime={at} title={whole}>
      {exact ? instant(ms).slice(0, 16) : ago(ms, Date.now())}
    </time>
  )
}
