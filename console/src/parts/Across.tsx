/** What may be wider than its place: scrolled there, also by keyboard. */
import type { ReactNode } from 'react'

interface Props {
  readonly label: string
  readonly className?: string
  readonly children: ReactNode
}

export const Across = ({ label, className = 'scroll-across', children }: Props) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no pointer scrolls with the arrow keys.
  <section className={className} aria-label={label} tabIndex={0}>
    {children}
  </section>
)
