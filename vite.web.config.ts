import { defineConfig } from 'vite'
import { eventNames } from './vite.event-names.ts'

export default defineConfig({
  root: 'web/app',
  // The server adds the path prefix to URLs in the HTML (src/server/web-app.ts), but not in scripts and styles, so those are relative.
  base: '/',
  experimental: { renderBuiltUrl: (_, { hostType }) => (hostType === 'html' ? undefined : { relative: true }) },
  define: eventNames,
  build: { outDir: '../../dist/web', emptyOutDir: true, target: 'es2022', sourcemap: false },
})
