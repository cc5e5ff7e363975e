/** deploy/kubernetes: rendered by kustomize, held against the schemas by kubeconform, and against what Sixfold itself reads. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { limits } from '../../src/kernel/limits.ts'
import { describeWith } from '../services/index.ts'
import { problemsOf } from './environment.ts'
import { changed, check, deploy, root } from './run.ts'
import { writeSchemas } from './schemas.ts'

// biome-ignore lint/suspicious/noExplicitAny: a manifest, whose form is what is checked
type Resource = any

const overlays = ['plain', 'scaled'] as const
const parsed = (text: string): readonly Resource[] => parseAllDocuments(text).map((document) => document.toJS())

describeWith(['validators'], 'deploy/kubernetes', () => {
  let folder: string
  const rendered = new Map<string, string>()
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sixfold-deploy-'))
    for (const overlay of overlays) {
      const { code, out } = check('kustomize', 'build', join(deploy, 'kubernetes/overlays', overlay))
      expect(code, out).toBe(0)
      rendered.set(overlay, out)
    }
    writeSchemas(join(folder, 'schemas'), [...rendered.values()].flatMap(parsed))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const conforms = (text: string) => {
    const file = join(folder, 'resources.yaml')
    writeFileSync(file, text)
    const schemas = join(folder, 'schemas', '{{ .ResourceKind }}{{ .KindSuffix }}.json')
    return check('kubeconform', '-strict', '-summary', '-schema-location', schemas, file)
  }
  const all = (overlay: 'plain' | 'scaled', kind: string): readonly Resource[] =>
    parsed(rendered.get(overlay)!).filter((resource) => resource.kind === kind)

  test.each(overlays)('%s is what Kubernetes and the operators take', (overlay) => {
    const count = parsed(rendered.get(overlay)!).length
    const { code, out } = conforms(rendered.get(overlay)!)
    expect(out).toContain(
      `Summary: ${count} resources found in 1 file - Valid: ${count}, Invalid: 0, Errors: 0, Skipped: 0`,
    )
    expect(code).toBe(0)
    expect(count).toBe(overlay === 'plain' ? 8 : 11)
  })

  test.each([
    ['plain', 'readinessProbe:', 'readynessProbe:', 'readynessProbe'],
    ['plain', 'replicas: 3', 'replicas: three', 'replicas'],
    ['plain', 'containerPort: 6006', 'containerPort: web', 'containerPort'],
    ['plain', 'selector:', 'selectors:', 'selector'],
    ['plain', 'unhealthyPodEvictionPolicy', 'unhealthyPodEvictionPolicies', 'unhealthyPodEvictionPolicies'],
    ['plain', 'policy/v1', 'policy/v2', 'could not find schema'],
    ['scaled', 'minReplicaCount: 2', 'minReplicaCount: two', 'minReplicaCount'],
    ['scaled', 'threshold: "32"', 'threshold: 32', 'threshold'],
    ['scaled', 'stabilizationWindowSeconds: 300', 'stabilisationWindowSeconds: 300', 'stabilisationWindowSeconds'],
    ['scaled', 'podMetricsEndpoints', 'podMetricEndpoints', 'podMetricEndpoints'],
  ] as const)('%s with %s as %s is refused', (overlay, from, to, named) => {
    const { code, out } = conforms(changed(rendered.get(overlay)!, from, to))
    expect(code).toBe(1)
    expect(out).toContain(named)
  })

  test.each(overlays)('%s: every pod has limits, and no right that it does not need', (overlay) => {
    const pods = [...all(overlay, 'Deployment'), ...all(overlay, 'Job')].map(({ spec }) => spec.template.spec)
    expect(pods.length).toBe(2)
    for (const pod of pods) {
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      })
      for (const container of pod.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        expect(container.resources).toMatchObject({
          requests: { cpu: expect.any(String), memory: expect.any(String) },
          limits: { memory: expect.any(String) },
        })
        // What the image writes.
        expect(container.volumeMounts.map((mount: Resource) => mount.mountPath).sort()).toEqual(['/data', '/tmp'])
        expect(container.image).toMatch(/^registry\.example\/sixfold-flights:./)
      }
    }
  })

  test.each(overlays)('%s: what is named by name or by label is there', (overlay) => {
    const [deployment] = all(overlay, 'Deployment')
    const labels = deployment.spec.template.metadata.labels
    const [config] = all(overlay, 'ConfigMap')
    for (const { spec } of [deployment, all(overlay, 'Job')[0]]) {
      const [container] = spec.template.spec.containers
      expect(container.envFrom).toEqual([
        { configMapRef: { name: config.metadata.name } },
        { secretRef: { name: 'sixfold-passwords' } },
      ])
      expect(spec.template.spec.serviceAccountName).toBe(all(overlay, 'ServiceAccount')[0].metadata.name)
    }
    const selectors = [
      deployment.spec.selector.matchLabels,
      all(overlay, 'Service')[0].spec.selector,
      all(overlay, 'PodDisruptionBudget')[0].spec.selector.matchLabels,
      ...all(overlay, 'NetworkPolicy').map(({ spec }) => spec.podSelector.matchLabels),
      ...all(overlay, 'PodMonitor').map(({ spec }) => spec.selector.matchLabels),
    ]
    for (const selector of selectors) expect(labels).toMatchObject(selector)
    for (const { spec } of all(overlay, 'ScaledObject')) expect(spec.scaleTargetRef.name).toBe(deployment.metadata.name)
    // The Job's pods are no servers: the Service is not to send them requests.
    expect(all(overlay, 'Job')[0].spec.template.metadata.labels).not.toMatchObject(
      all(overlay, 'Service')[0].spec.selector,
    )
  })

  test('Sixfold takes the environment, and each port has a shared store', () => {
    for (const { data } of all('plain', 'ConfigMap')) expect(problemsOf(data)).toEqual([])
    expect(problemsOf({ ...all('plain', 'ConfigMap')[0].data, SIXFOLD_ONLINE_URI: 'x' })).not.toEqual([])
  })

  test('the probes ask what is served, and the times fit', () => {
    const [{ spec }] = all('plain', 'Deployment')
    const { containers, terminationGracePeriodSeconds } = spec.template.spec
    const [{ startupProbe, readinessProbe, livenessProbe, lifecycle, ports }] = containers
    const served = readFileSync(join(root, 'src/server/http.ts'), 'utf8')
    for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
      expect(served).toContain(`get('${httpGet.path}'`)
      expect(httpGet.port).toBe(ports[0].name)
    }
    expect(terminationGracePeriodSeconds).toBeGreaterThan(lifecycle.preStop.sleep.seconds + limits.drainMs / 1000 + 30)
    expect(spec.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 })
  })

  test('who scrapes has a key, and who probes needs none', () => {
    const [{ spec }] = all('scaled', 'PodMonitor')
    const { path, authorization } = spec.podMetricsEndpoints[0]
    const served = readFileSync(join(root, 'src/server/http.ts'), 'utf8')
    expect(served).toContain(`get('${path}', { right: 'read'`)
    expect(authorization).toEqual({ credentials: { name: 'sixfold-metrics', key: 'key' } })
    const [{ spec: deployment }] = all('scaled', 'Deployment')
    const [{ readinessProbe, livenessProbe }] = deployment.template.spec.containers
    for (const { httpGet } of [readinessProbe, livenessProbe])
      expect(served).toContain(`get('${httpGet.path}', 'nothing'`)
  })

  test('the scaler asks for a figure that servers give, and a scaled Deployment has no number of its own', () => {
    const [{ spec }] = all('scaled', 'ScaledObject')
    const server = join(root, 'src/server')
    const sources = ['metrics.ts', ...readdirSync(join(server, 'metrics')).map((file) => `metrics/${file}`)]
    const metrics = sources.map((file) => readFileSync(join(server, file), 'utf8')).join('\n')
    for (const { metadata } of spec.triggers)
      for (const name of metadata.query.match(/sixfold_\w+/g))
        expect(metrics).toContain(`'${name.replace(/_bucket$/, '')}'`)
    expect(spec.triggers).toHaveLength(3)
    expect(all('scaled', 'Deployment')[0].spec.replicas).toBeUndefined()
    expect(spec.fallback.replicas).toBeGreaterThanOrEqual(spec.minReplicaCount)
    expect(spec.fallback.replicas).toBeLessThanOrEqual(spec.maxReplicaCount)
  })
})
