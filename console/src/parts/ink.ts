/** The colours of the style sheet, for what is drawn on a canvas; new ones when the reader's scheme changes. */
import { useMemo, useSyncExternalStore } from 'react'

const dark = matchMedia('(prefers-color-scheme: dark)')

const onChange = (changed: () => void): (() => void) => {
  dark.addEventListener('change', changed)
  return () => dark.removeEventListener('change', changed)
}

export function useInk() {
  const isDark = useSyncExternalStore(onChange, () => dark.matches)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the scheme is what the colours depend on.
  return useMemo(() => {
    const style = getComputedStyle(document.documentElement)
    const ink = (name: string): string => style.getPropertyValue(name).trim()
    return { line: ink('--accent'), fill: ink('--accent-wash'), quiet: ink('--text-quiet'), grid: ink('--grid') }
  }, [isDark])
}
