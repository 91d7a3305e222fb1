import { defineConfig } from 'vite'

// The program. Dependencies stay in node_modules; each command has its own chunk, so that `boardcast run` loads neither
// the server nor SQLite.
export default defineConfig({
  build: {
    ssr: 'src/cli/entry.ts',
    outDir: 'dist',
    emptyOutDir: true,
    target: 'node20',
    sourcemap: true,
    minify: false,
    copyPublicDir: false,
    rollupOptions: {
      output: {
        entryFileNames: 'cli.js',
        chunkFileNames: 'chunks/[name]-[hash].js',
        banner: (chunk) => (chunk.isEntry ? '#!/usr/bin/env node' : ''),
      },
    },
  },
})
