/** Distributions of before and now, laid over each other: an outline for what was, a fill for what is. */
import type { Overlay } from '../data/batches.ts'
import { percent } from '../format.ts'

const opposite: { readonly [A in Overlay['against']]: string } = {
  previous: 'the version before',
  weekday: 'the same day of the week',
  reference: 'the reference',
}

const height = 120
const wide = 320

export function Overlays({ overlays }: { readonly overlays: readonly Overlay[] }) {
  return (
    <section aria-labelledby="overlays-title">
      <div className="section-head">
        <h3 id="overlays-title">Old and new</h3>
        <p className="calm legend">
          <span>
            <i className="square after" aria-hidden="true" /> this version
          </span>
          <span>
            <i className="square before" aria-hidden="true" /> what it is compared with
          </span>
        </p>
      </div>
      <div className="overlays">
        {overlays.slice(0, 60).map((overlay) => (
          <One key={[overlay.of, overlay.segment, overlay.against].join('\u0000')} overlay={overlay} />
        ))}
      </div>
    </section>
  )
}

function One({ overlay: { of, segment, against, bins } }: { readonly overlay: Overlay }) {
  const most = Math.max(...bins.map(({ before, after }) => Math.max(before, after)), 1e-9)
  const step = wide / Math.max(1, bins.length)
  const y = (share: number): number => height - (share / most) * (height - 8)
  // The outline goes up and down at the edges of bins.
  const outline = bins
    .map(({ before }, i) => `${i === 0 ? 'M0' : `L${i * step}`} ${y(before)}H${(i + 1) * step}`)
    .join('')
  const name = `${of}${segment === null ? '' : `, ${segment}`}`
  const furthest = bins.reduce(
    (a, b) => (Math.abs(b.after - b.before) > Math.abs(a.after - a.before) ? b : a),
    bins[0] ?? { label: '', before: 0, after: 0 },
  )
  return (
    <figure className="card overlay">
      <figcaption>
        {name} <span className="calm">against {opposite[against]}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${wide} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Distribution of ${name}`}
      >
        {bins.map(({ label, before, after }, i) => (
          <rect
            key={label}
            className="after"
            x={i * step}
            width={Math.max(1, step - 1)}
            y={y(after)}
            height={height - y(after)}
          >
            <title>{`${label}: ${percent(after)}, before ${percent(before)}`}</title>
          </rect>
        ))}
        <path className="before" d={outline} />
      </svg>
      <p className="calm">
        {`${bins[0]?.label ?? ''} … ${bins.at(-1)?.label ?? ''}; furthest apart at ${furthest.label}: ${percent(furthest.before)}, now ${percent(furthest.after)}`}
      </p>
    </figure>
  )
}
