/** A page beside the overview: where it is, what it is called, and what can be done there. */
import type { ReactNode } from 'react'
import { useEffect, useRef } from 'react'
import type { Place } from '../router.ts'
import { hashOf } from '../router.ts'

interface Props {
  /** From the top down; each leads there. */
  readonly above?: readonly (readonly [name: string, place: Place])[]
  readonly title: string
  readonly beside?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}

export function Page({ above = [], title, beside, actions, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null)
  const name = [...above.map(([name]) => name), title].join(' / ')
  // Whoever follows a link by keyboard or hears the page is where it begins.
  useEffect(() => {
    document.title = `${name} · Sixfold`
    scrollTo(0, 0)
    heading.current?.focus({ preventScroll: true })
  }, [name])
  return (
    <div className="page">
      <header className="page-head">
        <div>
          {above.length > 0 && (
            <nav aria-label="Above" className="crumbs">
              {above.map(([text, place]) => (
                <a key={text} href={hashOf(place)}>
                  {text}
                </a>
              ))}
            </nav>
          )}
          <div className="page-title">
            <h2 ref={heading} tabIndex={-1}>
              {title}
            </h2>
            {beside}
          </div>
        </div>
        {actions !== undefined && <div className="actions">{actions}</div>}
      </header>
      {children}
    </div>
  )
}
