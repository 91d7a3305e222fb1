import { defineConfig } from 'vite'

// The test kit: a library for tests, which run in Node. Dependencies stay in node_modules.
export default defineConfig({
  build: {
    ssr: 'src/testing/index.ts',
    outDir: 'dist/testing',
    emptyOutDir: true,
    target: 'node20',
    sourcemap: true,
    minify: false,
    copyPublicDir: false,
    rollupOptions: { output: { entryFileNames: 'testing.js', chunkFileNames: 'chunks/[name]-[hash].js' } },
  },
})
