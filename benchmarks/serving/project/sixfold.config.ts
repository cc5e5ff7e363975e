import { defineConfig } from 'sixfold'

export default defineConfig({ platform: './platform.ts' })
