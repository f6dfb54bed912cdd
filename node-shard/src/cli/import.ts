import { Command } from 'commander'
import { importModel, ModelLibrary } from '../models/index.ts'
import { exit, fail, INTERRUPTED, stopSignal } from './io.ts'
import { dataOption, jsonOption, Reporter } from './models.ts'

interface ImportOptions {
  draft?: string
  name?: string
  data: string
  json?: true
}

export function importCommand(): Command {
  return new Command('import')
    .description('Make a model of GGUF files and print its CID. Files of this disk stay where they are.')
    .argument('<file>', 'a GGUF file, hf:owner/repository/file.gguf, or an https address')
    .option('--draft <file>', 'a smaller one with the same tokenizer, which Scouts draft with')
    .option('--name <name>', 'what the model is called')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(run)
}

async function run(target: string, { draft, name, data, json }: ImportOptions): Promise<void> {
  const signal = stopSignal()
  const reporter = new Reporter(json === true)
  try {
    const onProgress = reporter.progress.bind(reporter)
    reporter.done(
      await importModel({ target, draft, name }, new ModelLibrary(data), { signal, onProgress }),
      'Imported'
    )
  } catch (error) {
    reporter.end()
    return signal.aborted ? exit(INTERRUPTED) : fail(error, json === true)
  }
  exit(0)
}
