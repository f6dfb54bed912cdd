// The theme that was chosen on the last visit, before anything is painted. lib/ui/theme.svelte.ts writes it.
try {
  const theme = localStorage.getItem('shard-theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Storage may be forbidden; the system's theme is used then.
}
