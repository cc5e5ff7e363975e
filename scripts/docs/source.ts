/** What the sources say of themselves: members of interfaces with their types and comments, for pages that are made from them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dirname, '../..')

export interface Member {
  readonly name: string
  /** As written: of a method its parameters and what it gives. */
  readonly type: string
  readonly optional: boolean
  /** The comment before it, on one line; empty where there is none. */
  readonly comment: string
  readonly parameters: readonly string[]
}

const files = new Map<string, ts.SourceFile>()

/** A source file by its path from the root of the repository. */
export function parse(path: string): ts.SourceFile {
  const known = files.get(path)
  if (known !== undefined) return known
  const text = readFileSync(join(root, path), 'utf8')
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
  files.set(path, file)
  return file
}

/** The text of a node on one line. */
export const flat = (node: ts.Node): string =>
  node
    .getText()
    .replace(/\/\*\*.*?\*\//gs, '')
    .replace(/\s+/g, ' ')
    .trim()

export function commentOf(node: ts.Node): string {
  const comments = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)
  return ts.getTextOfJSDocComment(comments.at(-1)?.comment)?.replace(/\s+/g, ' ').trim() ?? ''
}

/** The members of an interface, in their order. Throws where there is no such interface. */
export function membersOf(path: string, name: string): readonly Member[] {
  const found = parse(path).statements.find(
    (statement): statement is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(statement) && statement.name.text === name,
  )
  if (found === undefined) throw new Error(`${path} has no interface ${name}`)
  return found.members.flatMap((member): readonly Member[] => {
    if (member.name === undefined || !ts.isIdentifier(member.name)) return []
    const common = { name: member.name.text, optional: member.questionToken !== undefined, comment: commentOf(member) }
    if (ts.isPropertySignature(member))
      return [{ ...common, type: member.type === undefined ? '' : flat(member.type), parameters: [] }]
    if (!ts.isMethodSignature(member)) return []
    const parameters = member.parameters.map(
      (one) =>
        `${one.dotDotDotToken === undefined ? '' : '…'}${one.name.getText()}${one.questionToken === undefined ? '' : '?'}`,
    )
    return [{ ...common, type: member.type === undefined ? '' : flat(member.type), parameters }]
  })
}

/** Exported functions and constants of a file with their comments. */
export function exportsOf(
  path: string,
): readonly { readonly name: string; readonly comment: string; readonly parameters: readonly string[] }[] {
  return parse(path).statements.flatMap((statement) => {
    const exported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    if (!exported || !ts.isVariableStatement(statement)) return []
    return statement.declarationList.declarations.map(({ name, initializer }) => ({
      name: name.getText(),
      comment: commentOf(statement),
      parameters:
        initializer !== undefined && ts.isArrowFunction(initializer)
          ? initializer.parameters.map((one) => `${one.name.getText()}${one.questionToken === undefined ? '' : '?'}`)
          : [],
    }))
  })
}
