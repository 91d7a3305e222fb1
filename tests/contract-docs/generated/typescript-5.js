/**
 * Loaded before a generator: it writes its code with the API of TypeScript 5, which TypeScript 7 does not have. A second
 * `typescript` in node_modules would take the place of `tsc`, so it gets the one that @ts-morph/common brings along.
 */
import { register } from 'node:module'

const api = import.meta.resolve('@ts-morph/common')
const source = `import common from ${JSON.stringify(api)}; export default common.ts`
const replacement = `data:text/javascript,${encodeURIComponent(source)}`
const hooks = `export function resolve(specifier, context, next) {
  return specifier === 'typescript' ? { url: ${JSON.stringify(replacement)}, shortCircuit: true } : next(specifier, context)
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
