/** The last predictions of a server, those that were degraded first; and the way to one of which the id is known. */
import { useState } from 'react'
import type { ModelStatus } from '../data/wire.ts'
import { instant, milliseconds } from '../format.ts'
import { Across } from '../parts/Across.tsx'
import { go, hashOf } from '../router.ts'

export function Recent({ status: { model, measures, budget } }: { readonly status: ModelStatus }) {
  const [id, setId] = useState('')
  return (
    <section aria-labelledby="recent-title">
      <div className="section-head">
        <h3 id="recent-title">Predictions</h3>
        <p className="calm">the last ones of this server, degraded ones first</p>
        <form
          className="tools"
          onSubmit={(event) => {
            event.preventDefault()
            if (id.trim() !== '') go({ page: 'prediction', id: id.trim() })
          }}
        >
          <label className="search">
            <span className="unseen">Id of a prediction</span>
            <input
              type="search"
              placeholder="Id of a prediction"
              value={id}
              onChange={({ target }) => setId(target.value)}
            />
          </label>
          <button type="submit" className="button plain">
            Inspect
          </button>
        </form>
      </div>
      {measures.recent.length === 0 ? (
        <p className="card blank">
          No prediction yet. Ask with <code>POST /v1/models/{model}/predict</code>
        </p>
      ) : (
        <Across label={`Predictions of ${model}, to be scrolled`} className="card table-card scroll-across">
          <table>
            <caption className="unseen">The last predictions of {model}</caption>
            <thead>
              <tr>
                <th scope="col">Prediction</th>
                <th scope="col">Asked about</th>
                <th scope="col">Version</th>
                <th scope="col" className="number">
                  Total
                </th>
                <th scope="col">Replaced</th>
              </tr>
            </thead>
            <tbody>
              {measures.recent.slice(0, 24).map((one) => (
                <tr key={one.id}>
                  <th scope="row">
                    <a href={hashOf({ page: 'prediction', id: one.id })}>
                      <code>{one.id}</code>
                    </a>
                  </th>
                  <td>{instant(one.at)}</td>
                  <td>{one.version ?? 'none'}</td>
                  <td className={one.totalMs > (budget['total'] ?? 0) ? 'number over' : 'number'}>
                    {milliseconds(one.totalMs)} ms
                  </td>
                  <td>
                    {one.degraded.length === 0 ? (
                      <span className="none">nothing</span>
                    ) : (
                      one.degraded.map(({ stage, by, reason }) => (
                        <span key={`${stage} ${by}`} className="badge warn">
                          {stage}: {by}, {reason}
                        </span>
                      ))
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Across>
      )}
    </section>
  )
}
