import { defineConfig } from 'vite'
import { eventNames } from './vite.event-names.ts'

export default defineConfig({
  root: 'web/app',
  // In the page the server puts the path in front that browsers see (src/server/web-app.ts); scripts and styles it does not touch.
  base: '/',
  experimental: { renderBuiltUrl: (_, { hostType }) => (hostType === 'html' ? undefined : { relative: true }) },
  define: eventNames,
  build: { outDir: '../../dist/web', emptyOutDir: true, target: 'es2022', sourcemap: false },
})
