import { manifestToJson } from '@shard/protocol/model'
import { Command } from 'commander'
import { ModelLibrary } from '../models/index.ts'
import { emit, exit, fail, print } from './io.ts'
import { asJson } from './ls.ts'
import { dataOption, findModel, jsonOption } from './models.ts'
import { size } from './progress-bar.ts'

interface ShowOptions {
  manifest?: true
  data: string
  json?: true
}

export function showCommand(): Command {
  return new Command('show')
    .description('Say what a model of this machine is.')
    .argument('<model>', 'its name, or its CID')
    .option('--manifest', 'print its manifest, as DAG-JSON')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(run)
}

async function run(name: string, options: ShowOptions): Promise<void> {
  try {
    const model = await findModel(new ModelLibrary(options.data), name)
    const { manifest, cid } = model
    if (options.manifest === true) {
      print(manifestToJson(manifest).trimEnd())
    } else if (options.json === true) {
      emit({ ...asJson(model), manifest: JSON.parse(manifestToJson(manifest)) as unknown })
    } else {
      const { target, drafts } = manifest
      print(
        `Name      ${manifest.name}`,
        `Id        ${cid.toString()}`,
        `Licence   ${manifest.license}`,
        `Family    ${manifest.family ?? '-'}`,
        `Context   ${manifest.contextLength} tokens`,
        `Target    ${target.quantization}, ${size(target.bytes)}, ${model.targetPath ?? 'not here'}`,
        ...drafts.map(
          (draft, index) =>
            `Draft     ${draft.name}, ${draft.quantization}, ${size(draft.bytes)}, ${(index === 0 ? model.draftPath : undefined) ?? 'not here'}`
        ),
        ...[target, ...drafts].flatMap(({ origins = [] }) => origins.map((origin) => `Origin    ${origin}`))
      )
    }
  } catch (error) {
    return fail(error, options.json === true)
  }
  exit(0)
}
