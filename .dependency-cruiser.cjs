// The arrows of docs/ARCHITECTURE.md: src, node-shard, relay -> protocol (and models), and nothing back.

/** A workspace's own files, before and after the build, and the name that others import it by. */
const part = (folder, name, inside = '') => `(^|/)${folder}/(src|dist)/${inside}|^@shard/${name}(/${inside}|$)`

const APP = '^src/'
const TEST = '\\.test\\.ts$'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      // As in js-libp2p, an index.ts may declare what the class that it makes implements: type imports are erased.
      comment: 'Two files that need each other are one file, or need a third one.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } }
    },
    {
      name: 'protocol-is-the-bottom',
      comment: 'protocol/ is what peers say to each other; it knows no peer.',
      severity: 'error',
      from: { path: '^protocol/' },
      to: { path: [APP, part('node-shard', 'node'), part('relay', 'relay'), '^(tests|bench|scripts)/'] }
    },
    {
      name: 'protocol-is-isomorphic',
      comment: 'protocol/ runs in a tab too: no Node module in what ships.',
      severity: 'error',
      from: { path: '^protocol/src/', pathNot: TEST },
      to: { dependencyTypes: ['core'] }
    },
    {
      name: 'relay-understands-no-shard-protocol',
      comment: 'A relay carries ciphertext and answers the DHT; it must not understand a /shard/* protocol.',
      severity: 'error',
      from: { path: '^relay/', pathNot: TEST },
      to: { path: part('protocol', 'protocol', '(generate|draft|announce|consume)') }
    },
    {
      name: 'relay-stands-alone',
      severity: 'error',
      from: { path: '^relay/' },
      to: { path: [APP, part('node-shard', 'node')] }
    },
    {
      name: 'node-shard-stands-alone',
      severity: 'error',
      from: { path: '^node-shard/' },
      to: { path: [APP, part('relay', 'relay')] }
    },
    {
      name: 'app-stands-alone',
      comment: 'The PWA meets a Shard or a relay on the wire only.',
      severity: 'error',
      from: { path: APP },
      to: { path: [part('node-shard', 'node'), part('relay', 'relay')] }
    },
    {
      name: 'nothing-ships-tests-or-tools',
      severity: 'error',
      from: { path: '^(src|protocol|relay|node-shard|models)/', pathNot: TEST },
      to: { path: ['^(tests|bench|scripts)/', TEST] }
    },
    {
      name: 'no-dev-dependency-in-shipped-code',
      comment: 'It would be missing after `npm install -g`. The app is bundled, so its tools may be dev dependencies.',
      severity: 'error',
      from: { path: '^(protocol|relay|node-shard)/src/', pathNot: TEST },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm'] }
    },
    {
      name: 'declared-dependencies-only',
      comment: 'Declare it in the package.json of the workspace that imports it.',
      severity: 'error',
      from: { path: '^(src|protocol|relay|node-shard)/', pathNot: TEST },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['aliased-subpath-import'] }
    },
    {
      name: 'resolvable',
      comment: 'No such file or package. SvelteKit makes $app/* and $env/* itself.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: ['^\\$(app|env|service-worker)(/|$)', '^virtual:', '\\?'] }
    },
    {
      name: 'no-deprecated-core-module',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['deprecated'] }
    }
  ],
  options: {
    doNotFollow: { path: ['node_modules', '(^|/)dist/'] },
    exclude: { path: ['^\\.svelte-kit/', '^build/', '^models/training/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'svelte', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.svelte', '.json', '.d.ts']
    },
    reporterOptions: { text: { highlightFocused: true } }
  }
}
