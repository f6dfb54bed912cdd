import { existsSync } from 'node:fs'
import js from '@eslint/js'
import svelte from 'eslint-plugin-svelte'
import globals from 'globals'
import ts from 'typescript-eslint'

/** Every TypeScript program of the house; a file is checked in the first one that holds it. */
const projects = [
  'protocol/tsconfig.json',
  'relay/tsconfig.json',
  'node-shard/tsconfig.json',
  'scripts/tsconfig.json',
  'tsconfig.tests.json',
  'src/service-worker/tsconfig.json',
  'tsconfig.json'
].filter((file) => existsSync(new URL(file, import.meta.url)))

/** The folders whose code runs at a user's, as opposed to tests and tools. */
const shipped = ['protocol/src/**/*.ts', 'relay/src/**/*.ts', 'node-shard/src/**/*.ts', 'src/**/*.{ts,svelte}']

const tests = ['tests/**/*.ts', 'bench/**/*.ts', '**/*.test.ts']

export default ts.config(
  {
    ignores: [
      '**/node_modules/',
      '**/dist/',
      'build/',
      '.svelte-kit/',
      'test-results/',
      'playwright-report/',
      'static/',
      'models/',
      // Written by protons from the .proto beside it.
      'protocol/src/pb/*.ts'
    ]
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  ...ts.configs.strictTypeChecked,
  ...svelte.configs.recommended,
  {
    languageOptions: {
      globals: { ...globals.es2025 },
      parserOptions: {
        project: projects,
        tsconfigRootDir: import.meta.dirname,
        // The same list for every file: a differing one makes TypeScript load each program twice.
        extraFileExtensions: ['.svelte']
      }
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': [
        'error',
        { 'ts-ignore': true, 'ts-expect-error': true, 'ts-nocheck': true }
      ],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all', caughtErrorsIgnorePattern: '^_' }
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // What a peer sent is checked at run time, whatever the types promise; this rule would call those checks needless.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // An interface may be asynchronous where one of its implementations is not.
      '@typescript-eslint/require-await': 'off',
      // Typed arrays and lists are read at indices that a loop keeps in range; `noUncheckedIndexedAccess` asks for the mark.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Texts are cut where the code means to cut them.
      '@typescript-eslint/no-misused-spread': 'off',
      // It takes Promise.withResolvers<void>() for a misuse.
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/unified-signatures': 'off',

      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true, defaultFrom: true } }]
    }
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      globals: { ...globals.browser },
      parserOptions: { parser: ts.parser }
    },
    rules: {
      'no-restricted-exports': 'off',
      // svelte-check knows the types of components and templates; the parser of this tool takes many of them for `any`.
      'no-undef': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // `void value` in an effect names what the effect depends on.
      '@typescript-eslint/no-meaningless-void-operator': 'off'
    }
  },
  {
    files: ['**/*.ts', '**/*.mjs'],
    // tsc reports names that do not exist, with the right library for each folder.
    rules: { 'no-undef': 'off' }
  },
  {
    files: shipped,
    ignores: tests,
    rules: { 'no-console': 'error', 'no-debugger': 'error' }
  },
  {
    files: tests,
    rules: {
      // A test hands broken values to functions on purpose, and stands in for interfaces with part of them.
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/unbound-method': 'off',
      // Matchers such as expect.any() are of type any, and a source that only fails never yields.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      'require-yield': 'off',
      // A test that is skipped or run alone makes the suite say less than it seems to.
      'no-restricted-properties': [
        'error',
        ...['describe', 'it', 'test', 'suite'].flatMap((object) =>
          ['skip', 'only', 'todo', 'fixme', 'skipIf', 'runIf', 'fails'].map((property) => ({ object, property }))
        )
      ]
    }
  },
  {
    // Tools ask for a default export in their configuration files.
    files: ['*.config.ts', '*.config.js', '*.cjs'],
    rules: { 'no-restricted-exports': 'off' }
  },
  {
    files: ['**/*.js', '**/*.cjs'],
    extends: [ts.configs.disableTypeChecked],
    languageOptions: { globals: { ...globals.node } }
  },
  {
    // Types in comments, which tsc checks and these rules do not see.
    files: ['**/*.mjs'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off'
    }
  },
  {
    files: ['**/*.cjs'],
    rules: { '@typescript-eslint/no-require-imports': 'off' }
  }
)
