import { expose } from 'comlink'
import { DraftHost } from './draft-host.ts'

// A Worker of its own: it keeps drafting while the tab is hidden, when the page's own timers stop.
expose(new DraftHost())
