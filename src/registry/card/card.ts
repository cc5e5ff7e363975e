/** The card of a version, from what is recorded of it alone. */
import type { VersionDetail } from '../registry.ts'
import { contentOf } from './content.ts'
import { htmlOf } from './html.ts'
import { markdownOf } from './markdown.ts'

export const modelCard = (version: VersionDetail, form: 'markdown' | 'html'): string =>
  form === 'html' ? htmlOf(contentOf(version)) : markdownOf(contentOf(version))
