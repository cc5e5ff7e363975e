/** The card in Markdown: to lie beside the model in a repository. */
import type { Cell, Content, Part } from './content.ts'
import { codeMarkdown, escapeMarkdown } from './escape.ts'

export function markdownOf(content: Content): string {
  const { model, version, stage, aliases, description, verdict, sections } = content
  const named = aliases.length === 0 ? '' : `, ${aliases.join(', ')}`
  return `${[
    `# ${escapeMarkdown(model)}, version ${version}`,
    `Stage: **${escapeMarkdown(stage)}**${escapeMarkdown(named)}`,
    ...(description === null ? [] : [escapeMarkdown(description)]),
    escapeMarkdown(verdict.words),
    ...sections.flatMap(({ title, parts }) => [
      `## ${escapeMarkdown(title)}`,
      ...parts.map(partOf).filter((part) => part !== ''),
    ]),
  ].join('\n\n')}\n`
}

function partOf(part: Part): string {
  switch (part.kind) {
    case 'words':
      return escapeMarkdown(part.words)
    case 'table':
      return [
        `| ${part.head.map(escapeMarkdown).join(' | ')} |`,
        `|${part.head.map(() => ' --- ').join('|')}|`,
        ...part.rows.map((row) => `| ${row.map(cellOf).join(' | ')} |`),
      ].join('\n')
    case 'pictures':
      // The tables beside them say the same.
      return ''
  }
}

const cellOf = (cell: Cell): string =>
  typeof cell === 'string' ? escapeMarkdown(cell) : 'code' in cell ? codeMarkdown(cell.code) : cell.outcome
