export interface Toast {
  id: number
  text: string
  /** A button on the toast. */
  action?: { label: string; run: () => void }
  /** Where it must not be confused with another, e.g. one toast for an update. */
  key?: string
}

/** Short notes at the edge of the screen. One that needs an answer stays until it has it. */
class Toasts {
  list = $state<Toast[]>([])
  #next = 1

  /** @param duration - in ms; 0: until it is closed */
  show(toast: Omit<Toast, 'id'>, duration = 6_000): void {
    if (toast.key != null) this.list = this.list.filter(({ key }) => key !== toast.key)
    const id = this.#next++
    this.list.push({ ...toast, id })
    if (duration > 0) setTimeout(() => this.close(id), duration)
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id)
  }
}

export const toasts = new Toasts()
