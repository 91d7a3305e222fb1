import { defineConfig } from 'vite'
import { eventNames } from './vite.event-names.ts'

export default defineConfig({
  root: 'web/app',
  base: '/',
  define: eventNames,
  build: { outDir: '../../dist/web', emptyOutDir: true, target: 'es2022', sourcemap: false },
})
