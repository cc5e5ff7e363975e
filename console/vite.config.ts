/** Builds into the package, from where the server serves it; under `vite` the API is that of a server already running. */
import { defineConfig } from 'vite'

export default defineConfig(({ command }) => {
  // Also when a test run builds it, which says NODE_ENV=test: that would bundle React as it is for developers.
  if (command === 'build') process.env['NODE_ENV'] = 'production'
  return {
    build: { outDir: '../dist/console', emptyOutDir: true, target: 'es2022', modulePreload: { polyfill: false } },
    server: { proxy: { '/v1': process.env['SIXFOLD_URL'] ?? 'http://127.0.0.1:6006' } },
  }
})
