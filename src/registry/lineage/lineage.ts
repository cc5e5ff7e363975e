/** From an answer to all that it was made of, and from a column to all that is made of it. */
import type { Lineage, LineageQuestion } from '../registry.ts'
import type { LineageOptions } from './back.ts'
import { ofPrediction, ofRun, ofVersion } from './back.ts'
import { ofColumn, ofFeature } from './forward.ts'

export const lineageOf =
  (options: LineageOptions) =>
  (question: LineageQuestion): Promise<Lineage> => {
    switch (question.of) {
      case 'prediction':
        return ofPrediction(question.id, options)
      case 'version':
        return ofVersion(question.model, question.version, options)
      case 'run':
        return ofRun(question.run, options)
      case 'column':
        return ofColumn(question.source, question.column, options)
      case 'feature':
        return ofFeature(question.view, question.feature, options)
    }
  }
