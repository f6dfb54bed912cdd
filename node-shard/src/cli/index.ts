#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { connectCommand } from './connect.ts'
import { importCommand } from './import.ts'
import { lsCommand } from './ls.ts'
import { pullCommand } from './pull.ts'
import { rmCommand } from './rm.ts'
import { runCommand } from './run.ts'
import { scoutCommand } from './scout.ts'
import { serveCommand } from './serve.ts'
import { showCommand } from './show.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

await new Command('shard')
  .description('Peer-to-peer LLM inference: serve a model, draft for others, or ask.')
  .version(version)
  .addCommand(serveCommand())
  .addCommand(connectCommand())
  .addCommand(scoutCommand())
  .addCommand(runCommand())
  .addCommand(pullCommand())
  .addCommand(importCommand())
  .addCommand(lsCommand())
  .addCommand(showCommand())
  .addCommand(rmCommand())
  .showHelpAfterError('(shard help <command> lists its options)')
  .parseAsync()
