#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { runCommand } from './run.ts'
import { scoutCommand } from './scout.ts'
import { serveCommand } from './serve.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

await new Command('shard')
  .description('Peer-to-peer LLM inference: serve a model, draft for others, or ask.')
  .version(version)
  .addCommand(serveCommand())
  .addCommand(scoutCommand())
  .addCommand(runCommand())
  .showHelpAfterError('(shard help <command> lists its options)')
  .parseAsync()
