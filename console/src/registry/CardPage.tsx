/** The model card. What it says comes from whoever trained the model: it is shown in a frame of its own that may do nothing. */
import { useEffect, useState } from 'react'
import { at } from '../data/registry.ts'
import { askText, Refusal, useKey } from '../data/server.ts'
import { Page } from '../parts/Page.tsx'
import { Waiting } from '../parts/Refused.tsx'

interface Props {
  readonly model: string
  readonly version: string
}

export function CardPage({ model, version }: Props) {
  const key = useKey()
  const [card, setCard] = useState<{ readonly html: string } | { readonly refusal: Refusal } | null>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: with another key there is another answer.
  useEffect(() => {
    const ended = new AbortController()
    askText(`${at.version(model, version)}/card`, {
      accept: 'text/html',
      signal: ended.signal,
      patienceMs: 60_000,
    }).then(
      (html) => setCard({ html }),
      (error) => {
        if (!ended.signal.aborted)
          setCard({ refusal: error instanceof Refusal ? error : new Refusal(0, 'UNKNOWN', String(error), '') })
      },
    )
    return () => ended.abort()
  }, [model, version, key])
  const html = card !== null && 'html' in card ? card.html : null
  return (
    <Page
      above={[
        ['Models', { page: 'models' }],
        [model, { page: 'model', model }],
        [`Version ${version}`, { page: 'version', model, version }],
      ]}
      title="Model card"
      actions={
        html !== null && (
          <a
            className="button plain"
            download={`${model}-${version}.html`}
            href={`data:text/html;charset=utf-8,${encodeURIComponent(html)}`}
          >
            Download
          </a>
        )
      }
    >
      {html === null ? (
        <Waiting refusal={card !== null && 'refusal' in card ? card.refusal : null} what="the model card" />
      ) : (
        <iframe className="card model-card" sandbox="" srcDoc={html} title={`Model card of version ${version}`} />
      )}
    </Page>
  )
}
