import { createInterface } from 'node:readline/promises'
import { Command } from 'commander'
import { ModelLibrary } from '../models/index.ts'
import { emit, exit, fail, note } from './io.ts'
import { dataOption, findModel, jsonOption } from './models.ts'
import { size } from './progress-bar.ts'

interface RemoveOptions {
  yes?: true
  data: string
  json?: true
}

export function rmCommand(): Command {
  return new Command('rm')
    .description('Remove a model from this machine. Files that you imported from your disk stay.')
    .argument('<model>', 'its name, or its CID')
    .option('-y, --yes', 'do not ask')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(run)
}

async function run(name: string, { yes, data, json }: RemoveOptions): Promise<void> {
  try {
    const library = new ModelLibrary(data)
    const model = await findModel(library, name)
    if (model.used === 0) {
      throw new Error(`${model.manifest.name} is installed with Shard and stays with it.`)
    }
    const freed = await library.freedBy(model)
    const what = `${model.manifest.name} (${model.cid.toString()})`
    if (yes !== true && !(await confirm(`Remove ${what}? This frees ${size(freed)}. [y/N] `))) {
      note('Nothing was removed.')
      return exit(0)
    }
    await library.remove(model)
    if (json === true) {
      emit({ event: 'removed', model: model.cid.toString(), name: model.manifest.name, bytes: freed })
    } else {
      note(`Removed ${what}; ${size(freed)} are free again.`)
    }
  } catch (error) {
    return fail(error, json === true)
  }
  exit(0)
}

/** @throws Error where there is nobody to ask */
async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new Error('There is no terminal to ask on: say --yes to remove it.')
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim())
  } finally {
    terminal.close()
  }
}
