export type ThemeChoice = 'system' | 'light' | 'dark'

const KEY = 'shard-theme'

/** Light, dark, or whatever the system says. static/theme.js applies the choice before the first paint. */
export class Theme {
  choice = $state<ThemeChoice>('system')

  constructor() {
    const theme = document.documentElement.dataset.theme
    if (theme === 'light' || theme === 'dark') this.choice = theme
  }

  set(choice: ThemeChoice): void {
    this.choice = choice
    if (choice === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = choice
    try {
      if (choice === 'system') localStorage.removeItem(KEY)
      else localStorage.setItem(KEY, choice)
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
    paintBrowserBar()
  }
}

/** Gives the browser's own bars the colour of the page. */
export function paintBrowserBar(): void {
  const colour = getComputedStyle(document.documentElement).backgroundColor
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', colour)
}
