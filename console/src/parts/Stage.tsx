/** A stage, by its name and a colour. */
import type { Stage } from '../data/registry.ts'

export const stageTitle = (stage: Stage): string => stage[0]!.toUpperCase() + stage.slice(1)

export const StageBadge = ({ stage }: { readonly stage: Stage }) => (
  <span className={`stage ${stage}`}>{stageTitle(stage)}</span>
)
