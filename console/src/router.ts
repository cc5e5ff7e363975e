/**
 * Where in the console the reader is: the part of the address after `#`. So every page has an address of its own, and the server need
 * not know of it.
 */
import { useSyncExternalStore } from 'react'

export type Place =
  | { readonly page: 'overview' }
  | { readonly page: 'models' }
  | { readonly page: 'model'; readonly model: string }
  | { readonly page: 'serving'; readonly model: string }
  | { readonly page: 'prediction'; readonly id: string }
  | { readonly page: 'version'; readonly model: string; readonly version: string }
  | { readonly page: 'card'; readonly model: string; readonly version: string }
  | { readonly page: 'compare'; readonly model: string; readonly a: string; readonly b: string }
  | { readonly page: 'audit'; readonly model: string }
  | { readonly page: 'lineage'; readonly of: string; readonly value: string }
  | { readonly page: 'batches' }
  | { readonly page: 'batch'; readonly batch: string }
  | { readonly page: 'run'; readonly batch: string; readonly version: string }
  | { readonly page: 'nowhere' }

export function hashOf(place: Place): string {
  const path = (...parts: readonly string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`
  switch (place.page) {
    case 'overview':
      return '#/'
    case 'models':
      return path('models')
    case 'model':
      return path('models', place.model)
    case 'serving':
      return path('models', place.model, 'serving')
    case 'prediction':
      return path('predictions', place.id)
    case 'version':
      return path('models', place.model, 'versions', place.version)
    case 'card':
      return path('models', place.model, 'versions', place.version, 'card')
    case 'compare':
      return path('models', place.model, 'compare', place.a, place.b)
    case 'audit':
      return place.model === '' ? path('audit') : path('audit', place.model)
    case 'lineage':
      return place.value === '' ? path('lineage') : path('lineage', place.of, place.value)
    case 'batches':
      return path('batches')
    case 'batch':
      return path('batches', place.batch)
    case 'run':
      return path('batches', place.batch, 'runs', place.version)
    case 'nowhere':
      return '#/nowhere'
  }
}

export function placeOf(hash: string): Place {
  const parts = partsOf(hash)
  if (parts === null) return { page: 'nowhere' }
  const [first, a = '', b = '', c = '', d = ''] = parts
  const { length } = parts
  if (first === undefined) return { page: 'overview' }
  if (first === 'models' && length === 1) return { page: 'models' }
  if (first === 'models' && length === 2) return { page: 'model', model: a }
  if (first === 'models' && b === 'serving' && length === 3) return { page: 'serving', model: a }
  if (first === 'predictions' && length === 2) return { page: 'prediction', id: a }
  if (first === 'models' && b === 'versions' && length === 4) return { page: 'version', model: a, version: c }
  if (first === 'models' && b === 'versions' && d === 'card' && length === 5)
    return { page: 'card', model: a, version: c }
  if (first === 'models' && b === 'compare' && length === 5) return { page: 'compare', model: a, a: c, b: d }
  if (first === 'audit' && length <= 2) return { page: 'audit', model: a }
  if (first === 'lineage' && length === 1) return { page: 'lineage', of: 'version', value: '' }
  if (first === 'lineage' && length === 3) return { page: 'lineage', of: a, value: b }
  if (first === 'batches' && length === 1) return { page: 'batches' }
  if (first === 'batches' && length === 2) return { page: 'batch', batch: a }
  if (first === 'batches' && b === 'runs' && length === 4) return { page: 'run', batch: a, version: c }
  return { page: 'nowhere' }
}

function partsOf(hash: string): readonly string[] | null {
  try {
    return hash
      .replace(/^#?\/?/, '')
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
  } catch {
    return null
  }
}

export const go = (place: Place): void => {
  location.hash = hashOf(place)
}

const onHash = (changed: () => void): (() => void) => {
  addEventListener('hashchange', changed)
  return () => removeEventListener('hashchange', changed)
}
export const useHash = (): string => useSyncExternalStore(onHash, () => location.hash)
