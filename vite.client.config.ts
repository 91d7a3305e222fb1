import { defineConfig } from 'vite'
import { eventNames } from './vite.event-names.ts'

// The client library: one file per entry, shared code in chunks, and rarely used code in chunks that load on demand.
// eventsource-parser is bundled; the frameworks and zod are dependencies of the application.

/** Goes beside the bundle: no file has side effects, so that bundlers may drop unused exports. */
const packageJson = { type: 'module', sideEffects: false }

export default defineConfig({
  plugins: [
    {
      name: 'package-json',
      generateBundle() {
        this.emitFile({ type: 'asset', fileName: 'package.json', source: `${JSON.stringify(packageJson)}\n` })
      },
    },
  ],
  define: eventNames,
  build: {
    lib: {
      entry: { client: 'web/client/index.ts', preact: 'web/client/preact.ts', react: 'web/client/react.ts' },
      formats: ['es'],
    },
    outDir: 'dist/client',
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: true,
    copyPublicDir: false,
    rollupOptions: {
      external: [/^preact($|\/)/, /^react($|\/)/, /^zod($|\/)/],
      output: { chunkFileNames: 'chunks/[name]-[hash].js', minify: true },
    },
  },
})
