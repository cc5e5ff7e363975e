import { defineConfig } from 'sixfold'

// A batch that takes half of what the model may take leaves the other half for waiting.
export default defineConfig({ platform: './platform.ts', models: { heavy: { batchRows: 8 } } })
