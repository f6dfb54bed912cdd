import { Command } from 'commander'
import { catalogue, filesOf, ModelLibrary, type LocalModel } from '../models/index.ts'
import { emit, exit, fail, print } from './io.ts'
import { dataOption, embeddedModel, jsonOption } from './models.ts'
import { size } from './progress-bar.ts'

interface ListOptions {
  all?: true
  data: string
  json?: true
}

export function lsCommand(): Command {
  return new Command('ls')
    .alias('list')
    .description('List the models of this machine.')
    .option('--all', 'and those of the catalogue that could be pulled')
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(run)
}

async function run(options: ListOptions): Promise<void> {
  try {
    const models = [await embeddedModel(), ...(await new ModelLibrary(options.data).list())]
    const here = new Set(models.map(({ manifest }) => manifest.name))
    const others = options.all === true ? (await catalogue()).filter(({ name }) => !here.has(name)) : []
    if (options.json === true) {
      models.forEach((model) => emit(asJson(model)))
      others.forEach(({ name, license, target, draft }) => emit({ name, state: 'available', license, target, draft }))
    } else {
      const rows = models.map((model) => row(model))
      const more = others.map(({ name, license }) => [name, '-', '-', '-', license, 'shard pull'])
      print(...table([['NAME', 'ID', 'SIZE', 'QUANT', 'LICENCE', 'STATE'], ...rows, ...more]))
    }
  } catch (error) {
    return fail(error, options.json === true)
  }
  exit(0)
}

function row(model: LocalModel): string[] {
  const { manifest, cid } = model
  return [
    manifest.name,
    cid.toString().slice(0, 16),
    size(totalBytes(model)),
    manifest.target.quantization,
    manifest.license,
    state(model)
  ]
}

/** What `shard ls --json` and `shard show --json` say of a model. */
export function asJson(model: LocalModel): Record<string, unknown> {
  const { cid, manifest, targetPath, draftPath, used } = model
  return {
    name: manifest.name,
    model: cid.toString(),
    state: state(model),
    bytes: totalBytes(model),
    license: manifest.license,
    quantization: manifest.target.quantization,
    contextLength: manifest.contextLength,
    target: targetPath,
    draft: draftPath,
    used: used > 0 ? new Date(used).toISOString() : undefined
  }
}

function state({ complete, imported, used }: LocalModel): string {
  if (!complete) {
    return 'incomplete'
  }
  return used === 0 ? 'built in' : imported ? 'own file' : 'here'
}

function totalBytes({ manifest }: LocalModel): number {
  return filesOf(manifest).reduce((sum, { bytes }) => sum + bytes, 0)
}

function table(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)))
  return rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  )
}
