import { defineConfig } from 'vite'
import { eventNames } from './vite.event-names.ts'

// The library: a file for each entry, what they share in chunks, and what most do not use in chunks that are loaded when
// it is needed. eventsource-parser is bundled; the frameworks and zod stay with whoever uses them.
// Of the files that this one lies beside, none does anything by being imported: bundlers may drop what is not used.
const description = { type: 'module', sideEffects: false }

export default defineConfig({
  plugins: [
    {
      name: 'description',
      generateBundle() {
        this.emitFile({ type: 'asset', fileName: 'package.json', source: `${JSON.stringify(description)}\n` })
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
