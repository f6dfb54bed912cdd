// Runs a swarm of stand-ins in a process of its own, which a test then interrupts or kills.

import { runSwarm } from '../../../scripts/lib/swarm.ts'
import { standIns } from './commands.ts'

const [journal] = process.argv.slice(2)
if (journal == null) throw new Error('usage: launcher.ts JOURNAL')

const controller = new AbortController()
process.on('SIGINT', () => controller.abort())
process.exitCode = await runSwarm({
  commands: standIns({ journal }),
  cwd: import.meta.dirname,
  say: () => undefined,
  onReady: () => {
    process.stdout.write('ready\n')
  },
  signal: controller.signal
})
