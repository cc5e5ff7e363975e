/**
 * JSON schemas for kubeconform, from what the projects themselves publish: the OpenAPI document of Kubernetes, and the definitions
 * of KEDA's and Prometheus' kinds. Stricter than those: a field that a schema does not name is refused, since the API server would
 * drop it without a word.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { validators } from '../../scripts/installed.mjs'

type Schema = { readonly [member: string]: unknown }

/** Writes the schema of each kind that the resources have; one that nobody defines gets none, and kubeconform says so. */
export function writeSchemas(folder: string, resources: readonly { apiVersion: string; kind: string }[]): void {
  mkdirSync(folder, { recursive: true })
  const { definitions } = JSON.parse(readFileSync(join(validators, 'swagger.json'), 'utf8')) as {
    readonly definitions: { readonly [name: string]: Schema }
  }
  const operators = ['keda.sh_scaledobjects.yaml', 'monitoring.coreos.com_podmonitors.yaml'].map(
    (file) => parse(readFileSync(join(validators, file), 'utf8')) as CustomResource,
  )
  for (const { apiVersion, kind } of resources) {
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
    const schema =
      ofKubernetes(definitions, group!, version!, kind) ?? ofOperators(operators, definitions, group!, version!, kind)
    // As kubeconform's {{ .ResourceKind }}{{ .KindSuffix }} has it.
    const suffix = [...(group === '' ? [] : [group!.split('.')[0]]), version].join('-')
    if (schema !== null) writeFileSync(join(folder, `${kind.toLowerCase()}-${suffix}.json`), JSON.stringify(schema))
  }
}

function ofKubernetes(
  definitions: { readonly [name: string]: Schema },
  group: string,
  version: string,
  kind: string,
): Schema | null {
  const found = Object.entries(definitions).find(([, definition]) =>
    (
      definition['x-kubernetes-group-version-kind'] as { group: string; version: string; kind: string }[] | undefined
    )?.some((one) => one.group === group && one.version === version && one.kind === kind),
  )
  return found === undefined ? null : { $ref: `#/definitions/${found[0]}`, definitions: strict(definitions) }
}

interface CustomResource {
  readonly spec: {
    readonly group: string
    readonly names: { readonly kind: string }
    readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[]
  }
}

function ofOperators(
  resources: readonly CustomResource[],
  definitions: { readonly [name: string]: Schema },
  group: string,
  version: string,
  kind: string,
): Schema | null {
  const resource = resources.find(({ spec }) => spec.group === group && spec.names.kind === kind)
  const found = resource?.spec.versions.find(({ name }) => name === version)?.schema.openAPIV3Schema
  if (found === undefined) return null
  const metadata = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'
  const properties = { ...(found['properties'] as Schema), metadata: { $ref: `#/definitions/${metadata}` } }
  return { ...(strict({ ...found, properties }) as Schema), definitions: strict(definitions) }
}

/** Fields that are not named are refused, but for the places that are open by intent. Numbers may stand where quantities are text. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict)
  if (typeof schema !== 'object' || schema === null) return schema
  const own = schema as Schema
  if (own['format'] === 'int-or-string') return { anyOf: [{ type: 'integer' }, { type: 'string' }] }
  if (String(own['description']).startsWith('Quantity is a fixed-point'))
    return { anyOf: [{ type: 'string' }, { type: 'number' }] }
  const members = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, strict(value)]))
  const open = own['x-kubernetes-preserve-unknown-fields'] === true || own['additionalProperties'] !== undefined
  return typeof own['properties'] === 'object' && own['type'] === 'object' && !open
    ? { ...members, additionalProperties: false }
    : members
}
