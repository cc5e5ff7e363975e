/**
 * What the server answers to one question, asked again while somebody looks. What it last said stays while it is asked anew or does not
 * answer, so that nothing jumps; of another question nothing is kept. An answer like the one before is the one before.
 */
import { useCallback, useEffect, useRef, useState } from 'react'
import { askText, Refusal, useKey } from './server.ts'

export interface Asked<T> {
  /** Null until it has answered. */
  readonly value: T | null
  /** Why the newest question has no answer. */
  readonly refusal: Refusal | null
  readonly again: () => void
}

interface Held<T> {
  readonly of: string | null
  readonly text: string
  readonly value: T | null
  readonly refusal: Refusal | null
}

/** Null asks nothing. */
export function useAsked<T>(path: string | null, everyMs: number | null = null): Asked<T> {
  const key = useKey()
  const of = path === null ? null : `${key ?? ''} ${path}`
  const [held, setHeld] = useState<Held<T>>({ of: null, text: '', value: null, refusal: null })
  const now = useRef<() => void>(() => {})

  useEffect(() => {
    if (path === null) return
    const ended = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    let asking = false
    let wanted = false
    const turn = async (): Promise<void> => {
      if (ended.signal.aborted || (document.hidden && !wanted)) return
      if (asking) return
      asking = true
      wanted = false
      clearTimeout(timer)
      try {
        const text = await askText(path, { signal: ended.signal })
        setHeld((before) =>
          before.of === of && before.text === text && before.refusal === null
            ? before
            : {
                of,
                text,
                value: before.of === of && before.text === text ? before.value : (JSON.parse(text) as T),
                refusal: null,
              },
        )
      } catch (error) {
        if (ended.signal.aborted) return
        const refusal = error instanceof Refusal ? error : new Refusal(0, 'UNREADABLE', String(error), '')
        setHeld((before) => (before.of === of ? { ...before, refusal } : { of, text: '', value: null, refusal }))
      }
      asking = false
      if (ended.signal.aborted) return
      if (wanted) void turn()
      else if (everyMs !== null) timer = setTimeout(() => void turn(), everyMs)
    }
    const shown = (): void => {
      if (!document.hidden && everyMs !== null) void turn()
    }
    now.current = () => {
      wanted = true
      void turn()
    }
    document.addEventListener('visibilitychange', shown)
    wanted = true
    void turn()
    return () => {
      ended.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', shown)
    }
  }, [path, of, everyMs])

  const again = useCallback(() => now.current(), [])
  return held.of === of ? { value: held.value, refusal: held.refusal, again } : { value: null, refusal: null, again }
}
