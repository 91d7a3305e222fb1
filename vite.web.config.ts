import { defineConfig } from 'vite'

export default defineConfig({
  root: 'web/app',
  base: '/',
  build: { outDir: '../../dist/web', emptyOutDir: true, target: 'es2022', sourcemap: false },
})
